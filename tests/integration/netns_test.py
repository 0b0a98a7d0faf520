"""Five members on a LAN of network namespaces, and what can go wrong with them."""

import json
import pathlib
import subprocess
import time

from group_case import ADDRESSES, DETECTION_BOUND, GroupCase
from members import PATIENCE, all_full

TOOLS = pathlib.Path("multicast/tools")
STOOD_STILL = 0.05  # Seconds; well below the detection timeout.


class LossTest(GroupCase):
    """Everything arrives, in one order, however much gets lost."""

    def _transfer(self, family, percent, each, sealed=False):
        self.family = family
        if sealed:
            self.seal()
        self.start_group()
        self.lan.lose(percent)
        self.send(each)
        states = self.judge_undisturbed(1, 2, 3, 4, 5, each=each, patience=60)
        self.assertEqual({s.number("messages") for s in states.values()}, {5 * each})

    def test_ipv4_without_loss(self):
        self._transfer(4, 0, 2000)

    def test_ipv4_one_percent(self):
        self._transfer(4, 1, 2000)

    def test_ipv4_ten_percent(self):
        self._transfer(4, 10, 500)

    def test_ipv6_without_loss(self):
        self._transfer(6, 0, 2000)

    def test_ipv6_one_percent_sealed(self):
        self._transfer(6, 1, 2000, sealed=True)

    def test_ipv6_ten_percent(self):
        self._transfer(6, 10, 500)


class FailureTest(GroupCase):
    """Members that die, stand still, or come back."""

    def _check_detection(self, since, lost, *survivors):
        for view in self.wait_view(*survivors, since=since):
            self.assertLess(view.when - since, DETECTION_BOUND)
            self.assertNotEqual(view.number("sm"), lost)

    def test_a_killed_member_is_evicted_and_the_others_go_on(self):
        self.start_group()
        self.send(3000)
        self.wait_commits(1, 500)
        killed = self.members[5].kill()
        self._check_detection(killed, 5, 1, 2, 3, 4)
        states = self.judge_undisturbed(1, 2, 3, 4, each=3000)
        for state in states.values():
            self.assertLess(state.number("stall_ms"), DETECTION_BOUND * 1000)

    def test_a_killed_sm_is_replaced_by_the_next_manager(self):
        self.start_group()
        self.send(3000)
        self.wait_commits(2, 500)
        killed = self.members[1].kill()
        self._check_detection(killed, 1, 2, 3, 4, 5)
        self.assertEqual(self.members[4].view()["sm"], "2")
        self.judge_undisturbed(2, 3, 4, 5, each=3000)

    def test_a_stopped_sm_wakes_as_nobody_and_joins_again(self):
        self.start_group()
        self.send(3000)
        self.wait_commits(2, 500)
        stopped = self.members[1].stop()
        self._check_detection(stopped, 1, 2, 3, 4, 5)
        self.wait_commits(2, 200)
        resumed = self.members[1].resume()
        self.members[1].wait_event("left", since=resumed)
        self.wait_view(1, 2, 3, 4, 5, since=resumed)
        self.assertEqual(self.members[1].view()["sm"], "2")
        self.judge(1, 2, 3, 4, 5)
        self.judge_undisturbed(2, 3, 4, 5, each=3000)

    def test_a_member_that_stood_still_shortly_is_not_missed(self):
        self.start_group()
        self.send(1000)
        self.wait_commits(1, 200)
        self.members[4].stop()
        time.sleep(STOOD_STILL)
        self.members[4].resume()
        self.judge_undisturbed(1, 2, 3, 4, 5, each=1000)

    def test_two_members_started_at_once_both_get_in(self):
        self.start_group(1, 2, 3)
        self.send(3000)
        self.wait_commits(1, 200)
        self.start(4)
        self.start(5)
        self.wait_view(1, 2, 3, 4, 5)
        self.send(300, 4, 5)
        self.judge(1, 2, 3, 4, 5)
        self.judge_undisturbed(1, 2, 3, each=3000)
        self.formed = time.monotonic()
        self.judge_undisturbed(4, 5, each=300)

    def test_a_member_restarted_with_its_state_comes_back(self):
        self.start_group(kept=True)
        self.send(300)
        self.judge_undisturbed(1, 2, 3, 4, 5, each=300)
        killed = self.members[3].kill()
        self.wait_view(1, 2, 4, 5, since=killed)
        again = time.monotonic()
        self.start(3, kept=True)
        self.wait_view(1, 2, 3, 4, 5, since=again)
        self.send(300, 3, 4)
        self.judge(1, 2, 3, 4, 5)

    def test_a_member_restarted_faster_than_detected_comes_back(self):
        self.start_group(kept=True)
        self.send(300)
        self.judge_undisturbed(1, 2, 3, 4, 5, each=300)
        killed = self.members[2].kill()
        self.start(2, kept=True)
        self.wait_view(1, 2, 3, 4, 5, since=killed)
        self.send(300, 2)
        self.judge(1, 2, 3, 4, 5)

    def test_a_whole_group_comes_back_with_what_it_had(self):
        self.start_group(kept=True)
        self.send(300)
        before = self.judge_undisturbed(1, 2, 3, 4, 5, each=300)[1]
        for number in (5, 4, 3, 2, 1):
            self.members[number].leave()
        again = time.monotonic()
        for number in (1, 2, 3, 4, 5):
            self.start(number, kept=True)
        self.wait_view(1, 2, 3, 4, 5, since=again)
        self.formed = time.monotonic()
        after = self.wait_quiet(1, 2, 3, 4, 5)[5]
        self.assertEqual((after["hash"], after["messages"]), (before["hash"], before["messages"]))
        self.send(100)
        self.judge_undisturbed(1, 2, 3, 4, 5, each=100)


