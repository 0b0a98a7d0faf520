"""SIGTERM ends a program in time and in order, whatever it waits for at that moment."""

import itertools
import pathlib
import shutil
import signal
import threading
import time
import unittest

from clients import TERM_LIMIT, processes_below, signal_all
from farm_case import ENGINES, FarmCase, wait_until
from farm import FarmError, Process  # pylint: disable=wrong-import-order

GUEST = "guest-1"
WITNESS_PORT = 7403


def is_alive(pid):
    """Not if it only waits for being buried."""
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


class EndCase(FarmCase):
    """A farm that is whole again before each test."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.lan.heal)

    def check_ends(self, process):
        """By SIGTERM: with status 0, soon, and with all that it has started."""
        family = processes_below(process.pid)
        begun = time.monotonic()
        status = process.stop(4 * TERM_LIMIT)
        took = time.monotonic() - begun
        print(f"{self._testMethodName}: {process.name} ended after {took:.2f} s")
        self.assertEqual(status, 0, process.log_end(12))
        self.assertLess(took, TERM_LIMIT)
        self.assertEqual([pid for pid in family if is_alive(pid)], [])

    def freeze(self, *processes):
        for process in processes:
            process.signal(signal.SIGSTOP)
            self.addCleanup(process.signal, signal.SIGCONT)

    def freeze_nginx(self, name):
        nginx = processes_below(self.farm.engines[name].pid)[1:]
        self.assertGreaterEqual(len(nginx), 2)
        signal_all(nginx, signal.SIGSTOP)
        self.addCleanup(signal_all, nginx, signal.SIGCONT)

    def cut_off(self, name):
        """An engine from all other members."""
        others = [machine for its, machine in self.machines.items() if its != name]
        self.lan.cut(self.machines[name], others)

    def deafen(self, machine):
        """A machine that hears nothing of a group; its calls go on."""
        self.lan.lose(99, [machine])
        self.addCleanup(self.lan.lose, 0)

    def in_background(self, order, *words):
        """Gives an order that is to be under way only: whether it succeeds says nothing here."""
        def give():
            try:
                order(*words)
            except (FarmError, ValueError):
                pass
        thread = threading.Thread(target=give, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 60)


class EngineTest(EndCase):
    """An engine of a farm with one manager, and a witness."""

    @classmethod
    def prepare(cls):
        cls.farm.issue("engine", GUEST)
        cls.farm.issue("witness", "w-1")

    def start_guest(self):
        """An engine on a machine of its own, which the farm does not know yet."""
        self.farm.addresses[GUEST] = self.guest_address
        self.farm.wrap[GUEST] = self.lan.command(self.guest_machine)
        shutil.rmtree(self.farm.engine_folder(GUEST), ignore_errors=True)
        self.farm.start_engine(GUEST)
        guest = self.farm.engines.pop(GUEST)
        self.addCleanup(self.remove_guest, guest)
        return guest

    def remove_guest(self, guest):
        guest.kill()

        def removed():
            if self.farm.row(GUEST)["status"] == "?":
                return True
            return self.farm.strata("engine", "remove", GUEST, check=False).returncode == 0
        wait_until(removed, "the guest is removed", 20, 0.1)

    def wait_guest(self, phase):
        def there():
            return self.farm.fetch_status(self.guest_address, 7402, "/healthz")[1].startswith(phase)
        wait_until(there, phase)

    def test_while_its_manager_cannot_be_reached(self):
        self.lan.cut(self.guest_machine, [1])
        guest = self.start_guest()
        self.wait_guest("registering at a manager")
        self.check_ends(guest)

    def test_while_its_manager_does_not_answer(self):
        guest = self.start_guest()
        self.freeze(self.farm.manager)
        self.wait_guest("registering at a manager")
        self.check_ends(guest)

    def test_while_it_is_not_let_into_the_group(self):
        self.deafen(self.guest_machine)
        guest = self.start_guest()
        self.wait_guest("joining the farm's group")
        self.check_ends(guest)

    def test_a_witness_while_its_manager_does_not_answer(self):
        path = self.folder / "witness.yaml"
        path.write_text(
            f"data_folder: {self.folder}/witness\n{self.farm.tls('w-1')}"
            f"lan: {{interface: eth0, unicast_address: '{self.guest_address}'}}\n"
            f"managers: ['{self.farm.rpc}']\n"
            f"status_listen: '{self.guest_address}:{WITNESS_PORT}'\n",
            encoding="utf-8")
        self.freeze(self.farm.manager)
        command = self.lan.command(self.guest_machine, self.farm.programs.manager, "--witness",
                                   "--config", str(path))
        witness = Process("witness", command, self.folder / "witness.log")
        self.addCleanup(witness.kill)
        wait_until(lambda: self.farm.fetch_status(self.guest_address, WITNESS_PORT, "/healthz")[0],
                   "it has begun")
        self.check_ends(witness)

    def test_while_its_manager_hangs(self):
        self.freeze(self.farm.manager)
        self.check_ends(self.farm.engines["north-1"])

    def test_while_it_is_cut_off(self):
        engine = self.farm.engines["north-1"]
        self.cut_off("north-1")
        wait_until(lambda: "not serving" in engine.log_end(3), "it has closed", 10)
        self.check_ends(engine)

    def test_while_its_nginx_hangs(self):
        self.freeze_nginx("north-1")
        self.check_ends(self.farm.engines["north-1"])

    def test_while_its_nginx_hangs_and_is_to_take_a_site(self):
        self.freeze_nginx("north-1")
        self.in_background(self.farm.apply_site, self.site("ttl: 77s"))
        wait_until(lambda: "site applied" in self.farm.engines["north-2"].log_end(4), "applied")
        self.check_ends(self.farm.engines["north-1"])

    def test_while_its_nginx_hangs_and_it_is_cut_off(self):
        self.freeze_nginx("north-1")
        self.cut_off("north-1")
        wait_until(lambda: self.farm.row("north-1")["status"] == "down", "it is missed")
        self.check_ends(self.farm.engines["north-1"])

    def test_while_its_neighbours_hang(self):
        for name in ENGINES[1:]:
            self.freeze_nginx(name)
        for name in ENGINES[1:]:
            self.wait_status(name, "degraded", "down")  # It is being probed.
        self.check_ends(self.farm.engines["north-1"])


class ManagerTest(EndCase):
    """A manager of three."""

    backups = 2

    def setUp(self):
        super().setUp()
        self.leader = wait_until(self.farm.leader, "somebody leads")
        self.others = [name for name in self.farm.managers if name != self.leader]
        for name in self.others:
            self.wait_role(name, "backup, in step")

    def wait_fact(self, fact, value, name):
        wait_until(lambda: self.farm.facts(name).get(fact, "").startswith(value),
                   f"{name}: {fact}: {value}", pause=0.01)

    def wait_role(self, name, role):
        self.wait_fact("role", role, name)

    def freeze_all_but(self, name):
        self.freeze(*[process for its, process in self.farm.managers.items() if its != name],
                    *self.farm.engines.values())

    def at_leader(self, *words):
        """A command that does not ask first who leads: others hang."""
        self.farm.strata(*words, manager=self.leader, check=False)

    def apply_at_leader(self, line):
        path = self.folder / "order.yaml"
        path.write_text(self.site(line), encoding="utf-8")
        self.at_leader("site", "apply", "-f", path)

    def kill_all_but(self, name):
        for process in (*self.farm.managers.values(), *self.farm.engines.values()):
            if process is not self.farm.managers[name]:
                process.kill()

    def test_a_backup(self):
        self.check_ends(self.farm.managers[self.others[0]])

    def test_a_new_backup_while_nobody_answers(self):
        name = self.others[0]
        self.freeze_all_but(name)
        self.farm.managers[name].kill()
        shutil.rmtree(self.farm.manager_folder(name))
        self.farm.start_manager(name)
        self.wait_role(name, "waits for a manager that leads")
        self.check_ends(self.farm.managers[name])

    def test_a_backup_that_comes_back_while_nobody_answers(self):
        name = self.others[0]
        self.freeze_all_but(name)
        self.farm.managers[name].kill()
        self.farm.start_manager(name)
        self.wait_role(name, "not in step with the farm's group")
        self.check_ends(self.farm.managers[name])

    def test_a_backup_that_is_not_let_into_the_group(self):
        name = self.others[0]
        self.farm.managers[name].kill()
        self.deafen(self.machines[name] if name != "sm-1" else 1)
        self.farm.start_manager(name)
        self.wait_role(name, "not in step with the farm's group")
        self.check_ends(self.farm.managers[name])

    def test_a_backup_while_the_leader_hangs(self):
        self.freeze(self.farm.managers[self.leader])
        self.check_ends(self.farm.managers[self.others[0]])

    def test_the_leader(self):
        self.check_ends(self.farm.managers[self.leader])

    def test_the_leader_without_a_majority(self):
        self.kill_all_but(self.leader)
        self.wait_fact("majority of voters", "not in reach", self.leader)
        self.check_ends(self.farm.managers[self.leader])

    def test_the_leader_while_an_order_waits_for_backups_that_hang(self):
        leader = self.farm.managers[self.leader]
        given = threading.Event()

        def order_until_it_ends():
            for seconds in itertools.count(100):
                self.apply_at_leader(f"ttl: {seconds}s")
                given.set()
                if not leader.running():
                    return
        # The backups are waited for only until they are out of the view: one order or the other
        # is under way when they stop.
        self.in_background(order_until_it_ends)
        self.assertTrue(given.wait(20))
        self.freeze(*[self.farm.managers[name] for name in self.others])
        self.wait_fact("backups", "behind", self.leader)
        self.check_ends(leader)

    def test_the_leader_while_orders_wait_for_a_farm_that_is_gone(self):
        self.fill("/purged", b"old")
        self.freeze_all_but(self.leader)
        self.in_background(self.at_leader, "content", "purge", self.uri("/purged"))
        self.in_background(self.apply_at_leader, "ttl: 79s")
        self.wait_fact("majority of voters", "not in reach", self.leader)
        self.check_ends(self.farm.managers[self.leader])


del FarmCase
del EndCase

if __name__ == "__main__":
    unittest.main()
