"""Lets a farm suffer by a plan, under load, and judges it. tests/chaos/run starts it."""

import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import shared  # pylint: disable=unused-import
import judge
import plan as plans
from contents import Generations
from explain import FLOATING, NOTICED_S, Spans, explain, explain_floating
from farm import wait_until
from faults import LATE_S, History, Injector
from fleet import HOSTS, WITNESS, Fleet
from load import FILMS, GOODS, Books, Clients
from orders import Operators
from origin import Origin
from pulse import Pulse
from report import Log, Summary, count_faults
from watch import AFTERMATH_S, Watch

_START_S = 60
_TRIES = 3
WRK_S = 1


class Programs:
    """Where the built programs are, below Bazel's folder of results."""

    def __init__(self, root):
        root = pathlib.Path(root)
        self.manager = str(root / "service_manager/app/service_manager")
        self.engine = str(root / "service_engine/app/service_engine")
        self.strata = str(root / "cli/strata")
        self.shim = str(root / "tests/chaos/libmachine.so")


def load_by_wrk(fleet, seconds):
    """Full load on the first front end, by wrk; how many requests, and how many errors."""
    done = subprocess.run(
        ["wrk", "-t1", "-c8", f"-d{seconds}s", "--timeout", "5s", "-H", f"Host: {HOSTS['films']}",
         fleet.managers_list[0].url(4) + FILMS[0]], capture_output=True, text=True, check=False)
    asked = re.search(r"(\d+) requests in", done.stdout)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)",
                       done.stdout)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    numbers = [int(n) for n in errors.groups()] if errors else []
    numbers += [int(refused.group(1))] if refused else []
    return {"requests": int(asked.group(1)) if asked else 0, "errors": sum(numbers)}


