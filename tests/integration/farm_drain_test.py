"""An engine is drained: what only it has comes to others first, and clients notice nothing."""

import http.client
import json
import os
import threading
import time
import unittest
import urllib.parse

from farm_case import ENGINES, PORT, FarmCase, Load, ask, digest, host_of, wait_until

HOST = "vault.example"  # Of a site without origins: it lives from libraries.
DRAINED = "south-1"
OTHERS = ("north-1", "north-2")
BIG = 40 << 20


class DrainCase(FarmCase):
    """What the tests of a drain share."""

    def setUp(self):
        super().setUp()
        self.farm.apply_site("\n".join(["name: vault", f"hosts: [{HOST}]", ""]))
        self.bodies = {}
        self.addCleanup(self.undrain)

    def undrain(self):
        if not self.farm.manager.running():
            self.farm.start_manager()
        if not self.farm.engines[DRAINED].running():
            self.farm.start_engine(DRAINED)
        self.wait_whole_or_draining()
        leader = wait_until(self.farm.leader, "somebody leads", 20)
        self.farm.strata("engine", "undrain", DRAINED, manager=leader)
        self.wait_whole()

    def wait_whole_or_draining(self):
        self.farm.wait_for_manager()
        wait_until(lambda: self.farm.row(DRAINED)["status"] in ("up", "draining"), "it is back", 30)

    # ---- Contents.

    def put(self, engine, path, body):
        """A file of an engine's library of the vault; by rename, as it should be."""
        file = self.farm.library(engine, "vault") / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name("." + file.name[:50] + ".new")
        new.write_bytes(body)
        new.rename(file)
        self.bodies[path] = body

    def url(self, path):
        return f"http://{HOST}" + urllib.parse.quote(path)

    def holders_of(self, path):
        return self.farm.holders(self.url(path))

    def wait_held(self, engine):
        for path in self.bodies:
            wait_until(lambda p=path: engine in self.holders_of(p), f"{path} is told", 30)

    def fetch(self, path):
        return self.get(urllib.parse.quote(path), host=HOST)

    def check_all(self):
        for path, body in self.bodies.items():
            answer = self.fetch(path)
            self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)), path)

    # ---- The drain.

    def drain(self, *options, manager="sm-1"):
        """The command, and what it says; its exit code is last."""
        done = self.farm.strata("engine", "drain", DRAINED, *options, manager=manager,
                                check=False)
        return done.stdout + done.stderr, done.returncode

    def left(self):
        drain = self.farm.row(DRAINED).get("drain") or {}
        return int(drain["contents_left"]) if drain.get("known") else None

    def drain_to_the_middle(self, folder):
        """Until some of many contents are copied."""
        for number in range(48):
            self.put(DRAINED, f"/{folder}/{number}.bin", os.urandom(4 << 20))
        self.wait_held(DRAINED)
        self.drain()
        wait_until(lambda: self.left() is not None and self.left() < 46, "some are copied", 30)

    def slow_download(self, path, seconds):
        """A client of the engine that is drained, who takes his time; his digest comes last."""
        outcome = {}

        def run():
            connection = http.client.HTTPConnection(self.farm.addresses[DRAINED], PORT, timeout=30)
            connection.request("GET", f"/_s/{HOST}" + urllib.parse.quote(path))
            response = connection.getresponse()
            end = time.monotonic() + seconds
            body = b""
            while piece := response.read(256 << 10):
                body += piece
                if time.monotonic() < end:
                    time.sleep(seconds * len(piece) / BIG)
            outcome["digest"] = digest(body)
            outcome["end"] = time.monotonic()
            connection.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread, outcome


