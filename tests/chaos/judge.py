"""What is checked when all faults of a storm are healed. A complaint is one line."""

import concurrent.futures
import json
import os
import signal
import time

import plan as plans
from clients import ask
from contents import judge
from explain import FLOATING
from farm import FarmError
from faults import PROMOTED
from fleet import HOSTS, floating_url
from load import FILMS, GOODS
from watch import AFTERMATH_S

GREEN_S = 15.0
TAKE_OVER_S = 2.0
VERSIONS = 4  # Of a site, that are looked at.
_PATIENCE_S = 60.0
_MEMORY_GROWTH_MAX = 96 << 20
_FILES_GROWTH_MAX = 150
_TAKES_FROM_LEADER = ("kill", "power cut", "freeze", "cut off")


def is_green(fleet, state, rows):
    """What keeps a farm from being green, or "". `state`: member -> (status, facts)."""
    leading = 0
    for name, member in fleet.members.items():
        status, facts = state.get(name, (0, {}))
        if not member.running() or status != 200:
            return f"{name}: {facts.get('reason') or 'no answer'}"
        leading += facts.get("role") == "leads the farm"
        if member.is_engine and rows.get(name, {}).get("status") not in ("up", "draining"):
            return f"{name} is {rows.get(name, {}).get('status', '?')}"
    return "" if leading == 1 else f"{leading} managers lead"


def await_green(fleet, ending, log=lambda text: None):
    """How long it took until all was green, and what was missing if it never was."""
    start = time.monotonic()
    told = ""
    while True:
        state = {name: fleet.health(m) for name, m in fleet.members.items()}
        missing = is_green(fleet, state, fleet.rows())
        seconds = time.monotonic() - start
        if missing != told:
            log(f"to be green: {missing or 'all is'}")
            told = missing
        if not missing or seconds > _PATIENCE_S or ending.is_set():
            return seconds, missing
        ending.wait(0.2)


def judge_tables(reply):
    """Complaints about what `strata farm verify --json` said; None: somebody did not answer."""
    different = [f"{m['name']}: {m.get('problem')}" for m in reply.get("members", [])
                 if "another" in m.get("problem", "")]
    if different:
        return [f"tables differ at commit {reply.get('commitNumber')}: {', '.join(different)}"]
    return [] if reply.get("equal") else None


def check_tables(fleet):
    reply = {}
    for _ in range(20):
        try:
            reply = fleet.verify()
            found = judge_tables(reply)
        except (FarmError, ValueError) as error:
            reply, found = {"error": str(error)}, None
        if found is not None:
            return found
        time.sleep(0.5)
    return [f"tables cannot be compared: {json.dumps(reply)[:300]}"]


def judge_sites(versions, shown):
    """`versions`: site -> {version: ttl} that was acknowledged; `shown(site, version)`: ttl, or
    None."""
    complaints = []
    for site, known in versions.items():
        for version in sorted(known)[-VERSIONS:]:
            found = shown(site, version)
            if found != known[version]:
                complaints.append(f"site {site} version {version} was acknowledged with ttl "
                                  f"{known[version]}, now it has {found}")
        present = shown(site, 0)
        if present is None or present < max(known.values()):
            complaints.append(f"site {site}: {max(known.values())} was acknowledged, present is "
                              f"{present}")
    return complaints


def check_sites(fleet, book):
    """Each manager has all versions."""
    return [f"{manager.name}: {complaint}" for manager in fleet.managers_list
            for complaint in check_sites_at(fleet, book, manager)]


def check_sites_at(fleet, book, manager):
    def shown(site, version):
        words = ["--at", version] if version else []
        done = fleet.strata("site", "show", site, *words, check=False, at=manager)
        lines = [line for line in done.stdout.splitlines() if line.startswith("ttl:")]
        return _seconds(lines[0].split(":", 1)[1]) if lines else None
    return judge_sites(book.versions, shown)


def _seconds(text):
    number = text.split("#")[0].strip().strip("'\"")
    return int(number[:-1]) if number.endswith("s") and number[:-1].isdigit() else None


def judge_positions(book, newest):
    """`newest`: site -> position of a purge that was ordered just now."""
    complaints = [f"position {position} of site {site} was given to two purges"
                  for site, position in book.repeated]
    for site, position in newest.items():
        highest = max(book.positions.get(site, {0}))
        if position <= highest:
            complaints.append(f"purge log of {site} went back: {position} after {highest}")
    return complaints


def check_purges(operators):
    """A purge of each site: its position is above all that were acknowledged."""
    complaints = []
    for site, path in (("films", FILMS[0]), ("shop", GOODS[0])):
        before = max(operators.book.positions.get(site, {0}))
        for _ in range(5):
            if operators.purge_now(path, site):
                break
        else:
            complaints.append(f"no purge of {site} was acknowledged in a farm that is green")
            continue
        if max(operators.book.positions[site]) <= before:
            complaints += judge_positions(operators.book, {site: before})
    return complaints + judge_positions(operators.book, {})


def judge_drains(drains, rows):
    return [f"{engine}: draining may be {sorted(allowed)}, is {rows[engine].get('status')}"
            for engine, allowed in drains.items()
            if engine in rows and (rows[engine].get("status") == "draining") not in allowed]