class PartitionTest(GroupCase):
    """Both sides of a cut, and the heal."""

    def test_the_side_of_the_majority_goes_on_and_takes_the_others_back(self):
        self.start_group()
        self.send(5000)
        self.wait_commits(1, 500)
        cut = time.monotonic()
        self.lan.part((1, 4), (2, 3, 5))
        for view in self.wait_view(2, 3, 5, since=cut):
            self.assertLess(view.when - cut, DETECTION_BOUND)
        self.members[1].wait_event("alarm", since=cut, kind="no_majority")
        stuck = self.members[4].state()["messages"]
        self.wait_commits(2, 200)
        self.assertEqual(self.members[4].state()["messages"], stuck)
        healed = time.monotonic()
        self.lan.heal()
        self.wait_view(1, 2, 3, 4, 5, since=healed)
        self.judge(1, 2, 3, 4, 5)
        self.judge_undisturbed(2, 3, 5, each=5000)

    def test_without_any_majority_nothing_commits_and_nothing_is_lost(self):
        self.start_group()
        self.send(300)
        self.judge_undisturbed(1, 2, 3, 4, 5, each=300)
        cut = time.monotonic()
        self.lan.part((1, 4), (2, 5), (3,))
        self.members[1].wait_event("alarm", since=cut, kind="no_majority")
        before = {n: self.members[n].state()["messages"] for n in (1, 2, 3, 4, 5)}
        self.send(100, 4, 5)
        self.members[5].wait("sends under way", lambda _: True)
        self.assertEqual({n: self.members[n].state()["messages"] for n in (1, 2, 3, 4, 5)}, before)
        healed = time.monotonic()
        self.lan.heal()
        self.wait_view(1, 2, 3, 4, 5, since=healed)
        self.judge(1, 2, 3, 4, 5)


