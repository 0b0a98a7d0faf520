"""The arithmetic of scale.py, and that docs/operator/scale.md has what it prints."""

import dataclasses
import pathlib
import re
import unittest

import scale

PAGE = pathlib.Path("docs/operator/scale.md")
_FULL = scale.POLICIES["full at each link"]
_SCOPE = scale.POLICIES["scope at each link"]

# One scope of each level but two farms, no backups: what can be counted by hand.
SMALL = scale.Tree(managers=(2, 1, 1, 1), engines=4, copies=400, sharing=(2, 1, 1, 1),
                   changes_per_copy_day=86_400, backups=0, batching_delay=0.01, check_cycle=100)


def costs(**values):
    """Only these cost something."""
    return {name: dataclasses.replace(cost, value=values.get(name, 0))
            for name, cost in scale.COSTS.items()}


class LoadTest(unittest.TestCase):
    def test_full_links_tell_each_copy_and_scopes_each_content(self):
        self.assertEqual([load.locations for load in scale.loads(_FULL, SMALL)],
                         [200, 400, 400, 400])
        # A farm has two copies of each of 100 contents; all else is told once.
        self.assertEqual([load.locations for load in scale.loads(_SCOPE, SMALL)],
                         [200, 200, 200, 200])
        mixed = scale.loads(("full", "scope", "full"), SMALL)
        self.assertEqual([load.locations for load in mixed], [200, 400, 200, 200])

    def test_memory_and_disk_follow_locations_and_contents(self):
        found = scale.loads(_FULL, SMALL, costs(memory_location=10, memory_base=7,
                                                disk_location=3, disk_uri=100))
        self.assertEqual([load.memory for load in found], [2000, 4007, 4007, 4007])
        self.assertEqual(found[1].disk, 400 * 3 + 200 * 100)

    def test_half_of_the_changes_take_something_back(self):
        found = scale.loads(_FULL, SMALL, costs(there_full=100, compressed=0.5, gone=20))
        self.assertEqual(found[0].bytes_up, 200 * (50 + 20) / 2)
        self.assertEqual(found[1].bytes_in, 2 * found[0].bytes_up)
        self.assertEqual(found[3].bytes_up, 0)

    def test_batches_are_as_many_as_changes_or_as_the_delay_lets_out(self):
        found = scale.loads(_FULL, SMALL, costs(batch=1))
        self.assertEqual(found[0].bytes_up, 100)
        few = dataclasses.replace(SMALL, changes_per_copy_day=864)
        self.assertEqual(scale.loads(_FULL, few, costs(batch=1))[0].bytes_up, 2)

    def test_a_report_names_all_scopes_beneath(self):
        found = scale.loads(_FULL, SMALL, costs(report=1000, report_scope=1))
        self.assertEqual([load.bytes_up for load in found], [1001, 1003, 1004, 0])

    def test_a_change_costs_who_takes_it_who_tells_it_and_each_backup(self):
        prices = costs(store=1, parent_feed=10, child_feed=100, child_projection=1000)
        found = scale.loads(_SCOPE, SMALL, prices)
        self.assertAlmostEqual(found[0].cpu * 1e6, 200 * 1 + 100 * 100 + 200 * 1000)
        self.assertAlmostEqual(found[1].cpu * 1e6, 200 * 11 + 200 * 100 + 200 * 1000)
        self.assertAlmostEqual(found[3].cpu * 1e6, 200 * 11)
        backed = dataclasses.replace(SMALL, backups=2)
        self.assertAlmostEqual(scale.loads(_SCOPE, backed, prices)[3].cpu * 1e6,
                               200 * 11 + 2 * 200 * 100)

    def test_who_tells_reads_its_contents_once_in_a_cycle(self):
        found = scale.loads(_FULL, SMALL, costs(read=5))
        self.assertAlmostEqual(found[1].cpu * 1e6, 200 * 5 / 100)
        self.assertEqual(found[3].cpu, 0)

    def test_what_was_not_measured_costs_nothing_and_is_said(self):
        unknown = {name: dataclasses.replace(cost, value=None)
                   for name, cost in scale.COSTS.items()}
        self.assertEqual(scale.loads(_FULL, SMALL, unknown)[1].cpu, 0)
        missing = [cost for cost in scale.COSTS.values() if cost.value is None]
        self.assertEqual(scale.cost_table().count("not measured"), len(missing))


class LimitTest(unittest.TestCase):
    def test_scopes_are_counted_from_the_top(self):
        tree = scale.Tree()
        self.assertEqual([tree.scopes_beneath(level) for level in (1, 2, 3, 4)],
                         [0, 10, 110, 1110])
        self.assertEqual(scale.sites_for_all(4, tree), 200_000 // 1111)

    def test_contents_with_many_locations_count_only_where_most_have_many(self):
        def many(tree):
            return scale.limits(tree)[-1].here
        self.assertEqual(many(scale.Tree()), 1e9 / 16)
        self.assertEqual(many(scale.Tree(sharing=(1, 1, 1, 3))), 0)


class WordsTest(unittest.TestCase):
    def test_numbers_have_three_digits(self):
        # pylint: disable=protected-access
        self.assertEqual([scale._readable(value, "B") for value in (0.1, 46, 999.7, 1234, 5.5e8)],
                         ["0.1 B", "46 B", "1 kB", "1.23 kB", "550 MB"])
        self.assertEqual([scale._time(value) for value in (0.52, 52, 520, 5000)],
                         ["0.52 s", "52 s", "8.7 min", "83 min"])


class PageTest(unittest.TestCase):
    def test_the_page_has_the_tables_that_are_printed(self):
        text = PAGE.read_text(encoding="utf-8")
        shown = dict(re.findall(r"^<!-- ([^\n]+) -->\n((?:\|.*\n)+)", text, re.MULTILINE))
        self.assertEqual(set(shown), set(scale.tables()))
        for name, table in scale.tables().items():
            self.assertEqual(shown[name], table, name)


if __name__ == "__main__":
    unittest.main()