def judge_wrk(counted):
    """No request fails in a farm that is green."""
    if counted["errors"] or not counted["requests"]:
        return [f"wrk, in a farm that is green: {counted['errors']} of {counted['requests']} "
                "requests failed"]
    return []


def check_contents(fleet, generations, books):
    """Each content, at each engine and both front ends by both families, byte by byte."""
    asked = []
    for site, paths in (("films", FILMS), ("shop", GOODS)):
        for path in paths:
            for member in fleet.managers_list + fleet.engines_list:
                family = 4 if (hash(path) + member.machine) % 2 else 6
                asked.append((member.name, *way_to(member, family, site), path))
    asked += [(name, *way_to(fleet.members[name], 4, "books"), path)
              for path, name in books.holders.items()]
    asked += [(FLOATING, floating_url(family), HOSTS["films"], FILMS[0]) for family in (4, 6)]
    with concurrent.futures.ThreadPoolExecutor(4) as clients:
        found = clients.map(lambda a: check_one(generations, *a), asked)
        return [complaint for complaint in found if complaint]


def way_to(member, family, site):
    """URL before the path, and Host."""
    if member.is_manager:
        return member.url(family), HOSTS[site]
    return f"{member.url(family)}/_s/{HOSTS[site]}", None


def check_one(generations, name, url, host, path):
    floor = generations.floor(path)
    answer = ask(url + path, host=host)
    for _ in range(4):
        if answer.status not in (302, 307):
            break
        answer = ask(answer.headers["Location"])
    if not answer.good:
        return f"{path} at {name}: {answer.status or 'no answer'} in a farm that is green"
    complaint = judge(path, answer.body, floor)
    return complaint and f"{name} served {complaint}"


def disturbed(strike, strikes, start, end):
    """Whether anything else was going on in between."""
    return any(other is not strike and other.begun < end and
               (other.ended is None or other.ended > start) for other in strikes)


def judge_take_overs(leaders, strikes, managers, limit=TAKE_OVER_S):
    """How long each take-over took, and complaints about those that were too late."""
    took, complaints = [], []
    for strike in strikes:
        who = strike.fault.targets[-1]
        long = strike.ended is None or strike.ended - strike.begun > limit
        if strike.fault.kind not in _TAKES_FROM_LEADER or who not in managers or not long:
            continue
        if len(managers) < 2 or leaders.before(strike.begun) != who:
            continue
        next_one = leaders.first_other(who, strike.begun)
        seconds = next_one - strike.begun if next_one else None
        took.append(seconds)
        alone = not disturbed(strike, strikes, strike.begun - limit, strike.begun + limit)
        if alone and (seconds is None or seconds > limit + 0.2):
            complaints.append(f"take-over after {strike.fault} took "
                              f"{'for ever' if seconds is None else f'{seconds:.1f} s'}")
    return took, complaints


def judge_promotions(leaders, strikes):
    """Who was told to lead does; in a farm that nothing else befalls, nobody is refused."""
    complaints = []
    for strike in strikes:
        if strike.fault.kind != "promote" or strike.ended is None:
            continue
        name = strike.fault.targets[0]
        if strike.note == PROMOTED:
            if name not in leaders.during(strike.begun, strike.ended + TAKE_OVER_S):
                complaints.append(f"{strike.fault}: it leads, they say, but it was not seen to")
        elif not disturbed(strike, strikes, strike.begun - AFTERMATH_S, strike.ended):
            complaints.append(f"{strike.fault}: {strike.note}")
    return complaints


def judge_restarts(restarts, history, engines):
    """A program ends by itself because of a fault only, and in order. An engine that was stopped,
    or cannot write that its nginx is closed, is killed: nginx would serve what is purged meanwhile.
    """
    complaints = []
    for when, name, status, last in restarts:
        kinds = {s.fault.kind for s in history.over(name, when - AFTERMATH_S, when)}
        by_watchdog = (status == -signal.SIGKILL and name in engines and
                       kinds & {"freeze", "full disk", plans.STALL})
        if not kinds or status < 0 and not by_watchdog:
            complaints.append((when, f"{name} ended by itself, status {status}: {last}"))
    return complaints


class Resources:
    """Memory and open files of each member, storm by storm."""

    def __init__(self):
        self.samples = {}  # Member -> [(pid, bytes, files)]

    def sample(self, fleet):
        for member in fleet.members.values():
            pids = member.pids()
            if pids:
                sizes = [memory_and_files(pid) for pid in pids]
                self.samples.setdefault(member.name, []).append(
                    (pids[0], sum(s[0] for s in sizes), sum(s[1] for s in sizes)))

    def judge(self):
        """A process that lives on grows no further than this from its first sample."""
        complaints = []
        for name, samples in self.samples.items():
            first = {}
            for pid, memory, files in samples:
                old = first.setdefault(pid, (memory, files))
                if memory - old[0] > _MEMORY_GROWTH_MAX or files - old[1] > _FILES_GROWTH_MAX:
                    complaints.append(f"{name} grew from {old[0] >> 20} to {memory >> 20} MiB, "
                                      f"from {old[1]} to {files} files")
                    break
        return complaints


def memory_and_files(pid):
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0, 0
