"""The floating addresses of a farm: on the machine of the manager that leads it."""

import signal
import subprocess
import time
import unittest

from clients import KeepingClient
from farm_case import HOST, PORT, FarmCase, ask, wait_until

V4 = "10.77.0.100"
V6 = "fd77::100"
LIMIT = 2  # Seconds without an answer.


class AddressCase(FarmCase):
    @classmethod
    def prepare(cls):
        write = cls.farm.write_manager_settings

        def write_with_addresses(*words):
            path = write(*words)
            text = path.read_text(encoding="utf-8")
            assert "\nhttp:\n" in text
            path.write_text(text.replace(
                "\nhttp:\n", f"\nhttp:\n  floating: {{addresses: ['{V4}', '{V6}']}}\n"),
                encoding="utf-8")
            return path

        cls.farm.write_manager_settings = write_with_addresses

    def held(self, machine=1):
        shown = subprocess.run(self.lan.command(machine, "ip", "-o", "addr", "show", "dev", "eth0"),
                               check=True, capture_output=True, text=True).stdout
        return {address for address in (V4, V6) if f" {address}/" in shown}

    def wait_held(self, addresses, patience=20, machine=1):
        wait_until(lambda: self.held(machine) == addresses, f"{addresses} are held", patience,
                   0.01)


class AddressTest(AddressCase):
    """A farm of one manager."""

    def setUp(self):
        super().setUp()
        self.wait_held({V4, V6})

    def test_serves_on_both(self):
        for host in (V4, f"[{V6}]"):
            answer = ask(f"http://{host}:{PORT}/any", host=HOST)
            self.assertEqual(answer.status, 302, host)
        health = self.farm.fetch_status(self.farm.manager_address, 7401, "/healthz")[1]
        self.assertIn(f"floating addresses: {V4}, {V6} on eth0: held", health)

    def test_drops_them_before_the_others_choose_anew(self):
        self.lan.cut(1, [2, 3, 4])
        started = time.monotonic()
        self.wait_held(set(), 5)
        self.assertLess(time.monotonic() - started, 1.5)
        self.lan.heal()
        self.wait_held({V4, V6})

    def test_a_frozen_manager_loses_them_and_takes_them_when_it_leads_again(self):
        self.farm.manager.signal(signal.SIGSTOP)
        self.addCleanup(self.farm.manager.signal, signal.SIGCONT)
        started = time.monotonic()
        self.wait_held(set())
        self.assertLess(time.monotonic() - started, 2.5)
        self.farm.manager.signal(signal.SIGCONT)
        self.wait_held({V4, V6})

    def test_drops_them_when_it_ends_in_order(self):
        self.assertEqual(self.farm.manager.stop(), 0)
        self.assertEqual(self.held(), set())
        self.farm.start_manager()
        self.wait_held({V4, V6})


class MovingTest(AddressCase):
    """A farm of three managers: clients ask at the floating addresses and nowhere else."""

    backups = 2

    def holders(self):
        return [name for name in self.farm.managers if self.held(self.machine(name))]

    def setUp(self):
        super().setUp()
        self.leader = wait_until(self.farm.leader, "somebody leads")
        wait_until(lambda: self.holders() == [self.leader], "the leader holds them")

    @staticmethod
    def served(host):
        return ask(f"http://{host}:{PORT}/any", host=HOST, timeout=0.5).status in (302, 307)

    def check_moves(self, stop, back):
        hosts = (V4, f"[{V6}]")
        for host in hosts:
            self.assertTrue(self.served(host), host)
        begun = time.monotonic()
        stop()
        others = [name for name in self.farm.managers if name != self.leader]
        for host in hosts:
            wait_until(lambda h=host: any(self.held(self.machine(name)) for name in others)
                       and self.served(h), f"{host} is served elsewhere", 10, 0.01)
            print(f"{self._testMethodName}: {host} after {time.monotonic() - begun:.2f} s")
        self.assertLess(time.monotonic() - begun, LIMIT)
        for _ in range(100):
            for host in hosts:
                self.assertTrue(self.served(host), host)
        back()
        wait_until(lambda: self.farm.facts(self.leader).get("role") == "backup, in step",
                   f"{self.leader} is a backup", 30)
        self.assertEqual(self.holders(), [self.farm.leader()])

    def test_they_leave_a_killed_manager(self):
        self.check_moves(self.farm.managers[self.leader].kill,
                         lambda: self.farm.start_manager(self.leader))

    def test_they_leave_a_frozen_manager(self):
        process = self.farm.managers[self.leader]
        self.addCleanup(process.signal, signal.SIGCONT)
        self.check_moves(lambda: process.signal(signal.SIGSTOP),
                         lambda: process.signal(signal.SIGCONT))

    def test_they_leave_a_manager_that_is_cut_off_from_the_others(self):
        number = self.machine(self.leader)
        members = [n for n in self.machines.values() if n != number]
        self.check_moves(lambda: self.lan.cut(number, members), self.lan.heal)

    def check_cuts_no_request(self, changes):
        """Clients ask while each of these makes another manager the leader."""
        clients = [KeepingClient(address, PORT, HOST) for address in (V4, V6) for _ in range(4)]
        for change in changes:
            answers = [client.answers for client in clients]
            wait_until(lambda a=answers: all(client.answers > before + 50 for client, before
                                             in zip(clients, a)), "all are served")
            change()
        for client in clients:
            client.end()
        print(f"{sum(client.answers for client in clients)} answers, the slowest after "
              f"{max(client.longest for client in clients):.2f} s")
        self.assertEqual([client.failures for client in clients if client.failures], [])
        self.assertEqual({status for client in clients for status in client.statuses}, {302})

    def test_a_promotion_cuts_no_request(self):
        def promote(name):
            self.farm.strata("manager", "promote", name)
            wait_until(lambda: self.holders() == [name], f"{name} holds them")
        others = [name for name in self.farm.managers if name != self.leader]
        self.check_cuts_no_request([lambda n=name: promote(n) for name in (*others, self.leader)])

    def test_a_manager_that_ends_in_order_cuts_no_request(self):
        def restart_leader():
            leader = self.farm.leader()
            self.assertEqual(self.farm.managers[leader].stop(), 0)
            self.assertNotIn(self.holders(), ([leader], []))
            self.farm.start_manager(leader)
            wait_until(lambda: self.farm.facts(leader).get("role") == "backup, in step",
                       f"{leader} is a backup", 30)
        self.check_cuts_no_request([restart_leader] * 3)


del FarmCase
del AddressCase

if __name__ == "__main__":
    unittest.main()
