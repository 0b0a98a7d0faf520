"""A farm of three managers: what one has acknowledged, the others have when it is gone."""

import json
import os
import random
import shutil
import signal
import time

from farm_case import ENGINES, HOST, Load, FarmCase, ask, wait_until
from farm import FarmError

TAKE_OVER = 2  # Seconds until another manager leads.
HAND_OVER = 0.7  # The same, of one that says so; silence is noticed after a second.


class BackupTest(FarmCase):
    """Managers come and go; engines stay."""

    backups = 2

    def setUp(self):
        super().setUp()
        self.leader = wait_until(self.farm.leader, "somebody leads")
        self.others = [name for name in self.farm.managers if name != self.leader]

    def wait_leader(self, among, limit=20):
        """Until one of these leads; its name, and how long it took."""
        begun = time.monotonic()

        def leads():
            return next((name for name in among
                         if self.farm.facts(name).get("role") == "leads the farm"), None)
        name = wait_until(leads, f"one of {among} leads", limit, 0.01)
        return name, time.monotonic() - begun

    def machine_and_others(self, manager):
        """The number of its machine, and those of all others."""
        number = self.machine(manager)
        return number, [n for n in self.machines.values() if n != number]

    def wait_backup(self, name):
        wait_until(lambda: self.farm.facts(name).get("role") == "backup, in step",
                   f"{name} is a backup", 30)

    def health(self, name):
        return self.farm.fetch_status(self.farm.manager_addresses[name], 7401, "/healthz")

    def at_manager(self, name, *words):
        """A command of a certain manager."""
        return self.farm.strata(*words, manager=name, check=False)

    def versions(self, name):
        """Site -> version, as a manager has it."""
        done = self.at_manager(name, "site", "list", "--json")
        sites = [json.loads(line) for line in done.stdout.splitlines()]
        return {site["name"]: int(site["version"]) for site in sites}

    def apply(self, name, note, manager=None):
        """Applies a new version of a site; its number, None if it was not acknowledged."""
        path = self.farm.folder / f"{name}.yaml"
        path.write_text(self.site(f"ttl: {note}s", name=name, host=f"{name}.example"))
        manager = manager or wait_until(self.farm.leader, "somebody leads")
        done = self.at_manager(manager, "site", "apply", "-f", path, "--json")
        return int(json.loads(done.stdout)["version"]) if done.returncode == 0 else None

    def check_whole(self):
        """All managers are there, know the same, and all tables are equal."""
        for name in self.farm.managers:
            if name != self.farm.leader():
                self.wait_backup(name)
        versions = self.versions(self.farm.leader())
        for name in self.farm.managers:
            wait_until(lambda n=name: self.versions(n) == versions, f"{name} knows the same", 10)
        self.check_equal()

    def check_take_over(self, stop, back, closes=True):
        """`stop` takes the leader away, `back` brings it: another leads in time, and what was
        acknowledged is there."""
        holder, body = self.fill(f"/take-over/{self._testMethodName}", os.urandom(20_000))
        version = self.apply("acknowledged", random.randint(10, 1000))
        self.assertIsNotNone(version)
        clients = [Load(lambda n=name: self.at(n, f"/take-over/{self._testMethodName}"),
                        lambda answer: answer.good and answer.body == body)
                   for name in (holder,)]
        stop()
        now, took = self.wait_leader(self.others)
        print(f"{self._testMethodName}: {now} leads after {took:.2f} s")
        self.assertLess(took, TAKE_OVER)
        self.assertEqual(self.versions(now)["acknowledged"], version)
        # It manages: orders, and registrations.
        self.assertEqual(self.apply("acknowledged", random.randint(1001, 2000), now), version + 1)
        new = self.write(f"/take-over/{self._testMethodName}", b"new one")
        for client in clients:
            self.assertEqual(client.end(), [])
        done = self.at_manager(now, "content", "purge", "--json",
                               self.uri(f"/take-over/{self._testMethodName}"))
        self.assertTrue(json.loads(done.stdout).get("complete"), done.stdout + done.stderr)
        url = f"http://{self.farm.manager_addresses[now]}:8080"
        answer = ask(f"{url}/take-over/{self._testMethodName}", host=HOST)
        self.assertIn(answer.status, (302, 307))
        self.assertEqual(self.at(holder, f"/take-over/{self._testMethodName}").body, new)
        back()
        begun = time.monotonic()
        self.wait_backup(self.leader)
        print(f"{self._testMethodName}: {self.leader} is back after "
              f"{time.monotonic() - begun:.2f} s")
        self.assertEqual(self.farm.leader(), now)
        self.check_whole()

    def test_a_killed_manager_is_replaced(self):
        self.check_take_over(self.farm.managers[self.leader].kill,
                             lambda: self.farm.start_manager(self.leader))

    def test_a_frozen_manager_is_replaced_and_comes_back_as_a_backup(self):
        process = self.farm.managers[self.leader]
        self.addCleanup(process.signal, signal.SIGCONT)
        self.check_take_over(lambda: process.signal(signal.SIGSTOP),
                             lambda: process.signal(signal.SIGCONT))

    def test_a_manager_that_is_cut_off_is_replaced_and_orders_nothing(self):
        number, everybody = self.machine_and_others(self.leader)

        def check_powerless_and_heal():
            wait_until(lambda: self.health(self.leader)[0] == 503, "it knows that it is alone", 10)
            begun = time.monotonic()
            done = self.at_manager(self.leader, "site", "remove", "acknowledged")
            self.assertIn("hears no majority", done.stderr)
            self.assertLess(time.monotonic() - begun, 2)
            url = (f"http://{self.farm.manager_addresses[self.leader]}:8080/take-over/"
                   f"{self._testMethodName}")
            clients.append(Load(lambda: ask(url, host=HOST), lambda answer: answer.status == 302))
            self.lan.heal()
        clients = []
        self.check_take_over(lambda: self.lan.cut(number, everybody), check_powerless_and_heal)
        # It leaves the group when it hears of the others, and joins it anew.
        self.assertEqual([answer.status for client in clients for _, answer in client.end()], [])

    def test_a_backup_that_is_cut_off_says_so(self):
        self.lan.cut(*self.machine_and_others(self.others[0]))
        wait_until(lambda: self.health(self.others[0])[0] == 503, "it knows that it is alone", 10)
        self.assertIn("hears no majority of the farm's voters", self.health(self.others[0])[1])
        self.lan.heal()
        wait_until(lambda: self.health(self.others[0])[0] == 200, "it is well", 20)

    def test_a_manager_that_is_told_to_end_hands_over(self):
        holder, body = self.fill("/handed-over", os.urandom(20_000))
        client = Load(lambda: self.at(holder, "/handed-over"),
                      lambda answer: answer.good and answer.body == body)
        version = self.apply("handed-over", 10)
        self.farm.managers[self.leader].signal(signal.SIGTERM)
        now, took = self.wait_leader(self.others)
        print(f"{now} leads after {took:.2f} s")
        self.assertLess(took, HAND_OVER)
        self.assertEqual(self.farm.managers[self.leader].stop(), 0)
        self.assertEqual(self.versions(now)["handed-over"], version)
        self.assertEqual(self.apply("handed-over", 11, now), version + 1)
        self.assertEqual(client.end(), [])
        self.farm.start_manager(self.leader)
        self.wait_backup(self.leader)
        self.assertEqual(self.farm.leader(), now)
        self.check_whole()

    def test_who_could_take_over_is_counted(self):
        def numbers(name):
            text = self.farm.fetch_status(self.farm.manager_addresses[name], 7401, "/metrics")[1]
            values = dict(line.split() for line in text.splitlines()
                          if line.startswith("strata_farm_backups"))
            return [int(float(values[f"strata_farm_backups{end}"])) for end in ("", "_ready")]
        wait_until(lambda: numbers(self.leader) == [2, 2], "two could")
        self.assertEqual(numbers(self.others[0]), [0, 0])
        self.farm.managers[self.others[0]].kill()
        wait_until(lambda: numbers(self.leader) == [2, 1], "one could")
        self.farm.start_manager(self.others[0])
        wait_until(lambda: numbers(self.leader) == [2, 2], "two could again")

    def test_what_is_acknowledged_survives_any_take_over(self):
        latest = {}
        for turn in range(6):
            leader = wait_until(self.farm.leader, "somebody leads")
            for number in range(3):
                version = self.apply(f"site-{number}", turn * 10 + number + 10)
                self.assertIsNotNone(version)
                latest[f"site-{number}"] = version
            self.farm.managers[leader].kill()
            now, _ = self.wait_leader([n for n in self.farm.managers if n != leader])
            for site, version in latest.items():
                self.assertEqual(self.versions(now).get(site), version, f"{site} at {now}")
            self.farm.start_manager(leader)
            self.wait_backup(leader)
        self.check_whole()

    def test_a_backup_answers_what_is_known_and_names_who_leads(self):
        self.apply("known", 77)
        backup = self.others[0]
        self.assertIn("known", self.versions(backup))
        done = self.at_manager(backup, "site", "remove", "known")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(self.leader, done.stderr)
        self.assertIn(f"{self.farm.manager_addresses[self.leader]}:7400", done.stderr)
        self.assertIn("known", self.versions(self.leader))

    def test_a_backup_that_is_frozen_delays_orders_only_until_it_is_out(self):
        process = self.farm.managers[self.others[0]]
        self.addCleanup(process.signal, signal.SIGCONT)
        process.signal(signal.SIGSTOP)
        begun = time.monotonic()
        version = self.apply("delayed", 10, self.leader)
        self.assertIsNotNone(version)
        self.assertLess(time.monotonic() - begun, 4)
        process.signal(signal.SIGCONT)
        self.wait_backup(self.others[0])
        self.assertEqual(self.versions(self.others[0])["delayed"], version)

    def test_a_manager_with_a_new_disk_takes_all_that_the_farm_knows(self):
        name = self.others[0]
        self.apply("kept", 10)
        self.farm.managers[name].kill()
        shutil.rmtree(self.farm.manager_folder(name))
        self.farm.start_manager(name)
        self.wait_backup(name)
        self.check_whole()
        self.assertIn("kept", self.versions(name))

    def test_the_whole_farm_without_power_starts_in_any_order(self):
        holder, body = self.fill("/power", os.urandom(20_000))
        version = self.apply("power", 10)
        orders = [[*self.farm.managers, *ENGINES], [*ENGINES, *reversed(self.farm.managers)],
                  random.sample([*self.farm.managers, *ENGINES], 6)]
        for order in orders:
            print("started in this order:", *order)
            for process in [*self.farm.managers.values(), *self.farm.engines.values()]:
                process.kill()
            for name in order:
                if name in ENGINES:
                    self.farm.start_engine(name)
                else:
                    self.farm.start_manager(name)
            self.wait_whole()
            leader = wait_until(self.farm.leader, "somebody leads")
            self.assertEqual(self.versions(leader)["power"], version)
            wait_until(lambda: self.at(holder, "/power").body == body, "it is served")
            self.check_whole()

    def check_power_without(self, before, with_it, engines_first):
        """Managers `before` are gone for ever, then the power, and managers `with_it` too: the rest
        serves what it served, and nobody is needed for it."""
        holder, body = self.fill(f"/few/{self._testMethodName}", os.urandom(20_000))
        for name in before:
            self.farm.managers[name].kill()
            wait_until(lambda: self.apply("few", random.randint(10, 1000)), "they are out", 20)
        version = self.apply("few", random.randint(1001, 2000))
        self.assertIsNotNone(version)
        for process in [*self.farm.managers.values(), *self.farm.engines.values()]:
            process.kill()
        rest = [name for name in self.farm.managers if name not in [*before, *with_it]]
        # A machine that is off does not even refuse connections.
        self.lan.cut(*self.machine_and_others([*before, *with_it][0]))
        begun = time.monotonic()
        starts = [lambda: [self.farm.start_manager(name) for name in rest],
                  lambda: [self.farm.start_engine(name) for name in ENGINES]]
        for start in reversed(starts) if engines_first else starts:
            start()
        now, took = self.wait_leader(rest)
        for name in ENGINES:
            self.farm.wait_for_engine(name)
        print(f"{self._testMethodName}: {now} leads after {took:.2f} s, all engines are up after "
              f"{time.monotonic() - begun:.2f} s")
        self.assertEqual(self.versions(now)["few"], version)
        wait_until(lambda: self.at(holder, f"/few/{self._testMethodName}").body == body, "served")
        self.assertEqual(self.apply("few", random.randint(10, 1000), now), version + 1)
        self.lan.heal()
        for name in [*before, *with_it]:
            shutil.rmtree(self.farm.manager_folder(name))
            self.farm.start_manager(name)
        self.check_whole()

    def test_two_of_three_managers_found_the_farm_after_a_power_cut(self):
        self.check_power_without([], [self.leader], engines_first=False)

    def test_the_last_manager_founds_the_farm_with_engines_that_come_later(self):
        self.check_power_without([self.leader], [self.others[0]], engines_first=False)

    def test_the_last_manager_founds_the_farm_with_engines_that_wait_for_it(self):
        self.check_power_without([self.others[0]], [self.leader], engines_first=True)

    def test_another_manager_leads_when_it_is_told_to(self):
        holder, body = self.fill("/promoted", os.urandom(20_000))
        client = Load(lambda: self.at(holder, "/promoted"),
                      lambda answer: answer.good and answer.body == body)
        version = self.apply("promoted", 10)
        for name in (self.others[0], self.others[1], self.leader):
            self.farm.strata("manager", "promote", name)
            self.assertEqual(self.farm.leader(), name)
            self.assertEqual(self.versions(name)["promoted"], version)
            version = self.apply("promoted", version + 20)
            self.assertIsNotNone(version)
        self.assertEqual(client.end(), [])
        self.check_whole()
        listed = [json.loads(row) for row in
                  self.farm.strata("manager", "list", "--json").splitlines()]
        self.assertEqual({row["name"]: row["role"] for row in listed},
                         {name: "leads" if name == self.leader else "backup"
                          for name in self.farm.managers})

    def test_one_that_was_not_in_step_leads_when_a_person_says_so(self):
        late, other = self.others
        self.farm.managers[late].kill()
        wait_until(lambda: self.apply("lost", 10), "an order goes through")
        for name in (self.leader, other):
            self.farm.managers[name].kill()
        self.farm.start_manager(late)
        wait_until(lambda: self.farm.facts(late).get("leader") == "nobody", "it looks around")
        done = self.at_manager(late, "manager", "promote", late)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("not in step", done.stderr)
        self.at_manager(late, "manager", "promote", late, "--the-others-are-gone")
        self.wait_leader([late])
        self.assertEqual(self.apply("found", 10, late), 1)
        for name in (self.leader, other):
            shutil.rmtree(self.farm.manager_folder(name))
            self.farm.start_manager(name)
            self.wait_backup(name)
        self.check_whole()
        self.assertIn("promote manager", self.farm.strata("audit"))

    def test_without_those_who_knew_all_nobody_leads(self):
        """A backup that was away while the others took orders does not know them."""
        late, other = self.others
        self.farm.managers[late].kill()
        wait_until(lambda: self.apply("after", 10), "an order goes through")
        for name in (self.leader, other):
            self.farm.managers[name].kill()
        self.farm.start_manager(late)
        with self.assertRaises(FarmError):
            wait_until(lambda: self.farm.facts(late).get("role") == "leads the farm", "leads", 5)
        self.farm.start_manager(other)
        now, _ = self.wait_leader([other, late])
        self.assertEqual(now, other)
        self.assertIn("after", self.versions(now))
        self.farm.start_manager(self.leader)
        self.wait_backup(late)
        self.check_whole()


del FarmCase

if __name__ == "__main__":
    import unittest
    unittest.main()
