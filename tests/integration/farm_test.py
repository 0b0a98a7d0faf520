"""A farm serves: purges and what races them, and processes that die."""

import concurrent.futures
import os
import random
import subprocess
import sys
import threading
import time

from farm_case import ENGINES, HOST, FarmCase, Load, ask, digest, processes_below, wait_until

BIG = 20 << 20


class PurgeTest(FarmCase):
    """What was purged is not served again, whatever was on its way."""

    def test_a_purge_takes_all_copies(self):
        self.check_a_purge_takes_all_copies("/all")

    def test_a_purge_during_a_slow_fill(self):
        old = self.write("/race-fill", os.urandom(500_000))
        self.origin.seconds["/race-fill"] = 3
        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            under_way = [clients.submit(self.get, "/race-fill") for _ in range(4)]
            wait_until(lambda: self.origin.count("/race-fill"), "the fill has begun")
            time.sleep(0.5)  # Into the body.
            self.origin.seconds.clear()
            new = self.write("/race-fill", os.urandom(500_000))
            self.check_purged("/race-fill")
            self.check_everywhere("/race-fill", new)
            for answer in under_way:
                body = answer.result().body
                self.assertTrue(body == new or old.startswith(body))
        self.check_everywhere("/race-fill", new)

    def test_a_purge_before_the_origin_answers(self):
        self.write("/race-start", b"old")
        asked, go = threading.Event(), threading.Event()

        def answer(handler):
            body = (self.folder / "origin/race-start").read_bytes()
            if not asked.is_set():
                asked.set()
                go.wait(20)
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.origin.answers["/race-start"] = answer
        with concurrent.futures.ThreadPoolExecutor(1) as clients:
            under_way = clients.submit(self.get, "/race-start")
            self.assertTrue(asked.wait(20))
            self.write("/race-start", b"the new one")
            self.check_purged("/race-start")
            go.set()
            self.check_everywhere("/race-start", b"the new one")
            under_way.result()
        self.check_everywhere("/race-start", b"the new one")

    def test_a_purge_during_a_peer_transfer(self):
        holder, old = self.fill("/race-peer", os.urandom(BIG))
        other = next(name for name in ENGINES if name != holder)
        slow = subprocess.Popen(
            ["curl", "-s", "--limit-rate", "8M", self.engine_url(other, "/race-peer")],
            stdout=subprocess.PIPE)
        self.addCleanup(slow.stdout.close)
        first = slow.stdout.read(1 << 20)
        new = self.write("/race-peer", os.urandom(BIG))
        self.check_purged("/race-peer")
        self.check_everywhere("/race-peer", new)
        self.assertTrue(old.startswith(first + slow.stdout.read()))
        slow.wait()
        self.check_everywhere("/race-peer", new)

    def test_a_purge_during_a_revalidation(self):
        self.write("/race-again", b"old")
        asked, go = threading.Event(), threading.Event()

        def answer(handler):
            body = (self.folder / "origin/race-again").read_bytes()
            if handler.headers.get("If-None-Match") == '"old"':
                asked.set()
                go.wait(20)
                handler.send_response(304)
                handler.send_header("ETag", '"old"')
                handler.send_header("Cache-Control", "max-age=300")
                handler.end_headers()
                return
            handler.send_response(200)
            handler.send_header("ETag", f'"{body.decode()}"')
            handler.send_header("Cache-Control", "max-age=1" if body == b"old" else "max-age=300")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.origin.answers["/race-again"] = answer
        holder, _ = self.fill("/race-again")
        with concurrent.futures.ThreadPoolExecutor(1) as clients:
            under_way = None
            while not asked.is_set():  # It expires within a second or two.
                under_way = clients.submit(self.at, holder, "/race-again")
                concurrent.futures.wait([under_way], 0.1)
            self.write("/race-again", b"new")
            self.check_purged("/race-again")
            go.set()
            self.check_everywhere("/race-again", b"new")
            under_way.result()
        self.check_everywhere("/race-again", b"new")

    def test_an_engine_that_was_away_purges_before_it_serves(self):
        self.farm.apply_site(self.site("minimum_copies: 3"))
        self.addCleanup(lambda: self.farm.apply_site(self.site()))
        self.write("/away", b"old")
        self.check_everywhere("/away", b"old")
        wait_until(lambda: len(self.farm.holders(self.uri("/away"))) == 3, "all hold it")
        self.assertEqual(self.farm.engines["south-1"].stop(), 0)
        new = self.write("/away", b"new one")
        outcome = self.farm.purge(self.uri("/away"))
        problems = {e["engine"]: e.get("problem", "") for p in outcome["purges"]
                    for e in p["engines"]}
        self.assertIn("away", problems["south-1"])
        self.assertEqual((problems["north-1"], problems["north-2"]), ("", ""))
        served = set()
        client = Load(lambda: self.at("south-1", "/away"), lambda a: served.add(a.body) or a.good)
        self.farm.start_engine("south-1")
        self.farm.wait_for_engine("south-1")
        self.check_everywhere("/away", new)
        client.end()
        self.assertNotIn(b"old", served)
        self.assertIn(new, served)


