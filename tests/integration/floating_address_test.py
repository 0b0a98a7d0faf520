"""Floating addresses on a LAN: what its other machines see when the holder changes."""

import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from clients import KeepingClient
from lab import Lan, LabError, run

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "deploy/tour"))
import waiting  # pylint: disable=wrong-import-position

wait_until = functools.partial(waiting.wait_until, pause=0.01)

V4 = "10.77.0.100"
V6 = "fd77::100"
HOLDER = "tests/integration/address_holder"
PORT = 8080
CLIENT = 3
CLIENTS = 8

KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9), 1)
except ConnectionRefusedError:
    sys.exit(0)
except OSError:
    sys.exit(1)
"""


class Holder:
    """A process that holds the addresses on one machine while it may."""

    def __init__(self, lan, machine, folder):
        self.path = folder / f"claim-{machine}"
        self.process = subprocess.Popen(
            lan.command(machine, HOLDER, "eth0", str(self.path), str(PORT), V4, V6),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def claim(self, word):
        new = self.path.with_suffix(".new")
        new.write_text(word, encoding="ascii")
        new.rename(self.path)

    def allow(self):
        self.claim("leads")

    def forbid(self):
        self.claim("none")

    def send(self, number):
        os.kill(self.process.pid, number)

    def end(self):
        self.send(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class FloatingAddressTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.lan = Lan(3)
        except LabError as error:
            raise unittest.SkipTest(str(error)) from error
        cls.addClassCleanup(cls.lan.remove)
        cls.macs = {n: run(*cls.lan.command(n, "cat", "/sys/class/net/eth0/address")).strip()
                    for n in (1, 2)}

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-address-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.holders = {}
        for machine in (1, 2):
            self.holders[machine] = Holder(self.lan, machine, self.folder)
            self.addCleanup(self.holders[machine].end)
        run(*self.lan.command(CLIENT, "ip", "neigh", "flush", "dev", "eth0"))

    def has(self, machine, address):
        shown = run(*self.lan.command(machine, "ip", "-o", "addr", "show", "dev", "eth0"))
        return f" {address}/" in shown

    def neighbor(self, address):
        """The machine that the client believes an address on."""
        shown = run(*self.lan.command(CLIENT, "ip", "neigh", "show", address, "dev", "eth0"))
        found = re.search(r"lladdr (\S+)", shown)
        return next((n for n, mac in self.macs.items() if found and mac == found[1]), None)

    def reaches(self, address):
        """Whether a machine refuses the client a connection there, at once."""
        return subprocess.run(self.lan.command(CLIENT, "python3", "-c", KNOCK, address),
                              check=False).returncode == 0

    def meet(self, machine):
        """A machine holds them, and the client knows it."""
        self.holders[machine].allow()
        for address in (V4, V6):
            wait_until(lambda a=address: self.has(machine, a), f"{machine} has {address}")
            wait_until(lambda a=address: self.reaches(a), f"{address} answers")
            self.assertEqual(self.neighbor(address), machine)

    def check_moved(self, machine):
        for address in (V4, V6):
            wait_until(lambda a=address: self.neighbor(a) == machine, f"{address} has moved", 1)
            self.assertTrue(self.reaches(address), address)

    def test_neighbors_follow_an_orderly_change(self):
        self.meet(1)
        self.holders[1].forbid()
        self.holders[2].allow()
        wait_until(lambda: self.has(2, V6), "2 has them")
        self.check_moved(2)
        wait_until(lambda: not self.has(1, V4) and not self.has(1, V6), "1 has dropped them")

    def test_neighbors_follow_while_the_frozen_holder_still_has_them(self):
        self.meet(1)
        self.holders[1].send(signal.SIGSTOP)
        self.holders[2].allow()
        wait_until(lambda: self.has(2, V6), "2 has them")
        self.check_moved(2)

    def test_a_frozen_holder_loses_them_and_knows_it_when_it_wakes(self):
        self.meet(1)
        stopped = time.monotonic()
        self.holders[1].send(signal.SIGSTOP)
        wait_until(lambda: not self.has(1, V4) and not self.has(1, V6), "the kernel takes them")
        print(f"taken after {time.monotonic() - stopped:.2f} s")
        self.holders[1].forbid()
        self.holders[2].allow()
        wait_until(lambda: self.has(2, V6), "2 has them")
        self.check_moved(2)
        self.holders[1].send(signal.SIGCONT)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            self.assertFalse(self.has(1, V4) or self.has(1, V6))
        self.check_moved(2)

    def test_a_killed_holder_loses_them(self):
        self.meet(1)
        self.holders[1].send(signal.SIGKILL)
        wait_until(lambda: not self.has(1, V4) and not self.has(1, V6), "the kernel takes them")

    def test_a_client_that_resolves_during_the_change_finds_the_new_holder(self):
        self.meet(1)
        self.holders[1].send(signal.SIGSTOP)
        self.holders[2].allow()
        wait_until(lambda: self.has(2, V6), "2 has them")
        run(*self.lan.command(CLIENT, "ip", "neigh", "flush", "dev", "eth0"))
        for address in (V4, V6):
            self.reaches(address)  # Whoever answered first.
        # The announcements go on until the frozen one has them no more.
        wait_until(lambda: not self.has(1, V4) and not self.has(1, V6), "the kernel takes them")
        self.check_moved(2)

    def test_a_hand_over_cuts_no_request(self):
        self.meet(1)
        machine = self.lan.machines[CLIENT]
        clients = [KeepingClient(address, PORT, machine=machine) for address in (V4, V6)
                   for _ in range(CLIENTS // 2)]
        for turn in range(6):
            old, new = (1, 2) if turn % 2 == 0 else (2, 1)
            answers = [client.answers for client in clients]
            wait_until(lambda a=answers: all(client.answers > before + 100 for client, before
                                             in zip(clients, a)), "all are served")
            self.holders[old].claim("yields")
            self.holders[new].claim("behind")
            wait_until(lambda n=new: self.has(n, V6), f"{new} has them")
            wait_until(lambda o=old: not self.has(o, V6) and not self.has(o, V4), f"{old} has not")
        for client in clients:
            client.end()
        print(f"{sum(client.answers for client in clients)} answers, longest "
              f"{max(client.longest for client in clients):.2f} s")
        self.assertEqual([client.failures for client in clients if client.failures], [])
        self.assertLess(max(client.longest for client in clients), 3)

    def test_the_machines_own_addresses_stay(self):
        before = {n: (self.has(n, f"10.77.0.{n}"), self.has(n, f"fd77::{n}")) for n in (1, 2)}
        routes = run(*self.lan.command(1, "ip", "-6", "route", "show", "dev", "eth0"))
        self.meet(1)
        self.assertEqual(self.source_of(CLIENT), ["10.77.0.1", "fd77::1"])
        self.holders[1].forbid()
        wait_until(lambda: not self.has(1, V4) and not self.has(1, V6), "they are dropped")
        self.assertEqual({n: (self.has(n, f"10.77.0.{n}"), self.has(n, f"fd77::{n}"))
                          for n in (1, 2)}, before)
        after = run(*self.lan.command(1, "ip", "-6", "route", "show", "dev", "eth0"))
        self.assertEqual(after, routes)

    def source_of(self, to):
        """The addresses from which machine 1 asks another."""
        found = []
        for address in (f"10.77.0.{to}", f"fd77::{to}"):
            shown = run(*self.lan.command(1, "ip", "route", "get", address))
            found.append(re.search(r"src (\S+)", shown)[1])
        return found


if __name__ == "__main__":
    unittest.main()
