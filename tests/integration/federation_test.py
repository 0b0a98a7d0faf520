"""A federation of real processes, each on a machine of its own: who knows what, links that flap,
and what managers above farms tell of themselves."""

import pathlib
import sys
import unittest

from federation_case import (CONVERGES, ENGINE_OF_ONE, ENGINE_OF_TWO, ENGINES, EXCHANGE,
                             FARM_OF_ONE, FARM_OF_TWO, HIDDEN, HIDES, SECOND_ENGINE_OF_ONE,
                             FederationCase, scope_of, wait_until)

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "observability"))
import metrics_page  # pylint: disable=wrong-import-position

# Links that flap: (child, parent, engine beneath).
LINKS = ((FARM_OF_ONE, "cdn-one/dc-one", ENGINE_OF_ONE),
         ("cdn-two/dc-three", "cdn-two", ENGINE_OF_TWO))


class ScopingTest(FederationCase):
    """Content in CDN two, data center three is known in L2 (data center three), L3 (CDN two) and
    L4, and nowhere else."""

    def test_each_level_knows_what_its_own_branch_has(self):
        for engine in ENGINES:
            self.put(engine, f"/branch/{engine}")
        self.wait_exact("/branch/", [(f"/branch/{engine}", engine) for engine in ENGINES])
        of_two = f"/branch/{ENGINE_OF_TWO}"
        knowing = {scope for scope in self.tree.scopes if of_two in self.known(scope, "/branch/")}
        self.assertEqual(knowing, {FARM_OF_TWO, "cdn-two/dc-three", "cdn-two", EXCHANGE})

    def test_who_asks_is_told_what_another_network_has_and_keeps_nothing(self):
        self.put(ENGINE_OF_TWO, "/asked/west")
        self.wait_exact("/asked/", [("/asked/west", ENGINE_OF_TWO)])
        for scope in self.tree.scopes:
            self.assertEqual(self.located(scope, "/asked/west"), [ENGINE_OF_TWO], scope)
        self.wait_exact("/asked/", [("/asked/west", ENGINE_OF_TWO)])

    def test_a_policy_says_what_the_parent_is_told(self):
        path = f"{HIDDEN}film"
        self.put(SECOND_ENGINE_OF_ONE, path)
        self.wait_exact(HIDDEN, [(path, SECOND_ENGINE_OF_ONE)])
        # What is told in order would have come before this.
        self.put(SECOND_ENGINE_OF_ONE, "/shown/film")
        self.wait_exact("/shown/", [("/shown/film", SECOND_ENGINE_OF_ONE)])
        self.assertEqual(self.known(HIDES, HIDDEN), {path})
        self.assertEqual((self.known("cdn-one", HIDDEN), self.known(EXCHANGE, HIDDEN)),
                         (set(), set()))
        self.assertEqual(self.located(FARM_OF_TWO, path), [SECOND_ENGINE_OF_ONE])
        rule = f"rule 1 ({self.uri(HIDDEN)}*: none) of {HIDES}"
        self.assertEqual(
            self.asked(HIDES, "policy", "test", self.uri(path))["test"]["known_above"],
            [f"cdn-one (level 3) will not know of it: {rule}",
             "exchange (level 4) will not know of it: cdn-one does not know of it"])

    def test_what_goes_is_gone_at_all_levels(self):
        self.put(ENGINE_OF_ONE, "/goes/twice")
        self.put(SECOND_ENGINE_OF_ONE, "/goes/twice")
        self.put(ENGINE_OF_TWO, "/goes/once")
        self.wait_exact("/goes/", [("/goes/twice", ENGINE_OF_ONE),
                                   ("/goes/twice", SECOND_ENGINE_OF_ONE),
                                   ("/goes/once", ENGINE_OF_TWO)])
        self.assertEqual(self.located(EXCHANGE, "/goes/twice"),
                         [ENGINE_OF_ONE, SECOND_ENGINE_OF_ONE])
        self.take(ENGINE_OF_ONE, "/goes/twice")
        self.take(ENGINE_OF_TWO, "/goes/once")
        self.wait_exact("/goes/", [("/goes/twice", SECOND_ENGINE_OF_ONE)])
        self.assertEqual(self.located(EXCHANGE, "/goes/twice"), [SECOND_ENGINE_OF_ONE])


