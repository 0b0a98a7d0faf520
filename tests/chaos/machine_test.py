"""Clocks and disks of machines: libmachine.so before small programs of Python."""

import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import power_cut

SHIM = pathlib.Path("tests/chaos/libmachine.so").resolve()


class MachineTest(unittest.TestCase):
    """One machine: a folder, a journal, a shadow, a clock."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.top = pathlib.Path(temporary.name)
        self.folder = self.top / "disk"
        self.journal = self.top / "journal"
        self.shadow = self.top / "shadow"
        self.clock = self.top / "clock"
        self.folder.mkdir()
        self.clock.write_bytes(bytes(8))
        power_cut.settle(self.folder, self.journal, self.shadow)
        self.environment = dict(
            os.environ, LD_PRELOAD=str(SHIM), STRATA_CHAOS_CLOCK=str(self.clock),
            STRATA_CHAOS_DISK=str(self.folder), STRATA_CHAOS_JOURNAL=str(self.journal),
            STRATA_CHAOS_SHADOW=str(self.shadow))

    def command(self, program):
        return [sys.executable, "-c", "import os, sys, threading, time\nos.chdir(sys.argv[1])\n" +
                program, str(self.folder)]

    def run_program(self, program):
        """It ends without a goodbye, as killed ones do; what it printed."""
        return subprocess.run(self.command(program + "\nsys.stdout.flush()\nos._exit(0)\n"),
                              env=self.environment, capture_output=True, text=True,
                              check=True).stdout

    def set_clock(self, seconds):
        with open(self.clock, "r+b") as file:
            file.write(struct.pack("=q", int(seconds * 1e9)))

    def cut(self, seed=1):
        return power_cut.cut_power(self.folder, self.journal, self.shadow, random.Random(seed))

    def after_cuts(self, program):
        """What may be left of a program's work: the states of many cuts."""
        found = set()
        for seed in range(24):
            for path in self.folder.iterdir():
                path.unlink()
            (self.folder / "old").write_bytes(b"old")
            power_cut.settle(self.folder, self.journal, self.shadow)
            self.run_program(program)
            self.cut(seed)
            found.add(tuple(sorted((p.name, p.read_bytes()) for p in self.folder.iterdir())))
        return found


class DiskTest(MachineTest):
    """What is synced stays."""

    prelude = ("d = os.getcwd()\n"
               "def sync(p):\n  f = os.open(p, os.O_RDONLY); os.fsync(f); os.close(f)\n")

    def test_what_is_synced_stays_and_what_is_not_may_go(self):
        found = self.after_cuts(self.prelude + (
            "f = os.open(d + '/a', os.O_CREAT | os.O_WRONLY)\n"
            "os.write(f, b'12345'); os.fdatasync(f); sync(d); os.write(f, b'67')\n"))
        self.assertEqual({dict(state)["a"] for state in found}, {b"12345", b"123456", b"1234567"})

    def test_a_name_that_is_not_synced_may_go(self):
        found = self.after_cuts(self.prelude + (
            "f = os.open(d + '/a', os.O_CREAT | os.O_WRONLY); os.write(f, b'1'); os.fsync(f)\n"))
        self.assertEqual({dict(state).get("a") for state in found}, {None, b"1"})

    def test_a_rename_that_is_not_synced_may_be_undone(self):
        program = self.prelude + (
            "f = os.open(d + '/new', os.O_CREAT | os.O_WRONLY); os.write(f, b'new'); os.fsync(f)\n"
            "sync(d); os.rename(d + '/new', d + '/old')\n")
        self.assertEqual(self.after_cuts(program), {(("old", b"new"),),
                                                    (("new", b"new"), ("old", b"old"))})
        self.assertEqual(self.after_cuts(program + "sync(d)\n"), {(("old", b"new"),)})

    def test_a_rename_without_a_sync_of_the_file_may_leave_nothing_in_it(self):
        found = self.after_cuts(self.prelude + (
            "open(d + '/new', 'w').write('new'); os.rename(d + '/new', d + '/old'); sync(d)\n"))
        self.assertIn((("old", b""),), found)

    def test_a_file_that_was_removed_may_come_back(self):
        program = self.prelude + "os.unlink(d + '/old')\n"
        self.assertEqual(self.after_cuts(program), {(), (("old", b"old"),)})
        self.assertEqual(self.after_cuts(program + "sync(d)\n"), {()})

    def test_a_cut_is_a_function_of_its_seed(self):
        program = ("f = os.open(os.getcwd() + '/a', os.O_CREAT | os.O_WRONLY)\n"
                   "os.write(f, b'x' * 1000)\n")
        results = []
        for _ in range(2):
            (self.folder / "a").unlink(missing_ok=True)
            power_cut.settle(self.folder, self.journal, self.shadow)
            self.run_program(program)
            results.append(self.cut(5))
        self.assertEqual(results[0], results[1])

    def test_other_folders_are_left_alone(self):
        other = self.top / "other"
        self.run_program(f"open({str(other)!r}, 'w').write('x')")
        self.cut()
        self.assertEqual(other.read_text(), "x")
        self.assertEqual([line for line in self.journal.read_text().splitlines()
                          if "other" in line], [])


class ClockTest(MachineTest):
    """The wall clock is set; the monotonic one is not."""

    def test_the_wall_clock_is_another(self):
        self.set_clock(3600)
        before = time.time()
        wall, monotonic = map(float, self.run_program(
            "print(time.time(), time.monotonic())").split())
        self.assertAlmostEqual(wall - before, 3600, delta=10)
        self.assertAlmostEqual(monotonic - time.monotonic(), 0, delta=10)

    def test_a_wait_by_the_wall_clock_ends_when_the_clock_is_set(self):
        program = (
            "import ctypes, struct\n"
            "libc = ctypes.CDLL(None)\n"
            "class Time(ctypes.Structure):\n"
            "  _fields_ = [('s', ctypes.c_long), ('n', ctypes.c_long)]\n"
            "semaphore = ctypes.create_string_buffer(64)\n"
            "libc.sem_init(semaphore, 0, 0)\n"
            "until = Time(int(time.time()) + 1000, 0)\n"
            "print('waits', flush=True)\n"
            "started = time.monotonic()\n"
            "assert libc.sem_timedwait(semaphore, ctypes.byref(until)) == -1\n"
            "assert time.monotonic() - started < 60\n")
        with subprocess.Popen(self.command(program), env=self.environment, text=True,
                              stdout=subprocess.PIPE) as waiting:
            self.assertEqual(waiting.stdout.readline(), "waits\n")
            self.set_clock(2000)
            self.assertEqual(waiting.wait(60), 0)


if __name__ == "__main__":
    unittest.main()