class Run:
    """One run from the start of a farm to the report."""

    def __init__(self, options, folder, log):
        self.options = options
        self.folder = folder
        self.log = log
        self.ending = threading.Event()
        self.fleet = Fleet(Programs(options.programs), folder / "farm", options.managers,
                           options.engines, options.witness)
        self.plan = plan_of(options)
        (folder / "plan.json").write_text(self.plan.as_json(), encoding="utf-8")
        command = (f"tests/chaos/run --seed {options.seed} --minutes {options.minutes:g} "
                   f"--managers {options.managers} --engines {options.engines}"
                   f"{' --witness' if options.witness else ''}")
        self.summary = Summary(self.plan, command)
        self.history = History()
        self.purges = Spans()
        self.generations = Generations()
        self.books = Books()
        self.resources = judge.Resources()
        self.clients = self.operators = self.watch = self.pulse = None

    # ---- Up and down.

    def start(self):
        (self.folder / "origin").mkdir()
        self.origin = Origin(self.folder / "origin", self.fleet.client_address)
        for path in FILMS + GOODS:
            self.origin.answers[path] = lambda handler, p=path: self.generations.answer(handler, p)
        self.fleet.make_all_certificates()
        for engine in self.fleet.engines_list:
            self.fleet.library(engine.name, "books")
        self.fleet.start_all()
        wait_until(lambda: not judge.is_green(
            self.fleet, {n: self.fleet.health(m) for n, m in self.fleet.members.items()},
            self.fleet.rows()), "the farm is green", _START_S, 0.2)
        self.operators = Operators(self.fleet, self.generations, self.books, self.options.seed,
                                   self.purges)
        for site in HOSTS:
            if not self.operators.apply_now(site):
                raise RuntimeError(f"site {site} was not applied")
        self.clients = Clients(self.fleet, self.generations, self.books, self.options.seed)
        self.watch = Watch(self.fleet, self.history, self.log)
        self.pulse = Pulse(self.stalled)
        self.injector = Injector(self.fleet, self.history, self.options.seed, self.log)

    def stalled(self, begun, ended):
        self.log(f"{plans.STALL} for {ended - begun:.2f} s")
        self.history.stalled(list(self.fleet.members), begun, ended)

    def complain(self, complaints):
        for complaint in complaints:
            self.summary.violation(self.log.since(time.monotonic()), complaint)
            self.log.say(f"VIOLATION: {complaint}")

    # ---- Storms and calms.

    def storm(self, storm):
        self.clients.resume()
        self.operators.resume()
        self.injector.run(storm)

    def calm(self, number):
        """Everything is healed: all is green in time, and everything is as it should be."""
        begun = time.monotonic()
        seconds, missing = judge.await_green(self.fleet, self.ending, self.log)
        self.summary.green.append(round(seconds, 2))
        late = seconds > judge.GREEN_S and self.history.last_stall() < begun
        if missing or late:
            self.complain([f"not green within {judge.GREEN_S:.0f} s after the storm: "
                           f"{missing or f'took {seconds:.1f} s'}"])
        self.operators.pause()
        self.clients.pause()
        if self.ending.is_set():
            return
        self.complain(judge.check_tables(self.fleet))
        self.complain(judge.judge_drains(self.operators.book.drains, self.fleet.rows()))
        for engine in list(self.operators.book.drains):
            self.operators.set_drain(engine, False)
        self.complain(judge.check_sites(self.fleet, self.operators.book))
        self.complain(judge.check_purges(self.operators))
        self.complain(self.in_peace(
            lambda: judge.check_contents(self.fleet, self.generations, self.books)))
        self.complain(self.in_peace(self.check_by_wrk))
        self.complain(judge.check_tables(self.fleet))
        self.resources.sample(self.fleet)
        self.log.say(f"calm {number} of {len(self.plan.storms)}: green after {seconds:.1f} s, "
                     f"{len(self.summary.violations)} violations")

    def in_peace(self, check):
        """Complaints of a check that finds a farm which is green; once more if the machine stood
        still meanwhile, or just before."""
        for _ in range(_TRIES):
            begun = time.monotonic()
            complaints = check()
            time.sleep(LATE_S)  # So late a stall may be told.
            if not complaints or self.history.last_stall() < begun - AFTERMATH_S:
                break
            judge.await_green(self.fleet, self.ending, self.log)
        return complaints

    def check_by_wrk(self):
        wrk = load_by_wrk(self.fleet, WRK_S)
        self.summary.wrk.append(wrk)
        return judge.judge_wrk(wrk)

    def tell_progress(self):
        while not self.ending.wait(0.5):
            tally = self.clients.tally
            now = [str(s.fault).split(" for ")[0] for s in list(self.history.strikes)
                   if s.ended is None]
            self.log.progress(f"{sum(tally.requests.values()):,} requests, "
                              f"{len(tally.failures)} failed, {len(self.history.strikes)} faults; "
                              f"{'; '.join(now) or 'calm'}")

    def suffer(self):
        self.log.say(f"seed {self.plan.seed}: {len(self.plan.faults())} faults in "
                     f"{len(self.plan.storms)} storms on {self.options.managers} managers and "
                     f"{self.options.engines} engines; logs in {self.folder}")
        self.start()
        self.log.say("the farm is up")
        threading.Thread(target=self.tell_progress, daemon=True).start()
        self.resources.sample(self.fleet)
        for number, storm in enumerate(self.plan.storms, 1):
            self.storm(storm)
            self.calm(number)

    def finish(self):
        """Ends everything, and sums up."""
        self.ending.set()
        for part in (self.clients, self.operators, self.watch, self.pulse):
            if part:
                part.end()
        bad = self.fleet.end_all()
        self.complain([f"{name} did not end in order" for name in bad])
        self.sum_up()

    def sum_up(self):
        found = self.summary
        found.seconds = self.log.since(time.monotonic())
        found.logs = str(self.folder)
        found.faults = count_faults(self.history.strikes)
        found.violations += [{"at": self.log.since(s.begun), "what": f"{s.fault}: {s.note}"}
                             for s in self.history.strikes if s.note and "broken" in s.note]
        if self.watch:
            self.complain([f"in view {view} these lead: {names}"
                           for view, names in self.watch.leaders.contested().items()])
            names = [m.name for m in self.fleet.managers_list]
            found.take_overs, late = judge.judge_take_overs(self.watch.leaders,
                                                            self.history.strikes, names)
            self.complain(late + judge.judge_promotions(self.watch.leaders, self.history.strikes))
            found.restarts = [{"at": self.log.since(when), "member": name, "status": status}
                              for when, name, status, _ in self.watch.restarts]
            engines = [m.name for m in self.fleet.engines_list]
            for when, text in judge.judge_restarts(self.watch.restarts, self.history, engines):
                found.violation(self.log.since(when), text)
        self.complain(self.resources.judge())
        found.resources = {name: {"memory": (s[0][1], s[-1][1]), "files": (s[0][2], s[-1][2])}
                           for name, s in self.resources.samples.items()}
        if self.clients:
            self.sum_up_clients(found)
        if self.operators:
            book = self.operators.book
            found.orders = {kind: (book.acknowledged.get(kind, 0), given)
                            for kind, given in book.given.items()}
        found.violations.sort(key=lambda v: v["at"])

    def sum_up_clients(self, found):
        tally = self.clients.tally
        found.requests = dict(tally.requests)
        found.bytes = tally.bytes
        found.longest_gap = {way: (seconds, self.log.since(when))
                             for way, (seconds, when) in tally.longest_gap.items()}
        for failure in tally.failures:
            cause = self.cause(failure)
            found.failures[cause or "NO CAUSE"] = found.failures.get(cause or "NO CAUSE", 0) + 1
            self.log(f"failure {self.log.since(failure.start):.3f} {failure} <- {cause}")
            if cause is None:
                found.violation(self.log.since(failure.start), f"{failure}, without a cause")
        for when, text in tally.wrong:
            found.violation(self.log.since(when), text)


    def cause(self, failure):
        args = (self.history, self.purges, self.fleet.members,
                self.books.holders.get(failure.path), self.operators.drains)
        if failure.name != FLOATING:
            return explain(failure, *args)
        leaders = self.watch.leaders.during(failure.start - NOTICED_S, failure.end)
        return explain_floating(failure, leaders, *args)


