"""What a run tells: a line while it runs, and a table and JSON at its end."""

import collections
import json
import sys
import threading
import time

_LINE_EVERY_S = 5.0


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Log:
    """The run's own log, and its line for people. Thread-safe."""

    def __init__(self, path, quiet=False):
        self.file = open(path, "w", encoding="utf-8")  # pylint: disable=consider-using-with
        self.lock = threading.Lock()
        self.begun = time.monotonic()
        self.terminal = sys.stdout.isatty()
        self.quiet = quiet
        self.last_line = 0

    def since(self, when):
        return when - self.begun

    def __call__(self, text):
        with self.lock:
            self.file.write(f"{self.since(time.monotonic()):9.3f} {text}\n")
            self.file.flush()

    def say(self, text):
        """To people, too."""
        self(text)
        with self.lock:
            lead = "\r\x1b[K" if self.terminal else ""
            print(f"{lead}{clock(self.since(time.monotonic()))}  {text}", flush=True)

    def progress(self, text):
        """The line that is always there; without a terminal a line now and then."""
        now = time.monotonic()
        with self.lock:
            if self.terminal:
                print(f"\r\x1b[K{clock(self.since(now))}  {text[:110]}", end="", flush=True)
            elif not self.quiet and now - self.last_line > _LINE_EVERY_S:
                self.last_line = now
                print(f"{clock(self.since(now))}  {text}", flush=True)


class Summary:
    """Everything that a run found, as numbers and texts."""

    def __init__(self, plan, command):
        self.seed = plan.seed
        self.command = command
        self.seconds = 0.0
        self.violations = []  # {"at", "what"}
        self.requests = {}
        self.failures = {}  # Cause -> number
        self.faults = {}
        self.orders = {}
        self.longest_gap = {}
        self.green = []
        self.take_overs = []
        self.restarts = []
        self.resources = {}
        self.wrk = []
        self.bytes = 0
        self.logs = ""

    def violation(self, at, what):
        self.violations.append({"at": round(at, 2), "what": what})

    def as_json(self):
        return json.dumps(vars(self), indent=1)

    def text(self):
        asked = sum(self.requests.values())
        failed = sum(self.failures.values())
        lines = ["", f"Chaos, seed {self.seed}, {clock(self.seconds)} minutes", "",
                 f"  requests   {asked:,} ({self.bytes >> 20:,} MiB): " +
                 ", ".join(f"{n:,} {way}" for way, n in sorted(self.requests.items())),
                 f"  failed     {failed:,}" + (f" ({100 * failed / asked:.2f} %)" if asked else "")]
        lines += [f"    {number:7,}  {cause}" for cause, number in
                  sorted(self.failures.items(), key=lambda item: -item[1])[:15]]
        lines += [f"  longest time without an answer, {way}: {gap[0]:.1f} s at {clock(gap[1])}"
                  for way, gap in sorted(self.longest_gap.items())]
        if self.wrk:
            lines.append(f"  wrk        {sum(w['requests'] for w in self.wrk):,} requests, "
                         f"{sum(w['errors'] for w in self.wrk):,} errors")
        lines += ["", f"  faults     {sum(self.faults.values())}"]
        lines += [f"    {number:7}  {kind}" for kind, number in sorted(self.faults.items())]
        lines += ["", "  orders     " + ", ".join(
            f"{kind} {done} of {given}" for kind, (done, given) in sorted(self.orders.items()))]
        lines.append("  all green  " + ", ".join(f"{s:.1f}" for s in self.green) +
                     " s after each storm")
        if self.take_overs:
            lines.append("  take-overs " + ", ".join(
                "never" if s is None else f"{s:.2f} s" for s in self.take_overs))
        if self.restarts:
            lines.append(f"  ended by themselves, and were started again: {len(self.restarts)}")
            lines += [f"    {clock(r['at'])}  {r['member']}, status {r['status']}"
                      for r in self.restarts[:10]]
        lines += [f"  {name:10} {r['memory'][0] >> 20} -> {r['memory'][1] >> 20} MiB, "
                  f"{r['files'][0]} -> {r['files'][1]} files"
                  for name, r in sorted(self.resources.items())]
        lines += ["", f"  violations {len(self.violations)}"]
        lines += [f"    {clock(v['at'])}  {v['what']}" for v in self.violations[:40]]
        if self.violations:
            lines += ["", f"  logs: {self.logs}", f"  again: {self.command}"]
        return "\n".join(lines) + "\n"


def count_faults(strikes):
    return dict(collections.Counter(s.fault.kind for s in strikes))
