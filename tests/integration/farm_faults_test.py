"""A farm under faults that leave processes alive, and who may do what."""

import os
import signal
import subprocess
import time

from clients import TERM_LIMIT, processes_below, signal_all
from farm_case import ENGINES, FarmCase, Load, digest, wait_until

GUEST = "guest-1"


class FaultTest(FarmCase):
    """Networks and servers that fail."""

    def test_a_wedged_nginx_is_seen_and_comes_back(self):
        holder, body = self.fill("/wedged", os.urandom(10_000))
        nginx = processes_below(self.farm.engines[holder].pid)[1:]
        self.assertGreaterEqual(len(nginx), 2)
        self.addCleanup(signal_all, nginx, signal.SIGCONT)
        signal_all(nginx, signal.SIGSTOP)
        self.wait_status(holder, "degraded", "down", patience=15)
        self.wait_sent_elsewhere("/wedged", holder)
        answer = self.get("/wedged")
        self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)))
        self.assertNotEqual(self.name_of(answer.hops[-1]), holder)
        signal_all(nginx, signal.SIGCONT)
        self.wait_status(holder, "up", patience=20)
        self.assertEqual(self.at(holder, "/wedged").body, body)
        self.check_equal()

    def test_a_dead_nginx_is_started_again(self):
        holder, body = self.fill("/restarted", os.urandom(10_000))
        nginx = processes_below(self.farm.engines[holder].pid)[1:]
        signal_all(nginx, signal.SIGKILL)
        wait_until(lambda: self.at(holder, "/restarted").body == body, "it serves again")
        self.wait_status(holder, "up")
        self.assertEqual(self.origin.count("/restarted"), 1)
        self.check_equal()

    def test_an_engine_that_is_cut_off_serves_nothing_until_it_is_healed(self):
        holder, _ = self.fill("/cut", b"old")
        address = self.farm.addresses[holder]
        others = [name for name in ENGINES if name != holder]
        kept, body = self.fill("/cut-other", os.urandom(10_000))
        load = Load(lambda: self.at(others[0], "/cut-other", timeout=5),
                    lambda a: a.good and a.body == body) if kept == others[0] else None
        self.lan.cut(self.machines[holder], [self.machines[n] for n in ("manager", *others)])
        wait_until(lambda: self.at(holder, "/cut").status == 503, "it closes", 15)
        self.wait_status(holder, "down", patience=10)
        self.wait_sent_elsewhere("/cut", holder)
        new = self.write("/cut", b"new one")
        outcome = self.farm.purge(self.uri("/cut"))
        self.assertEqual({e["engine"] for p in outcome["purges"] for e in p["engines"]
                          if not e.get("confirmed")}, {holder})
        answer = self.get("/cut")
        self.assertEqual((answer.status, answer.body), (200, new))
        self.assertNotIn(address, answer.hops)
        self.assertEqual(self.at(holder, "/cut").status, 503)
        served = set()
        client = Load(lambda: self.at(holder, "/cut"), lambda a: served.add(a.body) or a.good)
        self.lan.heal()
        self.wait_whole()
        self.check_everywhere("/cut", new)
        client.end()
        self.assertNotIn(b"old", served)
        if load:
            self.assertEqual(load.end(), [])
        self.check_equal()

    def test_an_engine_whose_program_is_stopped_serves_nothing_that_was_purged(self):
        holder, _ = self.fill("/stopped", b"old")
        engine = self.farm.engines[holder]
        nginx = processes_below(engine.pid)[1:]
        engine.signal(signal.SIGSTOP)
        new = self.write("/stopped", b"new one")
        self.farm.purge(self.uri("/stopped"))
        self.assertNotEqual(self.at(holder, "/stopped", timeout=2).body, b"old")
        self.assertEqual(engine.process.wait(10), -signal.SIGKILL)
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in nginx), "nginx ends")
        self.farm.start_engine(holder)
        self.wait_whole()
        self.check_everywhere("/stopped", new)
        self.check_equal()

    def test_loss_on_the_farms_network(self):
        self.lan.lose(5, [self.machines[n] for n in ("manager", *ENGINES)])
        for number in range(20):
            path = f"/lossy/{number}"
            body = self.write(path, os.urandom(50_000))
            self.check_everywhere(path, body)
        for number in range(5):
            path = f"/lossy/{number}"
            new = self.write(path, os.urandom(1000))
            self.check_purged(path)
            self.check_everywhere(path, new)
        self.check_equal()
        self.assertEqual({self.farm.row(name)["status"] for name in ENGINES}, {"up"})
        for machine in self.machines.values():
            self.assertGreater(self.lan.lost(machine), 0)