class FarmDrainTest(DrainCase):
    """One manager."""

    def test_all_that_only_it_has_is_copied_and_clients_notice_nothing(self):
        for number in range(30):
            self.put(DRAINED, f"/only/{number}/film {number} é.bin", os.urandom(5000 + number))
        self.put(DRAINED, "/only/big.bin", os.urandom(BIG))
        self.put(DRAINED, "/only/empty.bin", b"")
        shared = os.urandom(3000)
        self.put("north-1", "/shared.bin", shared)
        self.put(DRAINED, "/shared.bin", shared)
        self.wait_held(DRAINED)
        wait_until(lambda: len(self.holders_of("/shared.bin")) == 2, "both are told")
        small = [path for path in self.bodies if path != "/only/big.bin"]
        turn = iter(range(10 ** 9))
        wanted = {}

        def request():
            path = small[next(turn) % len(small)]
            answer = self.fetch(path)
            wanted[id(answer)] = self.bodies[path]
            return answer

        loads = [Load(request, lambda a: a.good and a.body == wanted.pop(id(a)))
                 for _ in range(2)]
        thread, slow = self.slow_download("/only/big.bin", 5)
        text, code = self.drain("--wait", "--within", "100s")
        ended = time.monotonic()
        self.assertEqual(code, 0, text)
        self.assertIn(f"{DRAINED} is drained: it is safe to switch off", text)
        thread.join()
        self.assertEqual(slow["digest"], digest(self.bodies["/only/big.bin"]))
        self.assertLess(slow["end"], ended)
        self.assertIn("drained", self.farm.strata("farm", "show"))
        self.assertEqual(sorted(self.holders_of("/shared.bin")), ["north-1", DRAINED])
        self.farm.engines[DRAINED].kill()
        time.sleep(2)
        bad = [load.end() for load in loads]
        self.assertEqual([(a.status, a.hops) for each in bad for _, a in each], [])
        self.check_all()
        self.assertGreater(sum(load.count for load in loads), 100)
        self.assertIn("is drained: it is safe to switch it off", self.farm.strata("events"))

    def test_validators_are_those_of_the_original(self):
        self.put(DRAINED, "/tagged.bin", b"tagged")
        self.wait_held(DRAINED)
        path = f"/_s/{HOST}/tagged.bin"
        before = ask(f"http://{host_of(self.farm.addresses[DRAINED])}:{PORT}{path}")
        self.drain("--wait", "--within", "60s")
        after = self.fetch("/tagged.bin")
        self.assertEqual(after.headers["ETag"], before.headers["ETag"])
        self.assertNotEqual(self.name_of(after.hops[-1]), DRAINED)

    def test_what_is_cached_is_copied_only_if_no_origin_gives_it_again(self):
        host = "fading.example"

        def filled(path):
            self.write(path, path.encode())
            uri = f"http://{host}{path}"
            answer = ask(self.engine_url(DRAINED, path, form="/_s/" + host))
            self.assertEqual((answer.status, answer.body), (200, path.encode()))
            wait_until(lambda: self.farm.holders(uri) == [DRAINED], f"{uri} is told")
            return uri

        lines = ("ttl: 1h", "query: {keep: all}")
        self.farm.apply_site(self.site(*lines, name="fading", host=host))
        uris = [filled("/cached-1"), filled("/cached-2")]
        text, code = self.drain("--wait", "--within", "60s")
        self.assertEqual(code, 0, text)
        self.assertEqual([self.farm.holders(uri) for uri in uris], [[DRAINED], [DRAINED]])
        self.farm.strata("engine", "undrain", DRAINED)
        self.farm.apply_site("\n".join(["name: fading", f"hosts: [{host}]", *lines, ""]))
        self.addCleanup(self.farm.strata, "site", "remove", "fading")
        text, code = self.drain("--wait", "--within", "60s")
        self.assertEqual(code, 0, text)
        for uri in uris:
            self.assertTrue(set(self.farm.holders(uri)) & set(OTHERS), uri)
        self.farm.engines[DRAINED].kill()
        self.wait_status(DRAINED, "down")
        for path in ("/cached-1", "/cached-2"):
            answer = self.get(path, host=host)
            self.assertEqual((answer.status, answer.body), (200, path.encode()))

    def test_what_nobody_has_room_for_is_told(self):
        huge = self.farm.library(DRAINED, "vault") / "huge.bin"
        with open(huge, "wb") as file:
            file.truncate(4 << 40)  # It takes no room here.
        self.addCleanup(huge.unlink)
        self.put(DRAINED, "/fits.bin", b"fits")
        self.wait_held(DRAINED)
        wait_until(lambda: self.holders_of("/huge.bin"), "it is told")
        text, code = self.drain("--wait", "--within", "60s")
        self.assertEqual(code, 3, text)
        self.assertIn(f"NOT safe to switch off {DRAINED}: 1 content, 4.0 TiB to copy", text)
        self.assertIn("no engine has room for it", text)
        wait_until(lambda: len(self.holders_of("/fits.bin")) == 2, "what fits is copied")
        text, code = self.drain("--without-copying")
        self.assertEqual(code, 0, text)
        self.assertIn("1 content that only it has is missing until it returns", text)

    def test_a_drained_engine_that_dies_in_the_middle_goes_on_when_it_returns(self):
        self.drain_to_the_middle("dies")
        self.farm.engines[DRAINED].kill()
        text, code = self.drain("--wait", "--within", "60s")
        self.assertEqual(code, 3, text)
        self.assertIn("It has left the farm's group", text)
        self.farm.start_engine(DRAINED)
        self.wait_whole_or_draining()
        text, code = self.drain("--wait", "--within", "100s")
        self.assertEqual(code, 0, text)
        self.farm.engines[DRAINED].kill()
        self.wait_status(DRAINED, "down")
        self.check_all()

    def test_a_manager_that_restarts_goes_on_and_a_purge_wins(self):
        self.drain_to_the_middle("goes")
        for number in range(0, 48, 10):
            self.check_purged_vault(f"/goes/{number}.bin")
        self.farm.manager.stop()
        self.farm.start_manager()
        self.farm.wait_for_manager()
        wait_until(lambda: all(self.farm.row(name)["in_view"] for name in ENGINES), "all are in",
                   30)
        text, code = self.drain("--wait", "--within", "100s")
        self.assertEqual(code, 0, text)
        for number in range(0, 48, 10):
            path = f"/goes/{number}.bin"
            del self.bodies[path]
            self.assertEqual(self.holders_of(path), [])
            self.assertEqual(self.at_vault("north-1", path).status, 404)
            self.assertEqual(self.at_vault("north-2", path).status, 404)
        for path in self.bodies:
            self.assertTrue(set(self.holders_of(path)) & set(OTHERS), path)
        self.check_all()

    def check_purged_vault(self, path):
        outcome = self.farm.purge(self.url(path))
        self.assertTrue(outcome.get("complete"), json.dumps(outcome))

    def at_vault(self, name, path):
        return ask(self.engine_url(name, path, form="/_s/" + HOST))

    def test_a_drain_that_is_taken_back_leaves_the_engine_as_it_was(self):
        self.put(DRAINED, "/back.bin", b"back")
        self.wait_held(DRAINED)
        text, code = self.drain("--wait", "--within", "60s")
        self.assertEqual(code, 0, text)
        self.farm.strata("engine", "undrain", DRAINED)
        self.wait_status(DRAINED, "up")
        self.assertNotIn("drain", {key for key, value in self.farm.row(DRAINED).items() if value})
        self.check_all()


class FarmDrainTakeOverTest(DrainCase):
    """Three managers."""

    backups = 2

    def test_another_manager_goes_on(self):
        wait_until(lambda: all(self.farm.facts(name).get("role") == "backup, in step"
                               for name in self.farm.backups), "backups are there", 30)
        self.drain_to_the_middle("taken-over")
        self.farm.manager.kill()
        leader = wait_until(lambda: next(
            (name for name in self.farm.backups
             if self.farm.facts(name).get("role") == "leads the farm"), None), "another leads", 20)
        # It takes no orders until the third one follows it.
        wait_until(lambda: self.drain(manager=leader)[1] == 0, "it takes the order", 30)
        text, code = self.drain("--wait", "--within", "100s", manager=leader)
        self.assertEqual(code, 0, text)
        self.farm.start_manager()
        self.wait_whole_or_draining()
        for path in self.bodies:
            self.assertTrue(set(self.holders_of(path)) & set(OTHERS), path)
        self.check_all()


if __name__ == "__main__":
    unittest.main()
