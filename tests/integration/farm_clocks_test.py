"""A farm whose machines' wall clocks are hours apart, and jump: real processes with libfaketime
before them. Only the wall clock lies; the monotonic one goes on as it does."""

import json
import re
import signal
import time

from farm_case import ENGINES, HOST, FarmCase, ask, wait_until

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
HOUR = 3600


class ClocksTest(FarmCase):
    """The manager's clock is an hour fast, one engine's an hour slow."""

    @classmethod
    def prepare(cls):
        cls.set_clock("manager", "+1h")
        cls.set_clock("north-1", "-1h")
        cls.set_clock("north-2", "+0")
        for name in ("manager", "north-1", "north-2"):
            cls.farm.wrap[name] = [*cls.farm.wrap[name], "env", f"LD_PRELOAD={LIBRARY}",
                                   f"FAKETIME_TIMESTAMP_FILE={cls.folder}/clock-{name}",
                                   "FAKETIME_CACHE_DURATION=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                                   "DONT_FAKE_MONOTONIC=1", "FAKETIME_DISABLE_SHM=1"]

    @classmethod
    def set_clock(cls, name, offset):
        """Sets a machine's clock; programs that run there notice within a second."""
        path = cls.folder / f"clock-{name}"
        new = path.with_suffix(".new")
        new.write_text(offset + "\n")
        new.chmod(0o644)
        new.rename(path)

    def tearDown(self):
        self.set_clock("manager", "+1h")
        self.set_clock("north-1", "-1h")
        self.set_clock("north-2", "+0")
        super().tearDown()

    def events(self):
        lines = self.farm.strata("events", "--recent", "500", "--json").splitlines()
        return [json.loads(line) for line in lines]

    def views(self):
        text = self.farm.fetch_status(self.farm.manager_address, 7401, "/metrics")[1]
        found = re.search(r"^strata_multicast_views_installed_total\S* (\S+)$", text, re.MULTILINE)
        return float(found.group(1))

    def log_time(self, name):
        """How far the newest line of a log is from this process's clock, in seconds."""
        process = self.farm.manager if name == "manager" else self.farm.engines[name]
        stamps = re.findall(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)", process.log_end(20))
        parts = [int(part) for part in stamps[-1]]
        return time.mktime((*parts, 0, 0, 0)) - time.mktime(time.gmtime())

    def test_the_clocks_differ_and_nothing_else_does(self):
        def told(name):
            self.farm.apply_site(self.site())  # What they log has the time of now.
            self.farm.strata("engine", "drain", "south-1")
            self.farm.strata("engine", "undrain", "south-1")
            return self.log_time(name)
        wait_until(lambda: HOUR - 600 < told("manager") < HOUR + 600, "the manager is fast", 20)
        self.farm.engines["north-1"].signal(signal.SIGHUP)  # It logs that it has read its settings.
        wait_until(lambda: -HOUR - 600 < self.log_time("north-1") < -HOUR + 600, "north-1 is slow",
                   20)
        self.check_a_purge_takes_all_copies("/clocks.ts")
        self.check_equal()

    def test_what_is_fresh_for_seconds_is_so_everywhere(self):
        self.farm.apply_site(self.site("ttl: 4s", "minimum_copies: 3"))
        self.addCleanup(lambda: self.farm.apply_site(self.site()))
        self.write("/ttl.ts", b"old")
        begun = time.monotonic()
        self.check_everywhere("/ttl.ts", b"old")
        self.write("/ttl.ts", b"new")
        for name in ENGINES:
            answer = self.at(name, "/ttl.ts")
            if time.monotonic() - begun < 3:
                self.assertEqual(answer.body, b"old", name)
        for name in ENGINES:
            wait_until(lambda name=name: self.at(name, "/ttl.ts").body == b"new",
                       f"{name} asks again", 12)
        # What is left of a copy is told as what is left: nobody is an hour off. But the nginx
        # of north-1, which forgets its environment, has another clock here than its engine.
        copies = self.farm.locate(f"http://{HOST}/ttl.ts")["copies"]
        self.assertEqual(len(copies), 3)
        for copy in [copy for copy in copies if copy["engine"] != "north-1"]:
            self.assertLess(copy["expires_in_s"], 5, copy)
            self.assertGreater(copy["expires_in_s"], -60, copy)

    def test_clocks_that_jump_disturb_nothing(self):
        path = "/jump.ts"
        body = self.fill(path, b"jump" * 1000)[1]
        views = self.views()
        for manager, engine in (("-1h", "+1h"), ("+1h", "-1h"), ("+0", "+0")):
            self.set_clock("manager", manager)
            self.set_clock("north-1", engine)
            self.set_clock("north-2", engine)
            # Both have noticed, and their waits go on: renewals and reports come once a second.
            until = time.monotonic() + 4
            while time.monotonic() < until:
                self.assertEqual(self.get(path).body, body)
                for name in ENGINES:
                    row = self.farm.row(name)
                    self.assertEqual(row["status"], "up", (manager, engine, row))
                    self.assertLess(row["report_age_s"], 5, name)
            begun = time.monotonic()
            self.check_purged(path)
            self.assertLess(time.monotonic() - begun, 5)
            body = self.fill(path, f"after {manager}".encode() * 100)[1]
            self.check_equal()
        self.assertEqual(self.views(), views)

    def test_the_time_of_events_is_a_label(self):
        self.set_clock("manager", "-1h")
        first = self.events()[-1]["number"]
        self.farm.strata("engine", "drain", "south-1")
        self.farm.strata("engine", "undrain", "south-1")
        wait_until(lambda: int(self.events()[-1]["number"]) > int(first), "there is a new event")
        numbers = [int(event["number"]) for event in self.events()]
        self.assertEqual(numbers, sorted(numbers))

    def test_engines_register_again_whatever_their_clock_says(self):
        self.farm.engines["north-1"].stop()
        self.set_clock("north-1", "+1h")
        self.set_clock("manager", "-1h")
        self.farm.start_engine("north-1")
        self.wait_whole()
        self.assertEqual(ask(self.farm.http + "/any", host=HOST).status, 302)


if __name__ == "__main__":
    import unittest
    unittest.main()