class FanOutTest(GroupCase):
    """A bridge that stops forwarding multicast."""

    def _lose_multicast(self, machines):
        self.start_group(fanout_after_ms=500, fanout_heal_ms=1000)
        self.send(4000)
        self.wait_commits(1, 300)
        cut = time.monotonic()
        self.lan.stop_multicast(machines)
        self.members[1].wait_event("alarm", since=cut, kind="no_multicast")
        for member in self.members.values():
            member.wait_event("view", since=cut, fan_out="1")
        self.assertEqual(self.members[1].wait_view(all_full(1, 2, 3, 4, 5), cut)["fan_out"], "1")
        self.judge(1, 2, 3, 4, 5)
        self.send(500)
        self.judge(1, 2, 3, 4, 5)
        healed = time.monotonic()
        self.lan.heal()
        for member in self.members.values():
            member.wait_event("view", since=healed, fan_out="0")
        self.members[1].wait_event("alarm", since=healed, kind="multicast_back")
        self.send(500)
        self.judge_undisturbed(1, 2, 3, 4, 5, each=5000)

    def test_the_group_sends_one_by_one_until_multicast_is_back(self):
        self._lose_multicast(None)

    def test_one_deaf_port_is_enough(self):
        self._lose_multicast((4,))

    def test_ipv6_too(self):
        self.family = 6
        self._lose_multicast(None)


class ToolsTest(GroupCase):
    """group_probe and group_dump, on machine 5, where no member runs."""

    def _probe(self, *arguments):
        command = [str(TOOLS / "group_probe"), "--interface=eth0", "--group=1", "--json",
                   f"--address={ADDRESSES[self.family]}", "--count=8", *arguments]
        if self.keys:
            command.append(f"--keys={self.keys}")
        result = subprocess.run(self.lan.command(5, *command), capture_output=True, text=True,
                                timeout=PATIENCE, check=False)
        self.assertEqual(result.stderr, "")
        report = json.loads(result.stdout)
        self.assertEqual(result.returncode, 0 if report["ok"] else 1, report)
        return report

    def _assert_well(self, report):
        self.assertTrue(report["ok"], report["findings"])
        self.assertEqual([m["id"] for m in report["members"]], [1, 2, 3, 4])
        self.assertEqual([m["id"] for m in report["members"] if m["sm"]], [1])
        self.assertEqual({m["status"] for m in report["members"]}, {"full"})

    def test_probe_finds_a_healthy_group_well(self):
        self.start_group(1, 2, 3, 4)
        # A busy machine may be late with an answer or two.
        self._assert_well(self._probe("--loss=20"))

    def test_probe_finds_a_sealed_ipv6_group_well(self):
        self.family = 6
        self.seal()
        self.start_group(1, 2, 3, 4)
        self._assert_well(self._probe("--loss=20"))

    def test_probe_tells_whom_multicast_does_not_reach(self):
        self.start_group(1, 2, 3, 4)
        self.lan.stop_multicast((4,))
        report = self._probe("--loss=20")
        self.assertFalse(report["ok"])
        self.assertEqual({m["id"]: m["multicast"] for m in report["members"]},
                         {1: "both ways", 2: "both ways", 3: "both ways", 4: "from it"})
        self.assertTrue(report["members"][3]["unicast"])
        self.assertIn("member 4 is heard by multicast, but does not hear it from here",
                      " ".join(report["findings"]))

    def test_probe_says_that_keys_are_missing(self):
        self.seal()
        self.start_group(1, 2)
        self.keys = None
        report = self._probe()
        self.assertEqual(report["members"], [])
        self.assertIn("are sealed and no keys were given", " ".join(report["findings"]))

    def test_dump_shows_what_a_sealed_group_says(self):
        self.seal()
        self.start_group(1, 2, 3)
        command = [str(TOOLS / "group_dump"), "--interface=eth0", f"--keys={self.keys}",
                   f"--address={ADDRESSES[self.family]}", "--seconds=2"]
        dump = subprocess.Popen(self.lan.command(5, *command), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        self.addCleanup(dump.wait)
        self.addCleanup(dump.kill)
        # It listens once it shows something: heartbeats come anyway.
        lines = [dump.stdout.readline()]
        self.send(20, 2)
        rest, summary = dump.communicate(timeout=PATIENCE)
        lines += rest.splitlines()
        self.assertEqual(dump.returncode, 0, summary)
        self.assertIn(" decoded", summary)
        for text in (" 2 DATA ", " 3 ACK ", " 1 COMMIT ", " 1 HEARTBEAT ", "stream=0 seq=20"):
            self.assertTrue(any(text in line for line in lines), text)
        self.judge_undisturbed(2, each=20)
