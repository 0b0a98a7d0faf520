"""kill -9 of every manager of a federation of real processes, each on a machine of its own, and
purges that farms have missed. Run by hand (README.md), since neither is always green: an engine
whose lone manager came back has answered 404 for a moment, and clients were sent to what is purged
for some seconds."""

import sys
import threading
import time
import unittest

import federation_test
from federation_case import (CONVERGES, ENGINES, EXCHANGE, FARM_OF_ONE, FARM_OF_TWO, HIDES,
                             SECOND_FARM_OF_ONE, FederationCase, scope_of, wait_until)

# Seconds until what a manager has heard is what it answers by: it publishes that once a second.
SOON = 2
READY = 20  # Seconds from the start of a manager that was killed until everything is as before.
FARMS = tuple(scope_of(engine) for engine in ENGINES)


class Downtime:
    """Managers that are down: who may not be served meanwhile."""

    def __init__(self, addresses):
        self.addresses = addresses
        self.begun = time.monotonic()
        self.ended = None

    def excuses(self, visit):
        """A visit that ended at one of these while it was down: its last hop is who failed."""
        return (visit.hops[-1] in self.addresses and visit.ended >= self.begun
                and (self.ended is None or visit.begun <= self.ended))


class KilledTest(FederationCase):
    """kill -9 of every manager in turn, while clients come, contents come and go, and orders are
    given."""

    PATHS = tuple(f"/steady/{engine.rpartition('/')[2]}" for engine in ENGINES)
    # Level by level; of those that are killed at once none stands above another.
    TURNS = ((f"{EXCHANGE}/sm-1",), (f"{EXCHANGE}/sm-2",), ("cdn-one/sm-1", "cdn-two/sm-1"),
             ("cdn-one/dc-one/sm-1", f"{HIDES}/sm-1", "cdn-two/dc-three/sm-1"),
             (f"{FARM_OF_ONE}/sm-1", f"{SECOND_FARM_OF_ONE}/sm-1"),
             (f"{FARM_OF_ONE}/sm-2", f"{FARM_OF_TWO}/sm-1"))

    def setUp(self):
        super().setUp()
        self.held = []  # [(path, engine)]: of those of /told/.
        self.numbers = 0
        self.bodies = {}
        for engine, path in zip(ENGINES, self.PATHS):
            self.bodies[path] = self.put(engine, path)
        self.wait_exact("/steady/", list(zip(self.PATHS, ENGINES)))

    def is_good(self, visit):
        return visit.answer.good and visit.answer.body == self.bodies[visit.path]

    def change_contents(self):
        """At each engine one comes and the one before goes."""
        gone, self.held = self.held, []
        self.numbers += 1
        for engine in ENGINES:
            path = f"/told/{self.numbers}-{engine.rpartition('/')[2]}"
            self.put(engine, path)
            self.held.append((path, engine))
        for path, engine in gone:
            self.take(engine, path)

    def out_of_reach(self, name):
        """The addresses that may not answer while a manager is down: its own; and engines whose
        farm it led alone, which close when they have no manager."""
        addresses = {self.address(name)}
        scope = scope_of(name)
        if scope in FARMS and len(self.managers(scope)) == 1:
            addresses |= {self.address(engine) for engine in self.tree.engines(scope)}
        return addresses

    def order_while_down(self, path):
        """A site and a purge that are in the store of who leads the exchange: (version of the site,
        the thread that waits for the purge's outcome, where that will be)."""
        version = self.apply_site(f"{100 + self.numbers}s")
        self.write(path, b"new")
        before = self.site_state()[1]
        reports = []
        order = threading.Thread(target=lambda: reports.append(self.purge(path)))
        order.start()
        wait_until(lambda: self.site_state()[1] > before, "the purge is in the log", CONVERGES)
        return version, order, reports

    def kill_and_order(self, names):
        """Kills managers, changes and orders things while they are down, and starts them again;
        when they were down."""
        path = f"/purged/{self.numbers}"
        self.fill([self.tree.manager(farm) for farm in FARMS], path)
        down = Downtime(set().union(*(self.out_of_reach(name) for name in names)))
        for name in names:
            self.tree.kill(name)
        self.change_contents()
        version, order, reports = self.order_while_down(path)
        self.tree.start(*names)
        started = time.monotonic()
        self.tree.wait_ready(*names, *(engine for name in names
                                       for engine in self.tree.engines(scope_of(name))))
        ready = time.monotonic()
        self.wait_whole()
        down.ended = time.monotonic()
        self.wait_exact("/told/", self.held)
        exact = time.monotonic()
        order.join(CONVERGES)
        took = time.monotonic() - started
        print(f"{', '.join(names)}: down for {started - down.begun:.1f} s; ready after "
              f"{ready - started:.1f} s, as before after {exact - started:.1f} s, the purge "
              f"answered after {took:.1f} s", file=sys.stderr)
        self.assertLess(took, READY, names)
        self.assertEqual(len(reports), 1, "the purge was answered")
        acknowledged = (version, int(reports[0]["position"]))
        wait_until(lambda: self.everywhere(acknowledged),
                   "all have what was acknowledged, and no more", CONVERGES)
        self.check_new(path)
        return down

    def test_nothing_that_was_acknowledged_is_lost_and_others_serve_on(self):
        self.assertEqual(sorted(sum(self.TURNS, ())), sorted(self.managers()))
        visitors = [self.visitor(front, self.PATHS, self.is_good, 0.15)
                    for front in self.managers()]
        downtimes = []
        try:
            for names in self.TURNS:
                downtimes.append(self.kill_and_order(names))
        finally:
            bad = [visit for visitor in visitors for visit in visitor.end()]
        others = [visit for visit in bad if not any(down.excuses(visit) for down in downtimes)]
        sent = sum(len(visit.hops) > 1 for visit in bad) - sum(len(v.hops) > 1 for v in others)
        print(f"{sum(visitor.count for visitor in visitors)} visits; in vain: "
              f"{len(bad) - len(others) - sent} at who was down, {sent} sent there, "
              f"{len(others)} others", file=sys.stderr)
        self.assertEqual(others, [])
        for visitor in visitors:
            self.assertGreater(visitor.count, 50, visitor.front)


class MissedTest(federation_test.FlappingTest):
    """Purges while links are cut."""

    def test_nobody_is_sent_to_a_farm_that_has_not_heard_of_a_purge(self):
        """By those who lead above the link that is cut (docs/protocols/site_flow.md, 4)."""
        paths = self.fill_beneath("/missed/")
        self.cut()
        self.wait_missed()
        self.purge_changed(paths.values())
        beneath = tuple(child for child, _, _ in federation_test.LINKS)
        fronts = [self.tree.manager(scope) for scope in self.tree.scopes
                  if not scope.startswith(beneath)]

        def old():
            visits = [self.visit(front, path) for path in paths.values() for front in fronts]
            return [visit for visit in visits if visit.answer.body != b"new"]
        wait_until(lambda: not old(), "all who lead have heard of it", SOON, 0.01)
        self.assertEqual([visit for _ in range(5) for visit in old()], [])


del FederationCase

if __name__ == "__main__":
    unittest.main()
