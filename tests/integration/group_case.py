"""What the scenarios share: a LAN, a group on it, and the judgement at the end."""

import pathlib
import tempfile
import time
import unittest

from lab import Lan
from members import PATIENCE, PROGRAM, Member, all_full

# Longer than the default of 250 ms: several processes share each core, and tests run on machines
# that do other things, too.
DETECTION_MS = 500
STAGGER_MS = 200  # Instead of 50, so that the first manager in line comes first there, too.
# From a fault to the view without it: detection, the time to collect reports, and a busy machine.
DETECTION_BOUND = 2 * DETECTION_MS / 1000 + 1.0

LOOK_AGAIN = 0.02  # Seconds from one look at a state to the next.

ADDRESSES = {4: "239.77.0.1", 6: "ff15::77:1"}
MANAGERS = {1: 1, 2: 2, 3: 3}  # Member -> priority; the others are engines.


class GroupCase(unittest.TestCase):
    """A LAN of five; tears everything down."""

    family = 4

    def setUp(self):
        # In memory: how busy the disk of this machine is shall not matter.
        self.folder = tempfile.TemporaryDirectory(prefix="strata-integration-", dir="/dev/shm")
        self.addCleanup(self.folder.cleanup)
        self.lan = Lan(5)
        self.addCleanup(self.lan.remove)
        self.members = {}
        self.past = []  # Earlier processes of members.
        self.addCleanup(self._end_members)
        self.keys = None
        self.formed = 0.0  # When the group was complete.

    def _end_members(self):
        for member in [*self.members.values(), *self.past]:
            member.end()

    def seal(self):
        """Members started from now on seal their packets."""
        self.keys = pathlib.Path(self.folder.name) / "keys"
        self.keys.touch(mode=0o600)
        self.keys.write_text("7 " + "5a" * 32 + "\n", encoding="utf-8")

    def start(self, number, *, found=False, kept=False, **flags):
        """Starts a member; with `kept` its state outlives it."""
        command = [str(PROGRAM), f"--id={number}", "--interface=eth0",
                   f"--address={ADDRESSES[self.family]}", f"--detection-ms={DETECTION_MS}",
                   f"--stagger-ms={STAGGER_MS}"]
        if number in MANAGERS:
            command += ["--role=manager", f"--priority={MANAGERS[number]}"]
        if found:
            command.append("--found")
        if self.keys:
            command.append(f"--keys={self.keys}")
        if kept:
            command.append(f"--state={self.folder.name}/state{number}")
        command += [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        if number in self.members:
            self.past.append(self.members[number])
        member = Member(number, self.lan.command(number, "nice", "-n", "-15", *command))
        self.members[number] = member
        return member

    def start_group(self, *numbers, **flags):
        """Starts these, the first founds; returns when all have all."""
        numbers = numbers or (1, 2, 3, 4, 5)
        for number in numbers:
            self.start(number, found=number == numbers[0], **flags)
        self.wait_view(*numbers)
        self.formed = time.monotonic()

    def wait_view(self, *numbers, since=0.0, of=None, patience=PATIENCE):
        """Until these (or `of`) have a view in which exactly these are, all full."""
        return [self.members[n].wait_view(all_full(*numbers), since, patience)
                for n in of or numbers]

    def send(self, count, *numbers):
        for number in numbers or self.members:
            self.members[number].tell(f"send {count}")

    def wait_quiet(self, *numbers, patience=PATIENCE):
        """Until these sent all that they should, every send ended, and all have the same state."""
        deadline = time.monotonic() + patience
        while True:
            states = {n: self.members[n].state() for n in numbers}
            done = all(s["open"] == "0" and s["sent"] == s["wanted"] for s in states.values())
            if done and len({(s["commit"], s["hash"], s["messages"])
                             for s in states.values()}) == 1:
                return states
            if time.monotonic() > deadline:
                self.fail("the group did not come to rest:\n"
                          + "\n".join(self.members[n].story() for n in numbers))
            time.sleep(LOOK_AGAIN)

    def judge(self, *numbers, patience=PATIENCE):
        """Waits for rest; then: everything ended once, in one order, equal wherever one looks."""
        states = self.wait_quiet(*numbers, patience=patience)
        marks = {}
        for number, state in states.items():
            with self.subTest(member=number):
                self.assertEqual(state["disorders"], "0")
                self.assertEqual(state["twice"], "0")
                ended = sum(state.number(key) for key in ("committed", "aborted", "unknown"))
                self.assertEqual(ended, state.number("sent"))
                for commit, value in self.members[number].marks().items():
                    self.assertEqual(marks.setdefault(commit, value), value,
                                     f"member {number} differs at commit {commit}")
        return states

    def judge_undisturbed(self, *numbers, each, patience=PATIENCE):
        """As judge; and that these lost no send, nor their view since the group was complete."""
        states = self.judge(*numbers, patience=patience)
        for number, state in states.items():
            self.assertEqual(state.number("committed"), each, self.members[number].story())
            self.assertEqual(state.number("own"), each)
            self.assertFalse([event for event in self.members[number].named("left")
                              if event.when > self.formed], self.members[number].story())
        return states

    def wait_commits(self, number, more, patience=PATIENCE):
        """Until a member has delivered so many more messages than now."""
        member = self.members[number]
        wanted = member.state().number("messages") + more
        deadline = time.monotonic() + patience
        while member.state().number("messages") < wanted:
            if time.monotonic() > deadline:
                self.fail(f"member {number} got no further\n" + member.story())
            time.sleep(LOOK_AGAIN)
