"""What the scenarios of a federation share: two CDNs under an exchange, each process on a machine
of its own, an origin and clients."""

import atexit
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest

from clients import Answer, ask, enter
from lab import Lan

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "deploy/tour"))
# pylint: disable=wrong-import-position
from farm import Programs, wait_until
from federation import Federation
from origin import Origin

HOST = "films.example"
SITE = "films"
EXCHANGE = "exchange"
FARM_OF_ONE = "cdn-one/dc-one/lan-a"  # With a backup.
ENGINE_OF_ONE = f"{FARM_OF_ONE}/north"
SECOND_FARM_OF_ONE = "cdn-one/dc-two/lan-b"
SECOND_ENGINE_OF_ONE = f"{SECOND_FARM_OF_ONE}/east"
FARM_OF_TWO = "cdn-two/dc-three/lan-c"
ENGINE_OF_TWO = f"{FARM_OF_TWO}/west"
ENGINES = (ENGINE_OF_ONE, SECOND_ENGINE_OF_ONE, ENGINE_OF_TWO)

# What begins so is the second data center's own affair.
HIDDEN = "/inside/"
HIDES = "cdn-one/dc-two"

_CLIENT = 1  # The machine of clients and the origin: this process.
_FIRST = 2  # Of the processes.
_ORIGIN = f"10.77.0.{_CLIENT}"

TOPOLOGY = f"""\
hosts: {{here: {{addresses: [10.77.0.{_FIRST}], own: machine}}}}
public_status: true
multicast: {{detection_timeout: 2s}}  # Two cores for all of them.
http: {{threads: 1}}
nginx: {{workers: 1, cache_size: 64MiB}}
policies:
  inside: {{rules: [{{uri_prefix: "http://{HOST}{HIDDEN}", forward: none}}]}}
  peering: {{rules: [{{forward: scope}}]}}
scopes:
  {EXCHANGE}: {{level: 4, managers: [{{count: 2}}], witness: {{}}, sites: [films.yaml]}}
  cdn-one: {{}}
  cdn-one/dc-one: {{}}
  {FARM_OF_ONE}: {{managers: [{{count: 2}}], engines: [{{name: north}}]}}
  {HIDES}: {{policy: inside}}
  {SECOND_FARM_OF_ONE}: {{engines: [{{name: east}}]}}
  cdn-two: {{policy: peering}}
  cdn-two/dc-three: {{}}
  {FARM_OF_TWO}: {{engines: [{{name: west}}]}}
"""

# Seconds.
CONVERGES = 20  # Until all levels know what they should, once all links can be there.
CLIENT_PATIENCE = 5  # A client that waits longer for one answer got none.


def scope_of(name):
    """The scope of a process."""
    return name.rpartition("/")[0]


class Visit:
    """What a client got who asked a front end, and went where he was sent."""

    def __init__(self, front, path):
        self.front = front
        self.path = path
        self.begun = time.monotonic()
        self.ended = None
        self.answer = Answer()
        self.hops = ()  # Addresses; the last one answered, or did not.

    def __repr__(self):
        return (f"{self.front} {self.path} at {self.begun:.2f} for "
                f"{self.ended - self.begun:.2f} s: {self.answer.status} by "
                f"{' -> '.join(self.hops)}: {self.answer.body[:60]}")


class Visitor(threading.Thread):
    """A client of one front end, who comes again and again until the end; keeps the visits that
    were not `good`. `paths` are asked for in turn."""

    def __init__(self, front, url, paths, good, pause):
        super().__init__(daemon=True)
        self.front = front
        self.url = url
        self.paths = paths
        self.good = good
        self.pause = pause
        self.count = 0
        self.bad = []
        self.ending = threading.Event()
        self.start()

    def run(self):
        while not self.ending.wait(self.pause):
            visit = follow(self.front, self.url, self.paths[self.count % len(self.paths)])
            self.count += 1
            if not self.good(visit):
                self.bad.append(visit)

    def end(self):
        self.ending.set()
        self.join()
        return self.bad


def follow(front, url, path):
    """Visits a front end; as a browser does, at most five times sent on."""
    visit = Visit(front, path)
    answer = ask(url + path, host=HOST, timeout=CLIENT_PATIENCE)
    hops = answer.hops
    while answer.status in (302, 307) and len(hops) < 6:
        answer = ask(answer.headers["Location"], timeout=CLIENT_PATIENCE)
        hops += answer.hops
    visit.answer = answer
    visit.hops = hops
    visit.ended = time.monotonic()
    return visit