class RightsTest(FarmCase):
    """Certificates and roles."""

    def start_guest(self, name=GUEST, certificate=None):
        """One more engine, on a machine of its own; returns its process."""
        self.farm.addresses[name] = self.guest_address
        self.farm.wrap[name] = self.lan.command(self.guest_machine)
        self.farm.certificates[name] = certificate or name
        self.farm.start_engine(name)
        process = self.farm.engines.pop(name)
        self.addCleanup(self.end_guest, name, process)
        return process

    def end_guest(self, name, process):
        process.kill()
        if self.farm.row(name)["status"] != "?":
            self.wait_status(name, "down")
            self.farm.strata("engine", "remove", name)

    def wait_end(self, process, *words):
        """Until it has ended by itself, in error, and has said so in these words."""
        wait_until(lambda: not process.running(), f"{process.name} ends")
        self.assertEqual(process.process.returncode, 1)
        last = process.log_end(1)
        for word in words:
            self.assertIn(word, last)

    def test_a_revoked_engine_is_refused(self):
        self.farm.issue("engine", GUEST)
        guest = self.start_guest()
        wait_until(lambda: self.farm.row(GUEST)["status"] == "up", "the guest is up")
        self.farm.revoke(GUEST)
        self.wait_end(guest, "revoked")
        self.wait_status(GUEST, "down")
        self.wait_end(self.start_guest(), "revoked")
        self.check_equal()

    def test_a_certificate_of_another_authority_is_refused(self):
        other = self.folder / "other"
        pki = [self.farm.programs.strata, "pki"]
        self.farm.run([*pki, "init", "--dir", other, "--scope", self.farm.scope])
        for role, name in (("engine", "stranger"), ("operator", "foreigner")):
            self.farm.run([*pki, "issue", "--dir", other, "--role", role, "--name", name, "--out",
                           self.farm.folder / "certificates" / name])
        done = self.farm.strata("farm", "show", who="foreigner", check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        stranger = self.start_guest("stranger")
        wait_until(lambda: not stranger.running() or "not registered" in stranger.log_end(),
                   "it says so")
        self.assertEqual(self.farm.row("stranger")["status"], "?")

    def test_a_second_process_of_one_identity_is_refused(self):
        second = self.start_guest("second", certificate="north-1")
        self.wait_end(second, "north-1", "alive")
        self.assertEqual(self.farm.row("north-1")["status"], "up")

    def test_a_viewer_may_look_but_not_purge(self):
        self.farm.strata("farm", "show", who="watcher")
        done = self.farm.strata("content", "purge", self.uri("/x"), who="watcher", check=False)
        self.assertEqual(done.returncode, 5)
        audit = self.farm.strata("audit")
        line = next(line for line in audit.splitlines() if self.uri("/x") in line)
        self.assertIn("watcher", line)
        self.check_purged("/x")
        self.assertIn("admin", self.farm.strata("audit").splitlines()[-1])

    def test_a_key_that_others_can_read_is_refused(self):
        key = self.farm.folder / "certificates/north-1/key.pem"
        key.chmod(0o644)
        try:
            settings = self.farm.write_engine_settings("north-1")
            for more in ([], ["--check"]):
                done = subprocess.run([self.farm.programs.engine, "--config", settings, *more],
                                      capture_output=True, text=True, timeout=20, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(str(key), done.stderr)
        finally:
            key.chmod(0o600)


class ProgramTest(FarmCase):
    """The programs' own words, and their end."""

    def test_settings_are_checked(self):
        programs = self.farm.programs
        for program, settings in ((programs.manager, self.farm.write_manager_settings()),
                                  (programs.engine, self.farm.write_engine_settings("north-1"))):
            self.assertIn("is good", self.farm.run([program, "--config", settings, "--check"]))
            bad = self.folder / "bad.yaml"
            bad.write_text(settings.read_text() + "no_such_key: 1\n")
            done = subprocess.run([program, "--config", bad, "--check"], capture_output=True,
                                  text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(bad), done.stderr)
            self.assertIn("no_such_key", done.stderr)

    def test_versions_and_help(self):
        programs = self.farm.programs
        for program, name in ((programs.manager, "strata-sm"), (programs.engine, "strata-se"),
                              (programs.strata, "strata")):
            self.assertRegex(self.farm.run([program, "--version"]), rf"^{name} \d+\.\d+\.\d+")
            self.assertIn("--config", self.farm.run([program, "--help"]))

    def test_sigterm_ends_them_in_time(self):
        _, body = self.fill("/term", os.urandom(1000))
        loads = [Load(lambda: self.get("/term", timeout=5), lambda a: a.good) for _ in range(2)]
        nginx = processes_below(self.farm.engines["north-2"].pid)[1:]
        for process in (self.farm.engines["north-2"], self.farm.manager):
            started = time.monotonic()
            self.assertEqual(process.stop(2 * TERM_LIMIT), 0)
            self.assertLess(time.monotonic() - started, TERM_LIMIT)
        self.assertFalse([pid for pid in nginx if os.path.exists(f"/proc/{pid}")])
        for load in loads:
            load.end()
        self.farm.start_manager()
        self.farm.start_engine("north-2")
        self.wait_whole()
        self.assertEqual(self.get("/term").body, body)
        self.check_equal()
