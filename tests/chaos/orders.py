"""Operators who give orders all the time, and the book of what was acknowledged."""

import json
import random
import subprocess
import threading
import time

from contents import body_of
from explain import PURGE_LATE_S, Spans
from fleet import HOSTS
from load import FILMS, GOODS

DRAIN_LATE_S = 2.0  # So long after an order the directors may still send by the one before.
DONE, PARTLY = 0, 3  # Exit codes of the command that acknowledge.
_SITES = {
    "films": "minimum_copies: 2\n",
    "shop": "mode: forward\nminimum_copies: 1\n",
    "books": "",
}


class Book:
    """Orders that were given. Thread-safe. An order that was not acknowledged may have been
    carried out, or not; one that was stands until a later one."""

    def __init__(self):
        self.lock = threading.Lock()
        self.given = {}  # Kind -> how often
        self.acknowledged = {}
        self.seconds = []  # What acknowledged ones took.
        self.positions = {}  # Site -> positions of purges that were acknowledged.
        self.repeated = []  # Positions that were told twice: there must be none.
        self.versions = {}  # Site -> {version: ttl}, acknowledged
        self.drains = {}  # Engine -> what it may be: a set of booleans.

    def count(self, kind, acknowledged, seconds):
        with self.lock:
            self.given[kind] = self.given.get(kind, 0) + 1
            if acknowledged:
                self.acknowledged[kind] = self.acknowledged.get(kind, 0) + 1
                self.seconds.append(seconds)

    def purged(self, site, position):
        with self.lock:
            known = self.positions.setdefault(site, set())
            if position in known:
                self.repeated.append((site, position))
            known.add(position)

    def applied(self, site, version, ttl):
        with self.lock:
            self.versions.setdefault(site, {})[version] = ttl

    def drained(self, engine, draining, acknowledged):
        with self.lock:
            before = self.drains.get(engine, {False})
            self.drains[engine] = {draining} if acknowledged else before | {draining}


def site_text(name, origin, ttl):
    origins = "" if name == "books" else f"origins: [{{host: '{origin}', port: 8000}}]\n"
    return f"name: {name}\nhosts: [{HOSTS[name]}]\n{origins}ttl: {ttl}s\n{_SITES[name]}"


class Operators:
    """Threads that give orders until told to pause."""

    def __init__(self, fleet, generations, books, seed, purges):
        self.fleet = fleet
        self.generations = generations
        self.books = books
        self.purges = purges
        self.drains = Spans()
        self.book = Book()
        self.ttl = 10_000  # Of the next version: a number that tells versions apart.
        self.ending = threading.Event()
        self.running = threading.Event()
        self.idle = []
        self.threads = []
        works = [("purge films", lambda c: self.purge(c, FILMS, "films")),
                 ("purge shop", lambda c: self.purge(c, GOODS, "shop")),
                 ("sites", self.apply), ("drains", self.drain), ("library", self.add_book)]
        for name, work in works:
            chance = random.Random(f"{name} {seed}")
            idle = threading.Event()
            self.idle.append(idle)
            self.threads.append(threading.Thread(target=self._work, args=(work, chance, idle),
                                                 daemon=True))
            self.threads[-1].start()

    def _work(self, work, chance, idle):
        while not self.ending.is_set():
            if not self.running.is_set():
                idle.set()
                self.running.wait()
                idle.clear()
                continue
            work(chance)

    def resume(self):
        self.running.set()

    def pause(self):
        """Returns when no order is under way any more."""
        self.running.clear()
        for idle in self.idle:
            idle.wait(70)

    def end(self):
        self.ending.set()
        self.running.set()
        for thread in self.threads:
            thread.join(70)

    # ---- Orders.

    def order(self, kind, *words):
        """Status and output of the command; counted."""
        start = time.monotonic()
        try:
            done = self.fleet.strata(*words, check=False)
        except subprocess.TimeoutExpired:
            self.book.count(kind, False, 0)
            return None, ""
        self.book.count(kind, done.returncode in (DONE, PARTLY), time.monotonic() - start)
        return done.returncode, done.stdout

    def purge(self, chance, paths, site):
        path = chance.choice(paths)
        self.purge_now(path, site)
        self.ending.wait(chance.uniform(0.05, 0.6))

    def purge_now(self, path, site):
        """Changes a content and purges it; whether it was acknowledged."""
        start = time.monotonic()
        generation = self.generations.change(path)
        status, text = self.order("purge", "content", "purge", f"http://{HOSTS[site]}{path}",
                                  "--json")
        acknowledged = status in (DONE, PARTLY)
        self.purges.add(path, start, time.monotonic() + (0 if status == DONE else PURGE_LATE_S))
        if not acknowledged:
            return False
        reply = json.loads(text)
        problems = [e.get("problem", "") for p in reply["purges"] for e in p["engines"]]
        for purge in reply["purges"]:
            self.book.purged(purge["site"], int(purge["position"]))
        # Who may still serve is named in the answer: the operator knows, and asks again.
        if not any("for a moment yet" in p or "no answer" in p for p in problems):
            self.generations.purged(path, generation)
        return True

    def apply(self, chance):
        self.apply_now(chance.choice(["films", "shop"]))
        self.ending.wait(chance.uniform(1, 4))

    def apply_now(self, site):
        """A new version of a site; whether it was acknowledged."""
        self.ttl += 1
        ttl = self.ttl
        path = self.fleet.folder / f"site-{site}.yaml"
        path.write_text(site_text(site, self.fleet.client_address, ttl), encoding="utf-8")
        status, text = self.order("site", "site", "apply", "-f", path, "--json")
        if status not in (DONE, PARTLY):
            return False
        self.book.applied(site, int(json.loads(text)["version"]), ttl)
        return True

    def drain(self, chance):
        engine = chance.choice(self.fleet.engines_list).name
        start = time.monotonic()
        self.set_drain(engine, True)
        self.ending.wait(chance.uniform(0.5, 3))
        # Until it is so: two engines that are drained at a time would be one too many.
        while not self.set_drain(engine, False) and not self.ending.wait(0.5):
            if not self.running.is_set():
                break
        self.drains.add(engine, start, time.monotonic() + DRAIN_LATE_S)
        self.ending.wait(chance.uniform(2, 8))

    def set_drain(self, engine, draining):
        status, _ = self.order("drain", "engine", "drain" if draining else "undrain", engine)
        self.book.drained(engine, draining, status in (DONE, PARTLY))
        return status == DONE

    def add_book(self, chance):
        """A file of a library, put there by rename; clients ask for it some seconds later."""
        engine = chance.choice(self.fleet.engines_list)
        path = f"/books/{len(self.books.holders) + 1}"
        try:
            folder = self.fleet.library(engine.name, "books")
            file = folder / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_name(file.name + ".new")
            new.write_bytes(body_of(path, 1))
            new.rename(file)
        except OSError:  # Its disk is full: by a fault, which the history has.
            new.unlink(missing_ok=True)
            self.ending.wait(1)
            return
        self.ending.wait(3)
        self.books.holders[path] = engine.name
        self.ending.wait(chance.uniform(1, 3))
