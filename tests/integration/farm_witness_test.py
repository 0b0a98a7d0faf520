"""A farm with a witness, which votes when the others are even in number."""

import pathlib
import shutil
import subprocess
import time
import unittest

from farm_case import ENGINES, FarmCase, wait_until
from farm import Process  # pylint: disable=wrong-import-order

MACHINE = 6
PORT = 7403
TAKE_OVER = 2  # Seconds.
KEY_CHANGE = 8  # Seconds from a revocation until the old key is forgotten, and some.


class WitnessCase(FarmCase):
    @classmethod
    def prepare(cls):
        cls.farm.issue("witness", "w-1")

    def setUp(self):
        super().setUp()
        self.start_witness()

    def start_witness(self):
        address = self.guest_address
        path = self.folder / "witness.yaml"
        managers = ", ".join(f"'{its}:7400'" for its in self.farm.manager_addresses.values())
        path.write_text(
            f"data_folder: {self.folder}/witness\n{self.farm.tls('w-1')}"
            f"lan: {{interface: eth0, unicast_address: '{address}'}}\n"
            f"managers: [{managers}]\nstatus_listen: '{address}:{PORT}'\n")
        command = self.lan.command(MACHINE, self.farm.programs.manager, "--witness", "--config",
                                   str(path))
        checked = subprocess.run([*command, "--check"], check=False, capture_output=True,
                                 text=True)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.witness = Process("witness", command, self.folder / "witness.log")
        self.addCleanup(self.witness.kill)
        self.wait_witness("is in the group", lambda text: text.startswith("ok"))

    def health(self):
        return self.farm.fetch_status(self.guest_address, PORT, "/healthz")[1]

    def wait_witness(self, what, good):
        try:
            wait_until(lambda: good(self.health()), f"the witness {what}", 30)
        except Exception as error:
            raise AssertionError(f"{error}: {self.health()}\n{self.witness.log_end(20)}") from error

    def wait_votes(self):
        self.wait_witness("votes", lambda text: "role: witness, votes" in text)

    def leave_one_engine(self):
        """One after the other: each view takes a majority of the voters of the one before."""
        for left, name in ((4, ENGINES[1]), (3, ENGINES[2])):
            self.assertEqual(self.farm.engines[name].stop(), 0)
            self.wait_witness(f"sees {left}", lambda text, n=left: f"members: {n}\n" in text)
        self.wait_votes()


class WitnessTest(WitnessCase):
    """With one manager."""

    def test_votes_where_the_others_are_even(self):
        self.assertIn("has no vote", self.health())
        self.leave_one_engine()

    def test_manager_and_witness_are_a_majority(self):
        self.leave_one_engine()
        self.farm.engines[ENGINES[0]].kill()
        self.farm.apply_site(self.site("minimum_copies: 2"))
        self.assertTrue(self.health().startswith("ok"))
        self.farm.apply_site(self.site())

    def test_comes_back_after_it_was_killed(self):
        self.leave_one_engine()
        self.witness.kill()
        self.start_witness()
        self.wait_votes()

    def test_has_every_new_key(self):
        self.farm.issue("viewer", "gone")
        self.leave_one_engine()
        self.farm.revoke("gone")
        changed = time.monotonic() + KEY_CHANGE
        wait_until(lambda: time.monotonic() > changed, "the key has changed", KEY_CHANGE + 5)
        before = self.metric("strata_multicast_rejected_unknown_key_total")
        self.farm.engines[ENGINES[0]].kill()
        self.farm.apply_site(self.site())
        self.assertEqual(self.metric("strata_multicast_rejected_unknown_key_total"), before)

    def metric(self, name):
        text = self.farm.fetch_status(self.guest_address, PORT, "/metrics")[1]
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith((name + " ", name + "{")))

    def test_is_small(self):
        status = pathlib.Path(f"/proc/{self.witness.pid}/status").read_text(encoding="ascii")
        lines = {line.split(":")[0]: line.split() for line in status.splitlines()}
        own = int(lines["RssAnon"][1])
        print(f"witness: {own} kB of its own, {lines['VmRSS'][1]} kB with the program")
        self.assertLess(own, 16 * 1024)


class TwoManagersTest(WitnessCase):
    """Two managers and no engine."""

    backups = 1

    def leave_no_engine(self):
        """The manager that leads then, and the other one."""
        for left, name in zip((5, 4, 3), ENGINES):
            self.assertEqual(self.farm.engines[name].stop(), 0)
            self.wait_witness(f"sees {left}", lambda text, n=left: f"members: {n}\n" in text)
        self.wait_votes()
        leader = wait_until(self.farm.leader, "somebody leads")
        return leader, next(name for name in self.farm.managers if name != leader)

    def test_founds_the_farm_with_one_of_two_managers_after_a_power_cut(self):
        gone, other = self.leave_no_engine()
        for process in [*self.farm.managers.values(), self.witness]:
            process.kill()
        self.farm.start_manager(other)
        self.start_witness()
        wait_until(lambda: self.farm.facts(other).get("role") == "leads the farm",
                   f"{other} leads", 20)
        shutil.rmtree(self.farm.manager_folder(gone))
        self.farm.start_manager(gone)
        wait_until(lambda: self.farm.facts(gone).get("role") == "backup, in step",
                   f"{gone} is a backup", 30)

    def test_makes_one_of_two_managers_a_majority(self):
        leader, other = self.leave_no_engine()
        self.farm.managers[leader].kill()
        begun = time.monotonic()
        wait_until(lambda: self.farm.facts(other).get("role") == "leads the farm",
                   f"{other} leads", 20, 0.01)
        print(f"{other} leads after {time.monotonic() - begun:.2f} s")
        self.assertLess(time.monotonic() - begun, TAKE_OVER)
        self.farm.apply_site(self.site("minimum_copies: 2"))
        self.farm.apply_site(self.site())
        self.farm.start_manager(leader)
        wait_until(lambda: self.farm.facts(leader).get("role") == "backup, in step",
                   f"{leader} is a backup", 30)


del FarmCase
del WitnessCase

if __name__ == "__main__":
    unittest.main()
