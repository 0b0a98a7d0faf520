"""Looks at every member many times a second: who is well, who leads, who ended by itself."""

import threading
import time

LOOK_EVERY_S = 0.1
ENDS_PROCESSES = ("kill", "restart", "power cut", "whole farm without power")
AFTERMATH_S = 15.0  # So long after a fault a program may still end in order because of it.


class Leaders:
    """Who said in which view that it leads. Thread-safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.by_view = {}  # View's number -> names
        self.changes = []  # (time, name): another one leads

    def saw(self, name, view, when):
        with self.lock:
            self.by_view.setdefault(view, set()).add(name)
            if not self.changes or self.changes[-1][1] != name:
                self.changes.append((when, name))

    def contested(self):
        """Views in which more than one said so: there must be none."""
        with self.lock:
            return {view: sorted(names) for view, names in self.by_view.items() if len(names) > 1}

    def before(self, when):
        """Who was the last to say so before a time."""
        with self.lock:
            names = [name for at, name in self.changes if at < when]
        return names[-1] if names else None

    def during(self, start, end):
        """Who led at some time in between, as far as was seen."""
        with self.lock:
            names = {name for at, name in self.changes if start <= at <= end}
        return names | {self.before(start)} - {None}

    def first_other(self, name, when):
        """When another one first said so after a time; None: nobody."""
        with self.lock:
            return next((at for at, who in self.changes if at > when and who != name), None)


class Watch:
    """One thread a member; starts again what ended by itself, as systemd would."""

    def __init__(self, fleet, history, log):
        self.fleet = fleet
        self.history = history
        self.log = log
        self.leaders = Leaders()
        self.state = {}  # Member -> (healthz status, facts)
        self.restarts = []  # (time, name, status, its last words)
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._work, args=(m,), daemon=True)
                        for m in fleet.members.values()]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(10)

    def _work(self, member):
        well_since = None
        while not self.ending.wait(LOOK_EVERY_S):
            asked = time.monotonic()
            status, facts = self.fleet.health(member)
            self.state[member.name] = (status, facts)
            self.history.saw(member.name, status == 200, asked)
            well_since = (well_since or asked) if status == 200 else None
            if well_since:
                self.history.well(member.name, well_since, asked)
            if facts.get("role") == "leads the farm" and facts.get("view"):
                self.fleet.leader_seen = member.name
                self.leaders.saw(member.name, int(facts["view"]), time.monotonic())
            if not member.running():
                self._ended(member)

    def _ended(self, member):
        now = time.monotonic()
        strikes = self.history.over(member.name, now - AFTERMATH_S, now)
        if any(s.ended is None and s.fault.kind in ENDS_PROCESSES for s in strikes):
            return  # It is dead as planned, and will be started.
        if member.running():
            return
        status = member.process.process.returncode
        last = member.process.log_end(1)
        self.restarts.append((now, member.name, status, last))
        self.log(f"{member.name} ended by itself, status {status}: {last}")
        if not self.ending.wait(1):
            self.fleet.start(member)
