"""Each checker finds what was planted, and finds nothing where nothing is wrong."""

import errno
import pathlib
import signal
import tempfile
import threading
import time
import unittest
import unittest.mock

import shared  # pylint: disable=unused-import
import contents
import judge
from explain import FLOATING, Spans, explain, explain_floating
from faults import ENDS_S, PROMOTED, WELL_S, History, Strike, ending
from fleet import Fleet
from load import Failure
from orders import Book
from plan import STALL, Fault
from pulse import Pulse
from watch import Leaders

PATH = "/films/1"
MEMBERS = ("sm-1", "engine-1", "engine-2")


class Named:
    """A member, as far as a checker looks at it."""

    def __init__(self, is_engine):
        self.is_engine = is_engine

    @staticmethod
    def running():
        return True


class SmallFleet:
    """One manager, two engines."""

    members = {name: Named(name != "sm-1") for name in MEMBERS}


def strike(kind, name, begun, ended):
    made = Strike(Fault(1, kind, 0.0, 1.0, (name,)), [name])
    made.begun, made.ended = begun, ended
    return made


def failure(name="engine-1", status=503, broken=False, start=10.0, end=10.1):
    return Failure(start, end, name, PATH, status, broken, "engine")


class ContentsTest(unittest.TestCase):
    """Bytes and generations."""

    def test_right_bytes_are_good(self):
        self.assertIsNone(contents.judge(PATH, contents.body_of(PATH, 3), 3))

    def test_one_wrong_byte_is_found(self):
        body = bytearray(contents.body_of(PATH, 3))
        body[100] ^= 1
        self.assertIn("the first at 100", contents.judge(PATH, bytes(body), 0))

    def test_a_body_that_is_short_or_long_is_found(self):
        body = contents.body_of(PATH, 3)
        self.assertIn("wrong bytes", contents.judge(PATH, body[:-1], 0))
        self.assertIn("wrong bytes", contents.judge(PATH, body + b"x", 0))

    def test_another_content_is_found(self):
        self.assertIn("not the content",
                      contents.judge(PATH, contents.body_of("/films/2", 1), 0))
        self.assertIn("not the content", contents.judge(PATH, b"<html>", 0))

    def test_purged_content_is_found(self):
        known = contents.Generations()
        old = known.body(PATH)
        generation = known.change(PATH)
        self.assertIsNone(contents.judge(PATH, old, known.floor(PATH)))  # Not acknowledged yet.
        known.purged(PATH, generation)
        self.assertIn("purged content", contents.judge(PATH, old, known.floor(PATH)))
        self.assertIsNone(contents.judge(PATH, known.body(PATH), known.floor(PATH)))


class IntentTest(unittest.TestCase):
    """What was acknowledged."""

    def setUp(self):
        self.book = Book()
        self.book.applied("films", 1, 101)
        self.book.applied("films", 2, 102)

    def complaints(self, there):
        return judge.judge_sites(self.book.versions, lambda site, version: there.get(version))

    def test_sites_that_are_there_are_good(self):
        self.assertEqual(self.complaints({1: 101, 2: 102, 0: 102}), [])

    def test_a_later_version_that_was_not_acknowledged_may_be_there(self):
        self.assertEqual(self.complaints({1: 101, 2: 102, 3: 103, 0: 103}), [])

    def test_a_version_that_is_lost_is_found(self):
        self.assertIn("version 2", self.complaints({1: 101, 0: 101})[0])

    def test_a_version_that_became_another_is_found(self):
        self.assertIn("now it has 103", self.complaints({1: 101, 2: 103, 0: 103})[0])

    def test_a_site_that_went_back_is_found(self):
        self.assertIn("present is 101", self.complaints({1: 101, 2: 102, 0: 101})[0])

    def test_a_purge_log_that_went_back_is_found(self):
        self.book.purged("films", 7)
        self.assertEqual(judge.judge_positions(self.book, {"films": 8}), [])
        self.assertIn("went back", judge.judge_positions(self.book, {"films": 6})[0])

    def test_a_position_that_was_given_twice_is_found(self):
        self.book.purged("films", 7)
        self.book.purged("films", 7)
        self.assertIn("two purges", judge.judge_positions(self.book, {})[0])

    def test_a_drain_that_was_forgotten_is_found(self):
        self.book.drained("engine-1", True, acknowledged=True)
        rows = {"engine-1": {"status": "up"}}
        self.assertIn("engine-1", judge.judge_drains(self.book.drains, rows)[0])
        self.book.drained("engine-1", False, acknowledged=False)
        self.assertEqual(judge.judge_drains(self.book.drains, rows), [])