class FederationCase(unittest.TestCase):
    """A federation that all tests of all classes share; each has contents of its own, and finds the
    federation whole."""

    tree = None
    lan = None
    folder = None
    origin = None
    machines = {}  # Name of a process -> number of its machine.

    @classmethod
    def setUpClass(cls):
        if FederationCase.tree is not None:
            return
        # Who ends the test ends the federation, too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        begun = time.monotonic()
        FederationCase.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-federation-"))
        cls.folder.chmod(0o711)  # nginx's workers go through it.
        atexit.register(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.write_site("10min")
        (cls.folder / "topology.yaml").write_text(TOPOLOGY)
        tree = Federation(Programs(os.getcwd()), cls.folder / "topology.yaml",
                          cls.folder / "federation")
        atexit.register(cls.kill_all)
        unittest.addModuleCleanup(cls.end)
        FederationCase.tree = tree
        cls.build_lan()
        FederationCase.origin = Origin(cls.folder / "origin", _ORIGIN)
        for engine in ENGINES:
            cls.library(engine).mkdir(parents=True)
            for folder in cls.library(engine).parents:
                if folder == cls.folder:
                    break
                folder.chmod(0o711)
        tree.start()
        tree.wait_ready()
        tree.apply_sites()
        cls.wait_whole()
        print(f"the federation is whole after {time.monotonic() - begun:.1f} s", file=sys.stderr)

    @classmethod
    def build_lan(cls):
        FederationCase.lan = Lan(_CLIENT + len(cls.tree.processes))
        enter(cls.lan.machines[_CLIENT])
        for name, process in cls.tree.processes.items():
            number = int(process["status"].rpartition(":")[0].rpartition(".")[2])
            cls.machines[name] = number
            cls.tree.wrap[name] = cls.lan.command(number)
        (cls.folder / "origin").mkdir()

    @classmethod
    def end(cls):
        cls.origin.close()
        bad = cls.tree.stop()
        if bad:
            raise AssertionError(f"did not end in order: {bad}\n{cls.tree.logs_end(12)}")

    @classmethod
    def kill_all(cls):
        for process in cls.tree.running.values():
            if process.running():
                process.kill()

    def setUp(self):
        self.lan.heal()
        self.tree.start()
        self.tree.wait_ready()
        self.wait_whole()
        self.complaints = self.count_complaints()
        self.begun = time.monotonic()

    def count_complaints(self):
        result = self._outcome.result
        return len(result.failures) + len(result.errors)

    def tearDown(self):
        print(f"{self._testMethodName}: {time.monotonic() - self.begun:.1f} s", file=sys.stderr)
        if self.count_complaints() > self.complaints:
            print(self.tree.logs_end(12), file=sys.stderr)

    # ---- The tree.

    @classmethod
    def managers(cls, *scopes):
        """The names of all managers, or of those of these scopes."""
        return [name for name, process in cls.tree.processes.items()
                if process["role"] == "manager" and (not scopes or process["scope"] in scopes)]

    @classmethod
    def asked(cls, scope, *words):
        """What the command says at a scope, for programs; None if nobody answers. The exit status
        says nothing here: that not all is well is in the answer."""
        done = cls.tree.cli(scope, *words, "--json", check=False)
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            return None

    @classmethod
    def row(cls, scope):
        """What the exchange's tree says of a scope; empty if nothing."""
        rows = (cls.asked(EXCHANGE, "tree") or {}).get("scopes", [])
        return next((row for row in rows if row["scope"] == scope), {})

    @classmethod
    def heard(cls, scope):
        """Whether the parent of a scope hears it."""
        parent = cls.tree.scopes[scope]["parent"]
        rows = (cls.asked(parent, "tree") or {}).get("scopes", [])
        return any(row["scope"] == scope and row["heard"] for row in rows)

    @classmethod
    def wait_whole(cls):
        """Until each scope is linked to its parent, and has applied what there is of the site."""
        def whole():
            rows = (cls.asked(EXCHANGE, "tree") or {}).get("scopes", [])
            # Who is attached, and has not reported yet, tells nothing of its link.
            linked = [row for row in rows[1:]
                      if row["heard"] and row.get("up", {}).get("connected")]
            return len(linked) == len(cls.tree.scopes) - 1
        wait_until(whole, "all links are there", CONVERGES, 0.1)
        wait_until(lambda: cls.everywhere(cls.site_state()), "all have the site", CONVERGES, 0.1)

    # ---- Links.

    def links(self, *pairs):
        """Of pairs of scopes all machines that speak to each other, both ways."""
        both = []
        for one, other in pairs:
            for manager in self.managers(one):
                for peer in self.managers(other):
                    both.append((self.machines[manager], self.machines[peer]))
                    both.append((self.machines[peer], self.machines[manager]))
        return both

    # ---- Sites and purges.

    @classmethod
    def write_site(cls, ttl):
        path = cls.folder / "films.yaml"
        path.write_text(f"name: {SITE}\nhosts: [{HOST}]\nttl: {ttl}\n"
                        f"origins: [{{host: {_ORIGIN}, port: 8000}}]\n")
        return path

    def apply_site(self, ttl):
        """Applies another version at the exchange, as soon as somebody leads it; the version that
        was acknowledged."""
        path = self.write_site(ttl)
        told = wait_until(lambda: self.asked(EXCHANGE, "site", "apply", "-f", path),
                          "the site is applied", CONVERGES)
        return int(told["version"])

    @classmethod
    def site_state(cls, scope=EXCHANGE):
        """(version, position of the purge log) at a scope."""
        state = (cls.asked(scope, "site", "status", SITE) or {}).get("state", {})
        return int(state.get("version", 0)), int(state.get("position", 0))

    @classmethod
    def everywhere(cls, state):
        """Whether all scopes have exactly this of the site, all engines have done it, and clients
        are sent everywhere."""
        told = cls.asked(EXCHANGE, "site", "status", SITE) or {}
        rows = told.get("rows", [])
        return (state[0] > 0 and len(rows) == len(cls.tree.scopes)
                and all((int(row["state"]["version"]), int(row["state"]["position"])) == state
                        and row["serving"] == row["applied"] == row["engines"] for row in rows)
                and all(scope["heard"] and scope["caught_up"] for scope in told["scopes"]))

    def purge(self, *paths):
        """Orders a purge at the exchange, as soon as somebody leads it; the report."""
        uris = [self.uri(path) for path in paths]
        told = wait_until(lambda: self.asked(EXCHANGE, "content", "purge", *uris), "is purged",
                          CONVERGES)
        return told["purges"][0]

    # ---- Contents.

    @staticmethod
    def uri(path):
        return f"http://{HOST}{path}"

    def write(self, path, body):
        """A file of the origin, replaced as a whole."""
        return self.place(self.folder / "origin", path, body)

    def place(self, folder, path, body):
        file = folder / path.lstrip("/")
        if not file.parent.is_dir():
            file.parent.mkdir(parents=True)
            file.parent.chmod(0o755)
        new = self.folder / f"new-{threading.get_ident()}"
        new.write_bytes(body)
        new.rename(file)
        return body

    @classmethod
    def library(cls, engine):
        return pathlib.Path(cls.tree.processes[engine]["data_folder"]) / "library" / SITE

    def put(self, engine, path):
        """The engine has it from now on; its origin, too."""
        body = f"{path} as it is".encode()
        self.write(path, body)
        self.place(self.library(engine), path, body)
        return body

    def take(self, engine, path):
        (self.library(engine) / path.lstrip("/")).unlink()

    @classmethod
    def known(cls, scope, prefix):
        """The paths that begin so and that a scope's own directory has; whoever is asked asks
        nobody else for that. None if nobody answers."""
        done = cls.tree.cli(scope, "content", "list", "--site", SITE, "--json", check=False)
        if done.returncode != 0:
            return None
        begin = cls.uri(prefix)
        uris = [json.loads(line)["uri"] for line in done.stdout.splitlines()]
        return {uri[len(cls.uri("")):] for uri in uris if uri.startswith(begin)}

    @classmethod
    def knowing(cls, path, engine):
        """The scopes that are to know of a copy at an engine, by the policies."""
        scopes = []
        scope = scope_of(engine)
        while scope:
            scopes.append(scope)
            hidden = scope == HIDES and path.startswith(HIDDEN)
            scope = "" if hidden else cls.tree.scopes[scope].get("parent", "")
        return scopes

    def wait_exact(self, prefix, held):
        """Until each scope's directory has, of what begins so, exactly what the policies say of
        these: [(path, engine)]."""
        wanted = {scope: set() for scope in self.tree.scopes}
        for path, engine in held:
            for scope in self.knowing(path, engine):
                wanted[scope].add(path)
        found = {}

        def exact():
            found.update({scope: self.known(scope, prefix) for scope in wanted})
            return found == wanted
        try:
            wait_until(exact, "all levels know what they should", CONVERGES, 0.1)
        except Exception as error:
            wrong = {scope: (sorted(found[scope] or ()), sorted(wanted[scope]))
                     for scope in wanted if found[scope] != wanted[scope]}
            raise AssertionError(f"{error}: known and wanted: {wrong}") from error

    def located(self, scope, path):
        """Who has it, as a scope's manager finds it with the help of all others: names of engines,
        and of scopes where no engine was named."""
        told = self.asked(scope, "locate", self.uri(path), "--trace") or {}
        return [f"{copy['scope']}/{copy['engine']}".rstrip("/") for copy in told.get("copies", [])]

    # ---- Clients.

    def visit(self, front, path):
        return follow(front, self.tree.http(front), path)

    def visitor(self, front, paths, good, pause):
        return Visitor(front, self.tree.http(front), paths, good, pause)

    def fill(self, fronts, path):
        """Clients of these have got it from the origin, or from each other."""
        self.write(path, b"old")
        for front in fronts:
            self.assertEqual(self.visit(front, path).answer.body, b"old")

    def check_new(self, path):
        """Whoever is asked, nobody serves what was purged."""
        for front in self.managers():
            visit = self.visit(front, path)
            self.assertEqual((visit.answer.status, visit.answer.body), (200, b"new"), visit)

    def address(self, name):
        return f"10.77.0.{self.machines[name]}"