class FlappingTest(FederationCase):
    """Links that go down and come up again, shortly and for long."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.lan.heal)
        self.held = {}  # Engine -> the path of /flap/ that it has.

    def cut(self):
        self.lan.block(self.links(*[(child, parent) for child, parent, _ in LINKS]))

    def change_contents(self, number):
        """Beneath each link one comes and the one before goes; its farm knows."""
        for _, _, engine in LINKS:
            gone = self.held.get(engine)
            self.held[engine] = f"/flap/{number}-{engine.rpartition('/')[2]}"
            self.put(engine, self.held[engine])
            if gone:
                self.take(engine, gone)
            wait_until(lambda farm=scope_of(engine), path=self.held[engine]:
                       self.known(farm, "/flap/") == {path}, "the farm knows", CONVERGES)

    def wait_missed(self):
        for child, _, _ in LINKS:
            wait_until(lambda child=child: not self.heard(child), f"{child} is missed", CONVERGES)

    def fill_beneath(self, prefix):
        """Each farm beneath has fetched one that nobody else has, and the exchange knows: front end
        -> path."""
        paths = {}
        for _, _, engine in LINKS:
            front = self.tree.manager(scope_of(engine))
            paths[front] = prefix + engine.rpartition("/")[2]
            self.fill([front], paths[front])
        wait_until(lambda: self.known(EXCHANGE, prefix) == set(paths.values()),
                   "the exchange knows", CONVERGES)
        return paths

    def purge_changed(self, paths):
        """The outcome by scope."""
        for path in paths:
            self.write(path, b"new")
        return {row["scope"]: row["outcome"] for row in self.purge(*paths)["scopes"]}

    def flap_shortly(self, number):
        """Connections outlive it."""
        self.cut()
        self.change_contents(number)
        self.lan.heal()

    def flap_for_long(self, number):
        """Until the parents have given up their children, which have given up their parents. What
        is purged meanwhile is not served by them again once they have heard of it."""
        paths = self.fill_beneath(f"/cut/{number}-")
        self.cut()
        self.change_contents(number)
        self.wait_missed()
        outcomes = self.purge_changed(paths.values())
        for child, _, _ in LINKS:
            self.assertEqual(outcomes.get(child), "unreachable", outcomes)
        for front, path in paths.items():
            self.assertEqual(self.visit(front, path).answer.body, b"old", "it serves on, alone")
        version = self.apply_site(f"{200 + number}s")
        visitors = [self.visitor(front, [path], self.in_order(), 0.02)
                    for front, path in paths.items()]
        try:
            self.lan.heal()
            self.wait_whole()
            for path in paths.values():
                self.check_new(path)
        finally:
            bad = [visit for visitor in visitors for visit in visitor.end()]
        self.assertEqual(bad, [])
        self.assertEqual(self.site_state()[0], version)

    @staticmethod
    def in_order():
        """Whether visits get the new content for ever, once they got it."""
        seen = set()

        def is_good(visit):
            seen.add(visit.answer.body)
            return visit.answer.good and (visit.answer.body == b"new" or b"new" not in seen)
        return is_good

    def test_all_levels_know_what_they_should_when_links_are_back(self):
        flaps = (self.flap_shortly, self.flap_for_long, self.flap_shortly)
        for number, flap in enumerate(flaps):
            flap(number)
        self.wait_exact("/flap/", [(path, engine) for engine, path in self.held.items()])


class MetricsTest(FederationCase):
    """What a manager above level 1 tells at /metrics is what docs/operator/metrics.md says."""

    def test_all_of_them_are_told_of_with_the_same_words(self):
        told = metrics_page.told(without=("(engine)", "(light engine)"))
        for scope in (EXCHANGE, "cdn-one", "cdn-two/dc-three"):
            name = self.tree.manager(scope)
            exported = metrics_page.exported(self.tree.status(name, "/metrics")[1])
            self.assertEqual(set(exported) ^ set(told), set(), name)
            self.assertEqual(exported, told, name)

    def test_links_and_children_are_counted(self):
        for scope, children in ((EXCHANGE, 2), ("cdn-one", 2), ("cdn-two/dc-three", 1)):
            for series in ("strata_link_streams", "strata_hierarchy_children",
                           "strata_site_flow_children"):
                name = self.tree.manager(scope)
                self.assertEqual(self.tree.metric(name, series), children, f"{name} {series}")


del FederationCase

if __name__ == "__main__":
    unittest.main()