def arguments():
    parser = argparse.ArgumentParser(prog="tests/chaos/run", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=None, help="replays a run's faults")
    parser.add_argument("--managers", type=int, default=1)
    parser.add_argument("--engines", type=int, default=3)
    parser.add_argument("--witness", action="store_true", help="one more vote")
    parser.add_argument("--storm", type=float, default=30, help="seconds of faults between checks")
    parser.add_argument("--only", default="", metavar="KIND,...",
                        help="only these faults: " + ", ".join(plans.ALL_KINDS))
    parser.add_argument("--programs", metavar="FOLDER", help="where the built programs are")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a good run, too")
    parser.add_argument("--plan", action="store_true", help="only tell what would be done")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    if options.only:
        for kind in options.only.split(","):
            if kind.strip() not in plans.ALL_KINDS:
                parser.error(f"no such fault: {kind}")
    return options


def plan_of(options):
    managers = [f"sm-{n + 1}" for n in range(options.managers)]
    engines = [f"engine-{n + 1}" for n in range(options.engines)]
    kinds = [k.strip() for k in options.only.split(",")] if options.only else None
    return plans.make_plan(options.seed, options.minutes * 60, managers, engines, kinds,
                           options.storm, [WITNESS] if options.witness else [])


def main():
    options = arguments()
    if options.plan:
        print(plan_of(options).as_json())
        return 0
    if os.geteuid() != 0:
        sys.exit("network namespaces and disks of its own need root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that everything is ended.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-chaos-"))
    folder.chmod(0o711)
    log = Log(folder / "chaos.log")
    run = Run(options, folder, log)
    try:
        run.suffer()
    except BaseException as error:  # pylint: disable=broad-except
        log(traceback.format_exc())
        run.complain([f"the run broke off: {error!r}"])
    finally:
        try:
            run.finish()
        finally:
            run.fleet.kill_all()
    print(run.summary.text(), flush=True)
    (folder / "report.json").write_text(run.summary.as_json(), encoding="utf-8")
    (folder / "report.txt").write_text(run.summary.text(), encoding="utf-8")
    if not run.summary.violations and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if run.summary.violations else 0


if __name__ == "__main__":
    sys.exit(main())
