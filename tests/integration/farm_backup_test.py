"""A manager loses its store, and is restored from a backup while its farm lives on, or not."""

import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import threading

from farm_case import ENGINES, FarmCase, wait_until


class RestoreCase(FarmCase):
    """Ways to lose a store, and to bring it back."""

    def backup(self, name, *words):
        path = self.folder / name
        return path, json.loads(self.farm.strata("backup", "create", "--to", path, "--json",
                                                 *words))

    def verify(self, path, check=True):
        done = subprocess.run([self.farm.programs.strata, "backup", "verify", path, "--json"],
                              capture_output=True, text=True, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)
        return done

    def restore(self, path, settings=None):
        return subprocess.run(
            [self.farm.programs.strata, "backup", "restore", path, "--config",
             settings or self.farm.write_manager_settings(), "--program",
             self.farm.programs.manager], capture_output=True, text=True, check=False)

    @property
    def data(self):
        return self.farm.folder / "manager"

    def lose_the_store(self):
        self.farm.manager.kill()
        shutil.rmtree(self.data)

    def restore_and_start(self, path):
        done = self.restore(path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("restored from", done.stdout)
        self.farm.start_manager()
        self.farm.wait_for_manager()

    def bring_engines_back(self, names=ENGINES):
        """As systemd does: who ended is started again."""
        for name in names:
            wait_until(lambda n=name: not self.farm.engines[n].running(), f"{name} ends")
            self.farm.start_engine(name)
        for name in names:
            self.farm.wait_for_engine(name)

    def check_orders_work(self, path):
        self.farm.apply_site(self.site("minimum_copies: 2"))
        self.farm.apply_site(self.site())
        self.write(path, b"before")
        self.check_everywhere(path, b"before")
        after = self.write(path, b"after")
        self.check_purged(path)
        self.check_everywhere(path, after)
        self.check_equal()


class BackupTest(RestoreCase):
    """What was ordered before a backup is there again, and what is ordered later counts."""

    def test_with_engines_alive_the_farm_serves_what_it_served(self):
        holder, kept = self.fill("/kept", os.urandom(50_000))
        library = self.farm.library("north-1", "films")
        (library / "film").write_bytes(b"of the library")
        wait_until(lambda: self.farm.holders(self.uri("/film")) == ["north-1"], "it is found")
        self.fill("/purged", b"old")
        new = self.write("/purged", b"new")
        self.check_purged("/purged")
        ending = threading.Event()

        def change():
            number = 0
            while not ending.is_set():
                number += 1
                self.farm.purge(self.uri(f"/busy/{number}"))

        changes = threading.Thread(target=change)
        changes.start()
        try:
            path, said = self.backup("alive.tar.gz")
        finally:
            ending.set()
            changes.join()
        report = self.verify(path)
        self.assertEqual(report["manifest"]["records"], said["manifest"]["records"])
        self.assertEqual([engine["name"] for engine in report["engines"]], sorted(ENGINES))
        version = int(report["sites"][0]["version"])
        self.assertGreater(int(report["sites"][0]["purged_up_to"]), 0)

        # All that was ordered is in this one; then the engines know nothing that it does not.
        path, _ = self.backup("whole")
        self.lose_the_store()
        self.restore_and_start(path)
        self.bring_engines_back()
        self.origin.answers["/kept"] = lambda handler: handler.send_error(500)
        self.addCleanup(self.origin.answers.clear)
        self.assertEqual(self.get("/kept").body, kept)
        wait_until(lambda: self.farm.holders(self.uri("/kept")) == [holder], "it is told anew")
        self.assertEqual(self.get("/film").body, b"of the library")
        self.assertEqual(self.get("/purged").body, new)
        sites = self.farm.strata("site", "list", "--json")
        self.assertEqual(int(json.loads(sites.splitlines()[0])["version"]), version + 1000)
        self.assertIn("create a backup", self.farm.strata("audit"))
        self.check_orders_work("/after-alive")

    def test_with_engines_restarted_later_too(self):
        _, kept = self.fill("/again", os.urandom(50_000))
        path, _ = self.backup("again.tar")
        for name in ENGINES:
            self.farm.engines[name].kill()
        self.lose_the_store()
        self.restore_and_start(path)
        for name in ENGINES:
            self.farm.start_engine(name)
        self.wait_whole()
        count = self.origin.count("/again")
        self.assertEqual(self.get("/again").body, kept)
        self.assertEqual(self.origin.count("/again"), count, "it was held all the time")
        self.check_orders_work("/after-again")

    def test_purges_that_the_backup_does_not_know_are_not_forgotten(self):
        self.write("/lost", b"old")
        self.check_everywhere("/lost", b"old")
        path, _ = self.backup("lost.tgz")
        self.farm.engines["south-1"].kill()
        new = self.write("/lost", b"new")
        self.farm.purge(self.uri("/lost"))
        wait_until(lambda: self.at("north-1", "/lost").body == new, "it is purged")
        wait_until(lambda: "films " in (self.farm.engine_folder("north-1") /
                                        "purge_positions").read_text(), "on disk")
        self.lose_the_store()
        self.restore_and_start(path)
        self.bring_engines_back(("north-1", "north-2"))
        self.farm.start_engine("south-1")
        self.wait_whole()
        self.assertIn("whole cache is purged", self.farm.strata("events", "--recent", "1000"))
        self.check_everywhere("/lost", new)
        self.check_orders_work("/after-lost")

    def test_what_is_no_whole_backup_of_this_farm_is_refused(self):
        folder, _ = self.backup("refused")
        tar, _ = self.backup("refused.tar.gz")
        cut = self.folder / "cut.tar.gz"
        cut.write_bytes(tar.read_bytes()[:-200])
        part = folder / "intents-000001"
        damaged = bytearray(part.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        part.write_bytes(damaged)
        for path, why in ((folder, "damaged at byte"), (cut, "cut.tar.gz")):
            told = self.verify(path, check=False)
            self.assertEqual(told.returncode, 1)
            self.assertIn(why, told.stderr)
        full = self.restore(tar)
        self.assertEqual(full.returncode, 1)
        self.assertIn("is not empty", full.stderr)
        settings = self.farm.write_manager_settings()
        empty = self.folder / "empty"
        other = self.folder / "other.yaml"
        other.write_text(settings.read_text().replace(f"data_folder: {self.data}",
                                                      f"data_folder: {empty}"))
        for path in (folder, cut):
            self.assertEqual(self.restore(path, other).returncode, 1)
        self.assertFalse(empty.exists())
        pki = self.folder / "pki-b"
        self.farm.run([self.farm.programs.strata, "pki", "init", "--dir", pki, "--scope", "b/b"])
        self.farm.run([self.farm.programs.strata, "pki", "issue", "--dir", pki, "--role",
                       "manager", "--name", "sm-1", "--out", self.folder / "sm-b"])
        text = other.read_text().replace(str(self.farm.folder / "certificates/sm-1"),
                                         str(self.folder / "sm-b"))
        other.write_text("\n".join(line for line in text.splitlines() if "revoked:" not in line))
        wrong = self.restore(tar, other)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn(self.farm.scope, wrong.stderr)
        self.assertFalse(empty.exists())

    def test_the_guides_timer_makes_backups(self):
        guide = pathlib.Path("docs/operator/daily.md").read_text(encoding="utf-8")
        line = re.search(r"ExecStart=/bin/sh -ec '(.*?)'\n```", guide, re.S)[1]
        script = line.replace("\\\n", " ").replace("%%", "%").replace("$$", "$")
        folder = self.folder / "timer"
        folder.mkdir()
        self.farm.strata("farm", "show")  # It has written the operator's settings.
        command = folder / "strata"
        command.write_text(f"#!/bin/sh\nexec {os.path.abspath(self.farm.programs.strata)} "
                           f"--config {self.farm.folder}/cli-admin.yaml \"$@\"\n")
        command.chmod(0o755)
        old = folder / "farm-20200101T000000.tar.gz"
        old.touch()
        os.utime(old, (0, 0))
        done = subprocess.run(["/bin/sh", "-ec", script], cwd=folder, capture_output=True,
                              text=True, check=False,
                              env={"PATH": f"{folder}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("is whole", done.stdout)
        self.assertFalse(old.exists())
        self.assertEqual(len(list(folder.glob("farm-*.tar.gz"))), 1)

    def test_what_root_restores_belongs_to_the_folders_owner(self):
        path, _ = self.backup("owned.tar")
        folder = self.folder / "owned"
        folder.mkdir(mode=0o700)
        owner = pwd.getpwnam("www-data")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        settings = self.folder / "owned.yaml"
        settings.write_text(self.farm.write_manager_settings().read_text().replace(
            f"data_folder: {self.data}", f"data_folder: {folder}"))
        done = self.restore(path, settings)
        self.assertEqual(done.returncode, 0, done.stderr)
        made = list(folder.rglob("*"))
        self.assertIn(folder / "store", made)
        self.assertEqual({file.stat().st_uid for file in made}, {owner.pw_uid})

    def test_viewers_get_none(self):
        done = self.farm.strata("backup", "create", "--to", self.folder / "mine", who="watcher",
                                check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertFalse((self.folder / "mine").exists())


class TwoManagersTest(RestoreCase):
    """A farm that has lost the stores of all its managers."""

    backups = 1

    def test_one_is_restored_and_the_other_becomes_its_backup(self):
        _, kept = self.fill("/two", os.urandom(50_000))
        wait_until(lambda: self.farm.leader() == "sm-1", "sm-1 leads")
        path, _ = self.backup("two.tar.gz")
        self.assertEqual(sorted(self.verify(path)["managers"]), ["sm-1", "sm-2"])
        for name, process in self.farm.managers.items():
            process.kill()
            shutil.rmtree(self.farm.manager_folder(name))
        self.restore_and_start(path)
        self.bring_engines_back()
        self.farm.start_manager("sm-2")
        wait_until(lambda: self.farm.facts("sm-2").get("role") == "backup, in step",
                   "sm-2 is a backup")
        self.assertEqual(self.get("/two").body, kept)
        self.check_orders_work("/after-two")
        self.farm.manager.kill()
        wait_until(lambda: self.farm.leader() == "sm-2", "sm-2 takes over")
        self.farm.start_manager()
        wait_until(lambda: self.farm.facts("sm-1").get("role") == "backup, in step",
                   "sm-1 is a backup")
        self.check_equal()
