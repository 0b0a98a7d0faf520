"""The plan: a function of the seed, and nothing that contradicts itself."""

import json
import unittest

import plan

MANAGERS = ("sm-1", "sm-2")
ENGINES = ("engine-1", "engine-2", "engine-3")


def make(seed, seconds=600, **more):
    return plan.make_plan(seed, seconds, MANAGERS, ENGINES, **more)


class PlanTest(unittest.TestCase):
    """Plans of many seeds."""

    def test_equal_seeds_give_equal_plans(self):
        self.assertEqual(make(7), make(7))
        self.assertNotEqual(make(7), make(8))

    def test_every_kind_comes(self):
        seen = {f.kind for seed in range(10) for f in make(seed).faults()}
        self.assertEqual(seen, set(plan.ALL_KINDS))

    def test_nobody_is_struck_twice_at_a_time(self):
        for seed in range(50):
            for storm in make(seed).storms:
                until = {}
                for fault in [f for f in storm if f.kind in plan.KINDS]:
                    struck = (fault.targets[:1] if fault.targets[0] == plan.NETWORK
                              else fault.targets)
                    for target in struck:
                        self.assertGreaterEqual(fault.at, until.get(target, 0), fault)
                        until[target] = fault.at + fault.seconds

    def test_faults_come_in_order_and_within_their_storm(self):
        for seed in range(20):
            for storm in make(seed).storms:
                times = [fault.at for fault in storm]
                self.assertEqual(times, sorted(times))
                self.assertTrue(all(0 <= at <= 30 for at in times))

    def test_what_came_later_leaves_the_earlier_plans_as_they_were(self):
        for seed in range(20):
            for old, new in zip(make(seed, kinds=list(plan.KINDS)).storms, make(seed).storms):
                self.assertEqual(list(old), [f for f in new if f.kind in plan.KINDS])

    def test_without_a_backup_nobody_is_promoted(self):
        alone = plan.make_plan(1, 600, MANAGERS[:1], ENGINES)
        self.assertNotIn("promote", {f.kind for f in alone.faults()})

    def test_a_witness_is_struck_like_an_engine_without_a_server(self):
        faults = [fault for seed in range(5) for fault in make(seed, witnesses=["w-1"]).faults()]
        struck = {fault.kind for fault in faults if "w-1" in fault.targets}
        self.assertIn("kill", struck)
        self.assertFalse(struck & {"kill nginx", "power cut", "promote"}, struck)

    def test_only_some_kinds(self):
        self.assertEqual({f.kind for f in make(1, kinds=["clock"]).faults()}, {"clock"})
        self.assertEqual({f.kind for f in make(1, kinds=["promote"]).faults()}, {"promote"})
        with self.assertRaisesRegex(ValueError, "flood"):
            make(1, kinds=["flood"])

    def test_it_can_be_read_as_json(self):
        read = json.loads(make(3).as_json())
        self.assertEqual(len(read["storms"]), len(make(3).storms))

    def test_a_short_run_has_a_storm(self):
        self.assertEqual(len(make(1, seconds=30).storms), 1)


if __name__ == "__main__":
    unittest.main()