class DeathTest(FarmCase):
    """Processes that are killed."""

    def test_an_engine_dies_with_requests_in_flight(self):
        bodies = {}
        for number in range(12):
            holder, body = self.fill(f"/death/{number}", os.urandom(200_000))
            bodies[f"/death/{number}"] = (holder, body)
        victim = bodies["/death/0"][0]
        address = self.farm.addresses[victim]
        own = [path for path, (holder, _) in bodies.items() if holder == victim]
        asked = {path: self.origin.count(path) for path in own}
        loads = [Load(lambda p=path: self.get(p, timeout=5),
                      lambda a, b=body: a.good and a.body == b)
                 for path, (_, body) in list(bodies.items())[:6]]
        wait_until(lambda: all(load.count > 5 for load in loads), "the load runs")
        killed = time.monotonic()
        nginx = processes_below(self.farm.engines[victim].pid)[1:]
        self.farm.engines[victim].kill()
        self.wait_status(victim, "down", patience=10)
        down = time.monotonic()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in nginx),
                   "its nginx ends too", 5)
        counts = [load.count for load in loads]
        wait_until(lambda: all(load.count > c + 5 for load, c in zip(loads, counts)), "they go on")
        for load in loads:
            for when, answer in load.end():
                self.assertIn(address, answer.hops, "only the dead one's requests fail")
                self.assertTrue(killed <= when < down + 2, "and not for long")
        self.assertLess(down - killed, 5)
        self.farm.start_engine(victim)
        self.farm.wait_for_engine(victim)
        before = {path: self.origin.count(path) for path in own}
        for path in own:
            wait_until(lambda p=path: victim in self.farm.holders(self.uri(p)), "it tells")
            self.assertEqual(self.at(victim, path).body, bodies[path][1])
            self.assertEqual(self.origin.count(path), before[path])
        self.assertGreaterEqual(sum(before.values()), sum(asked.values()))
        self.check_equal()

    def test_the_only_copy_dies_with_its_engine(self):
        holder, body = self.fill("/only", os.urandom(100_000))
        self.assertEqual(self.farm.holders(self.uri("/only")), [holder])
        self.farm.engines[holder].kill()
        self.wait_status(holder, "down", patience=10)
        self.wait_sent_elsewhere("/only", holder)
        answer = self.get("/only")
        self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)))
        self.assertNotEqual(self.name_of(answer.hops[-1]), holder)
        self.assertEqual(self.origin.count("/only"), 2)
        self.farm.start_engine(holder)
        self.farm.wait_for_engine(holder)
        self.check_equal()

    def test_the_manager_dies_and_comes_back(self):
        holder, body = self.fill("/kept", os.urandom(50_000))
        other = next(name for name in ENGINES if name != holder)
        self.fill("/gone", b"old")
        loads = [Load(lambda: self.at(holder, "/kept", timeout=5),
                      lambda a: a.good and a.body == body),
                 Load(lambda: self.at(other, "/kept", timeout=5),
                      lambda a: a.good and a.body == body)]
        statuses = set()
        front = Load(lambda: ask(self.farm.http + "/kept", host=HOST, timeout=5),
                     lambda a: statuses.add(a.status) or a.status == 302)
        for round_number in range(2):
            name = f"music-{round_number}"
            self.farm.apply_site(self.site(name=name, host=f"{name}.example"))
            new = self.write("/gone", f"new {round_number}".encode())
            self.check_purged("/gone")
            self.farm.manager.kill()
            counts = [load.count for load in loads]
            wait_until(lambda c=counts: all(load.count > n + 20 for load, n in zip(loads, c)),
                       "engines go on serving")
            self.farm.start_manager()
            self.wait_whole()
            self.assertIn(name, self.farm.strata("site", "list"))
            self.assertEqual(self.farm.holders(self.uri("/kept")), [holder])
            self.check_everywhere("/gone", new)
            self.check_equal()
        for load in loads:
            self.assertEqual([a.status for _, a in load.end()], [])
        front.end()
        self.assertLessEqual(statuses, {0, 302, 503}, "a site that there is was said not to be")

    def test_a_whole_farm_comes_back_with_what_it_had(self):
        holder, body = self.fill("/rack", os.urandom(20_000))
        self.fill("/rack-purged", b"old")
        new = self.write("/rack-purged", b"new one")
        self.check_purged("/rack-purged")
        for process in [*self.farm.engines.values(), self.farm.manager]:
            process.kill()
        self.farm.start_manager()
        for name in ENGINES:
            self.farm.start_engine(name)
        self.wait_whole()
        wait_until(lambda: self.farm.holders(self.uri("/rack")) == [holder], "it tells")
        self.check_everywhere("/rack", body)
        self.assertEqual(self.origin.count("/rack"), 1)
        self.check_everywhere("/rack-purged", new)
        self.check_equal()

    def order_purges(self, ending):
        """New contents and purges until `ending`; the last one that was acknowledged."""
        acknowledged = number = 0
        while not ending.is_set():
            number += 1
            self.write("/orders", str(number).encode())
            done = self.farm.strata("content", "purge", self.uri("/orders"), check=False)
            if done.returncode == 0:
                acknowledged = number
            for name in ENGINES:
                self.at(name, "/orders", timeout=5)
        return acknowledged

    def test_what_was_acknowledged_outlives_kills_at_any_instant(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", file=sys.stderr)
        chance = random.Random(seed)
        with concurrent.futures.ThreadPoolExecutor(1) as orders:
            for _ in range(3):
                ending = threading.Event()
                ordered = orders.submit(self.order_purges, ending)
                time.sleep(chance.uniform(0, 0.5))
                self.farm.manager.kill()
                ending.set()
                acknowledged = ordered.result()
                self.farm.start_manager()
                self.wait_whole()
                for name in ENGINES:
                    self.assertGreaterEqual(int(self.at(name, "/orders").body), acknowledged)
                self.check_equal()
                self.check_purged("/orders")

    def test_a_purge_outlives_the_manager_and_reaches_who_was_away(self):
        self.farm.apply_site(self.site("minimum_copies: 3"))
        self.addCleanup(lambda: self.farm.apply_site(self.site()))
        self.write("/durable", b"old")
        self.check_everywhere("/durable", b"old")
        wait_until(lambda: len(self.farm.holders(self.uri("/durable"))) == 3, "all hold it")
        self.farm.engines["north-1"].kill()
        self.wait_status("north-1", "down")
        new = self.write("/durable", b"new one")
        self.farm.purge(self.uri("/durable"))
        self.farm.manager.kill()
        self.farm.start_manager()
        self.farm.start_engine("north-1")
        served = set()
        client = Load(lambda: self.at("north-1", "/durable"),
                      lambda a: served.add(a.body) or a.good)
        self.wait_whole()
        self.check_everywhere("/durable", new)
        client.end()
        self.assertNotIn(b"old", served)
        self.check_equal()