class FarmTest(unittest.TestCase):
    """Tables, leaders, take-overs, processes."""

    def test_tables_that_differ_are_found(self):
        reply = {"equal": False, "commitNumber": "9",
                 "members": [{"name": "engine-1", "problem": "its state is another one"}]}
        self.assertIn("differ at commit 9", judge.judge_tables(reply)[0])
        self.assertEqual(judge.judge_tables({"equal": True, "members": []}), [])
        self.assertIsNone(judge.judge_tables({"equal": False, "members": []}))

    def test_two_leaders_of_a_view_are_found(self):
        leaders = Leaders()
        leaders.saw("sm-1", 4, 1.0)
        leaders.saw("sm-2", 5, 2.0)
        self.assertEqual(leaders.contested(), {})
        leaders.saw("sm-1", 5, 3.0)
        self.assertEqual(leaders.contested(), {5: ["sm-1", "sm-2"]})

    def take_over(self, seconds):
        leaders = Leaders()
        leaders.saw("sm-1", 1, 1.0)
        if seconds is not None:
            leaders.saw("sm-2", 2, 10 + seconds)
        return judge.judge_take_overs(leaders, [strike("kill", "sm-1", 10, 15)],
                                      ["sm-1", "sm-2"])

    def test_take_overs_are_measured(self):
        took, complaints = self.take_over(1.5)
        self.assertAlmostEqual(took[0], 1.5)
        self.assertEqual(complaints, [])

    def test_a_take_over_that_is_late_or_never_comes_is_found(self):
        self.assertIn("3.0 s", self.take_over(3.0)[1][0])
        self.assertIn("for ever", self.take_over(None)[1][0])

    def promotions(self, note, led, *others):
        leaders = Leaders()
        leaders.saw("sm-1", 1, 1.0)
        if led:
            leaders.saw("sm-2", 2, 10.5)
        promotion = strike("promote", "sm-2", 10, 11)
        promotion.note = note
        return judge.judge_promotions(leaders, [promotion, *others])

    def test_a_promotion_that_did_not_come_to_pass_is_found(self):
        self.assertEqual(self.promotions(PROMOTED, True), [])
        self.assertIn("not seen", self.promotions(PROMOTED, False)[0])

    def test_a_promotion_is_refused_because_of_a_fault_only(self):
        self.assertIn("refused: why", self.promotions("refused: why", False)[0])
        self.assertEqual(self.promotions("refused: why", False, strike("kill", "sm-1", 9, 12)), [])

    def restarts(self, name, status, kind=None):
        history = History()
        if kind:
            history.add(strike(kind, name, 5, 9))
        return judge.judge_restarts([(10.0, name, status, "last words")], history, ["engine-1"])

    def test_who_ends_without_a_fault_is_found(self):
        self.assertIn("engine-1 ended", self.restarts("engine-1", 1)[0][1])
        self.assertEqual(self.restarts("engine-1", 1, "full disk"), [])
        self.assertIn("status -11", self.restarts("engine-1", -11, "full disk")[0][1])

    def test_who_does_not_end_in_order_or_in_time_is_found(self):
        self.assertNotIn("broken", ending(0, 1.0))
        self.assertNotIn("broken", ending(-signal.SIGTERM, 0.1))
        self.assertIn("broken", ending(1, 1.0))
        self.assertIn("broken", ending(0, ENDS_S + 1))

    def test_only_an_engine_that_could_not_close_is_killed_by_its_watchdog(self):
        for kind in ("freeze", "full disk", STALL):
            self.assertEqual(self.restarts("engine-1", -signal.SIGKILL, kind), [])
            self.assertNotEqual(self.restarts("sm-1", -signal.SIGKILL, kind), [])

    def test_what_is_not_green_is_named(self):
        state = {"sm-1": (200, {"role": "leads the farm"}), "engine-1": (200, {}),
                 "engine-2": (200, {})}
        rows = {"engine-1": {"status": "up"}, "engine-2": {"status": "up"}}
        self.assertEqual(judge.is_green(SmallFleet, state, rows), "")
        self.assertIn("engine-2", judge.is_green(SmallFleet, state,
                                                 rows | {"engine-2": {"status": "down"}}))
        self.assertIn("engine-1: slow", judge.is_green(
            SmallFleet, state | {"engine-1": (503, {"reason": "slow"})}, rows))
        self.assertIn("0 managers", judge.is_green(
            SmallFleet, state | {"sm-1": (200, {"role": "member, does not lead"})}, rows))

    def test_errors_of_wrk_are_found(self):
        self.assertEqual(judge.judge_wrk({"requests": 10, "errors": 0}), [])
        self.assertNotEqual(judge.judge_wrk({"requests": 10, "errors": 1}), [])
        self.assertNotEqual(judge.judge_wrk({"requests": 0, "errors": 0}), [])

    def test_a_leak_is_found(self):
        resources = judge.Resources()
        resources.samples["sm-1"] = [(5, 10 << 20, 40), (5, 20 << 20, 50)]
        self.assertEqual(resources.judge(), [])
        resources.samples["sm-1"].append((5, 300 << 20, 50))
        self.assertIn("grew", resources.judge()[0])
        resources.samples["sm-1"] = [(5, 10 << 20, 40), (6, 20 << 20, 900), (6, 20 << 20, 1900)]
        self.assertIn("1900 files", resources.judge()[0])


