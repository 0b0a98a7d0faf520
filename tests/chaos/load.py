"""Clients of the farm, and what they keep: every answer is judged as it comes."""

import collections
import random
import subprocess
import threading
import time
import urllib.parse

from clients import ask
from contents import judge
from explain import FLOATING
from fleet import CLIENT_PORT, FLOATING_ADDRESSES, HOSTS, floating_url

PATIENCE_S = 4.0
_HOPS_MAX = 5
_PAUSE_S = 0.004
_PAUSE_AFTER_FAILURE_S = 0.05
FILMS = tuple(f"/films/{n}" for n in range(24))
GOODS = tuple(f"/shop/{n}" for n in range(8))


class Failure:
    """A request without a good answer. `name` is the member that gave the last answer, or none."""

    def __init__(self, start, end, name, path, status, broken, way):
        self.start = start
        self.end = end
        self.name = name
        self.path = path
        self.status = status
        self.broken = broken
        self.way = way  # "front end", "floating address", "engine", "curl"

    def __str__(self):
        what = "cut short" if self.broken and self.status else self.status or "no answer"
        return f"{self.way} {self.path}: {what} of {self.name}, after {self.end - self.start:.2f} s"


class Tally:
    """What all clients have seen. Thread-safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = collections.Counter()  # Way -> number
        self.good = collections.Counter()
        self.bytes = 0
        self.failures = []
        self.wrong = []  # (time, text): what no fault excuses.
        self.last_good = {}  # Way -> when
        self.longest_gap = {}  # Way -> (seconds, when it ended)

    def pause(self):
        """Between storms, when nobody asks, is no time without answers."""
        with self.lock:
            self.last_good.clear()

    def success(self, way, size):
        now = time.monotonic()
        with self.lock:
            self.requests[way] += 1
            self.good[way] += 1
            self.bytes += size
            gap = now - self.last_good.get(way, now)
            self.longest_gap[way] = max(self.longest_gap.get(way, (0, now)), (gap, now))
            self.last_good[way] = now

    def failure(self, failure):
        with self.lock:
            self.requests[failure.way] += 1
            self.failures.append(failure)

    def wrongdoing(self, text):
        with self.lock:
            self.wrong.append((time.monotonic(), text))


class Books:
    """Files of libraries: path -> which engine has it. Thread-safe enough: it only grows."""

    def __init__(self):
        self.holders = {}

    def paths(self):
        return list(self.holders)


class Clients:
    """Threads that ask at random: front ends and engines, IPv4 and IPv6, sites that redirect and
    that forward, one of them by curl."""

    def __init__(self, fleet, generations, books, seed, threads=8):
        self.fleet = fleet
        self.generations = generations
        self.books = books
        self.tally = Tally()
        self.ending = threading.Event()
        self.running = threading.Event()
        self.names = {address: m.name for m in fleet.members.values()
                      for address in m.addresses.values()}
        self.names.update({address: FLOATING for address in FLOATING_ADDRESSES.values()})
        self.threads = [threading.Thread(target=self._work, daemon=True,
                                         args=(random.Random(f"client {seed} {n}"), self.once))
                        for n in range(threads)]
        self.threads.append(threading.Thread(
            target=self._work, daemon=True, args=(random.Random(f"curl {seed}"), self.by_curl)))
        for thread in self.threads:
            thread.start()

    def resume(self):
        self.tally.pause()
        self.running.set()

    def pause(self):
        self.running.clear()

    def end(self):
        self.ending.set()
        self.running.set()
        for thread in self.threads:
            thread.join(30)

    def _work(self, chance, once):
        while not self.ending.is_set():
            self.running.wait()
            good = once(chance)
            self.ending.wait(_PAUSE_S if good else _PAUSE_AFTER_FAILURE_S)

    def choose(self, chance):
        """Site and path; the first ones are popular."""
        books = self.books.paths()
        if books and chance.random() < 0.1:
            return "books", chance.choice(books)
        if chance.random() < 0.2:
            return "shop", chance.choice(GOODS)
        return "films", FILMS[int(len(FILMS) * chance.random() ** 2)]

    def once(self, chance):
        """One request, judged."""
        site, path = self.choose(chance)
        family = chance.choice((4, 6))
        if chance.random() < 0.25:
            return self.ask(floating_url(family) + path, HOSTS[site], path, FLOATING)
        if chance.random() < 0.67:
            member = chance.choice(self.fleet.managers_list)
            return self.ask(member.url(family) + path, HOSTS[site], path, "front end")
        name = self.books.holders[path] if site == "books" else None
        member = self.fleet.members.get(name) or chance.choice(self.fleet.engines_list)
        return self.ask(f"{member.url(family)}/_s/{HOSTS[site]}{path}", None, path, "engine")

    def ask(self, url, host, path, way):
        """One request, followed where it is sent; its body, if it was good."""
        start = time.monotonic()
        floor = self.generations.floor(path)
        answer = ask(url, host=host, timeout=PATIENCE_S)
        hops = answer.hops
        while answer.status in (302, 307) and len(hops) < _HOPS_MAX:
            answer = ask(answer.headers["Location"], timeout=PATIENCE_S)
            hops += answer.hops
        return self.judge(path, answer, floor, start, self.names.get(hops[-1], hops[-1]), way)

    def judge(self, path, answer, floor, start, name, way):
        if not answer.good:
            self.tally.failure(Failure(start, time.monotonic(), name, path, answer.status,
                                       answer.broken, way))
            return None
        complaint = judge(path, answer.body, floor)
        if complaint:
            self.tally.wrongdoing(f"{name} served {complaint} ({way})")
        self.tally.success(way, len(answer.body))
        return answer.body

    def by_curl(self, chance):
        """The same by curl, which follows by itself."""
        site, path = self.choose(chance)
        member = chance.choice(self.fleet.managers_list)
        family = chance.choice((4, 6))
        address = member.addresses[family]
        pinned = f"[{address}]" if family == 6 else address
        host = HOSTS[site]
        start = time.monotonic()
        floor = self.generations.floor(path)
        done = subprocess.run(
            ["curl", "-s", "-g", "-L", "--max-time", str(PATIENCE_S), "--resolve",
             f"{host}:{CLIENT_PORT}:{pinned}", "-w", "\n%{http_code} %{url_effective}",
             f"http://{host}:{CLIENT_PORT}{path}"], capture_output=True, check=False)
        body, _, last = done.stdout.rpartition(b"\n")
        status, _, url = last.decode(errors="replace").partition(" ")
        asked = urllib.parse.urlsplit(url).hostname
        name = member.name if asked == host else self.names.get(asked, asked)
        status = int(status or 0)
        answer = _CurlAnswer(status, body, done.returncode != 0)
        self.ending.wait(0.05)
        return self.judge(path, answer, floor, start, name, "curl")


class _CurlAnswer:
    def __init__(self, status, body, broken):
        self.status = status
        self.body = body
        self.broken = broken
        self.good = status == 200 and not broken