class ExplainTest(unittest.TestCase):
    """A failure has a cause only if there is one."""

    def setUp(self):
        self.history = History()
        self.purges = Spans()

    def cause(self, of, holder=None):
        return explain(of, self.history, self.purges, MEMBERS, holder)

    def test_without_a_fault_there_is_no_cause(self):
        for status in (0, 404, 500, 502, 503, 504):
            self.assertIsNone(self.cause(failure(status=status)), status)

    def test_a_fault_of_who_was_asked(self):
        self.history.add(strike("kill", "engine-1", 9, None))
        self.assertIn("kill", self.cause(failure(status=0)))

    def test_a_fault_that_is_over_excuses_nothing(self):
        self.history.add(strike("kill", "engine-1", 2, 4))
        self.assertIn("kill", self.cause(failure(status=0)))  # Not known to be well yet.
        self.history.well("engine-1", 4, 4.5 + WELL_S)
        self.assertIsNone(self.cause(failure(status=0)))

    def test_a_fault_that_comes_later_excuses_nothing(self):
        self.history.add(strike("kill", "engine-1", 11, None))
        self.assertIsNone(self.cause(failure(status=0)))

    def test_a_peers_fault_does_not_excuse_who_refuses_connections(self):
        self.history.add(strike("kill", "engine-2", 9, None))
        self.assertIsNone(self.cause(failure(status=0)))
        self.assertIn("another member", self.cause(failure(status=502)))

    def test_one_fault_elsewhere_does_not_excuse_who_closes(self):
        self.history.add(strike("kill", "engine-2", 9, None))
        self.assertIsNone(self.cause(failure(status=503)))
        self.history.add(strike("kill", "sm-1", 9, None))
        self.assertIn("voters", self.cause(failure(status=503)))

    def test_who_closed_since_two_others_were_away_may_be_closed_a_little_longer(self):
        for name in ("engine-2", "sm-1"):
            self.history.add(strike("freeze", name, 5, 6))
            self.history.well(name, 6, 6.5 + WELL_S)
        self.assertIsNone(self.cause(failure(status=503)))
        self.history.saw("engine-1", False, 7.5)
        self.assertIn("voters", self.cause(failure(status=503)))
        self.history.saw("engine-1", True, 9)
        self.assertIsNone(self.cause(failure(status=503)))

    def test_a_purge_cuts_off_what_comes(self):
        cut = failure(status=200, broken=True)
        self.assertIsNone(self.cause(cut))
        self.purges.add(PATH, 10.05, 10.2)
        self.assertIn("purged", self.cause(cut))

    def test_a_content_with_one_holder(self):
        self.history.add(strike("freeze", "engine-2", 9, None))
        self.assertIn("only holder", self.cause(failure(status=404), "engine-2"))
        self.assertIsNone(self.cause(failure(status=404)))

    def test_a_content_whose_only_holder_is_drained(self):
        drains = Spans()
        drains.add("engine-2", 9, 12)
        args = (self.history, self.purges, MEMBERS, "engine-2", drains)
        self.assertIn("drained", explain(failure(status=404), *args))
        self.assertIsNone(explain(failure(status=404, start=20, end=20.1), *args))

    def test_a_front_end_without_an_engine(self):
        drains = Spans()
        drains.add("engine-1", 9, 12)
        refused = failure(name="sm-1")
        args = (refused, self.history, self.purges, MEMBERS, None, drains)
        self.history.saw("engine-2", False, 10.2)
        self.assertIsNone(explain(*args))  # Nothing struck anybody.
        self.history.add(strike("cut one way", "engine-2", 6, 8))
        self.history.well("engine-2", 8, 8.5 + WELL_S)
        self.assertIn("no engine", explain(*args))
        self.assertIsNone(self.cause(refused))  # One engine was there.
        self.assertIsNone(explain(failure(name="engine-1"), *args[1:]))

    def test_a_machine_that_stood_still_excuses_everybody_for_a_moment(self):
        self.history.stalled(MEMBERS, 9, 10)
        self.assertEqual(self.history.last_stall(), 10)
        for name in MEMBERS:
            self.assertIn(STALL, self.cause(failure(name=name, status=0)))
        self.history.well("engine-1", 10, 10 + WELL_S + 0.1)
        self.assertIsNone(self.cause(failure(status=0, start=13, end=13.1)))

    def floating(self, leaders, status=0):
        return explain_floating(failure(name=FLOATING, status=status), leaders, self.history,
                                self.purges, MEMBERS)

    def test_a_floating_address_fails_because_of_a_fault_of_who_led(self):
        self.assertIsNone(self.floating({"sm-1"}))
        self.history.add(strike("kill", "sm-2", 9, None))
        self.assertIsNone(self.floating({"sm-1"}))
        self.assertIn("floating address: asked a member under: kill",
                      self.floating({"sm-1", "sm-2"}))

    def test_nobody_has_the_floating_addresses_while_too_few_voters_are_in_reach(self):
        self.history.add(strike("cut off", "engine-1", 9, None))
        self.assertIsNone(self.floating({"sm-1"}))
        self.history.add(strike("cut off", "engine-2", 9, None))
        self.assertIn("cut off", self.floating({"sm-1"}))
        self.assertIsNone(self.floating(set()))

    def test_a_fault_is_over_only_when_its_member_was_well_for_a_while(self):
        now = time.monotonic()
        self.history.add(strike("freeze", "engine-1", now - 5, now - 1))
        self.history.well("engine-1", now - 4, now - 0.9)
        self.assertTrue(self.history.over("engine-1", now, now))


class DiskTest(unittest.TestCase):
    """A disk that is filled."""

    def test_a_disk_is_filled_although_its_member_writes_meanwhile(self):
        with tempfile.TemporaryDirectory() as folder:
            member = unittest.mock.Mock(disk=pathlib.Path(folder))
            full = OSError(errno.ENOSPC, "no space")
            with unittest.mock.patch("os.posix_fallocate", side_effect=[full, None]) as allocate:
                Fleet.fill_disk(member, 0)
            self.assertEqual(allocate.call_count, 2)


class PulseTest(unittest.TestCase):
    """Told by a process of its own."""

    def test_a_stall_is_told(self):
        told = threading.Event()
        spans = []
        pulse = Pulse(lambda begun, ended: (spans.append((begun, ended)), told.set()), 0.0)
        self.addCleanup(pulse.end)
        self.assertTrue(told.wait(20))
        begun, ended = spans[0]
        self.assertLess(begun, ended)
        self.assertLessEqual(ended, time.monotonic())


if __name__ == "__main__":
    unittest.main()
