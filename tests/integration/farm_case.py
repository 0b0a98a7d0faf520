"""What the scenarios of a farm share: a LAN with a manager, engines, an origin and a client."""

import atexit
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import unittest
import urllib.parse

from clients import Load, ask, digest, enter, processes_below
from lab import Lan

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "deploy/tour"))
# pylint: disable=wrong-import-position
from farm import Farm, Programs, host_of, wait_until
from origin import Origin

HOST = "films.example"
ENGINES = ("north-1", "north-2", "south-1")
PORT = 8080

_CLIENT = 5  # The machine of clients and origins: this process.
_GUEST = 6   # For one more engine.
_BACKUPS = (7, 8)  # For more managers.
_PREFIXES = {4: "10.77.0.", 6: "fd77::"}
_GROUPS = {4: "239.77.0.1", 6: "ff15::77:1"}


class FarmCase(unittest.TestCase):
    """A farm of one manager and three engines, which all tests of a class share; each test has
    contents of its own, and finds the farm whole."""

    family = 4
    lan = None
    guest_machine = _GUEST
    light = ()  # Engines that are configured light.
    backups = 0  # Managers beside the one that founds the farm.

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-farm-"))
        cls.folder.chmod(0o711)
        atexit.register(shutil.rmtree, cls.folder, ignore_errors=True)
        if FarmCase.lan is None:
            # Who ends the test ends the farm, too.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
            FarmCase.lan = Lan(_BACKUPS[-1])
            enter(FarmCase.lan.machines[_CLIENT])
        address = _PREFIXES[cls.family]
        cls.farm = Farm(Programs(os.getcwd()), cls.folder / "farm", manager_address=f"{address}1",
                        interface="eth0", group=_GROUPS[cls.family], http_port=PORT)
        atexit.register(cls.kill_farm)
        cls.addClassCleanup(cls.end_farm)
        cls.farm.loopback = False
        cls.farm.light = set(cls.light)
        cls.guest_address = f"{address}{_GUEST}"
        cls.machines = {"manager": 1}
        for number, name in enumerate(ENGINES, 2):
            cls.machines[name] = number
            cls.farm.addresses[name] = f"{address}{number}"
        for name, machine in cls.machines.items():
            cls.farm.wrap[name] = cls.lan.command(machine)
        for number in range(cls.backups):
            name = f"sm-{number + 2}"
            cls.machines[name] = _BACKUPS[number]
            cls.farm.wrap[name] = cls.lan.command(_BACKUPS[number])
            cls.farm.backup_addresses[name] = f"{address}{_BACKUPS[number]}"
        (cls.folder / "origin").mkdir()
        cls.origin = Origin(cls.folder / "origin", f"{address}{_CLIENT}")
        cls.addClassCleanup(cls.origin.close)
        cls.farm.make_certificates(ENGINES)
        cls.prepare()
        for name in cls.farm.manager_addresses:
            cls.farm.start_manager(name)
        for name in ENGINES:
            cls.farm.start_engine(name)
        cls.wait_whole()
        cls.farm.apply_site(cls.site())

    @classmethod
    def prepare(cls):
        """What a class needs before its farm starts."""

    @classmethod
    def kill_farm(cls):
        for process in [*cls.farm.engines.values(), *cls.farm.managers.values()]:
            if process and process.running():
                process.kill()

    @classmethod
    def end_farm(cls):
        for process in [*cls.farm.engines.values(), *cls.farm.managers.values()]:
            if process and process.running():
                for pid in processes_below(process.pid):
                    os.kill(pid, signal.SIGCONT)
        started = time.monotonic()
        bad = cls.farm.stop()
        if bad or time.monotonic() - started > 10:
            raise AssertionError(f"did not end in order, or in time: {bad}")

    @classmethod
    def wait_whole(cls):
        """Until manager and engines are up."""
        for name in cls.farm.managers:
            cls.farm.wait_for_manager(name)
        for name in ENGINES:
            cls.farm.wait_for_engine(name)

    @classmethod
    def site(cls, *lines, name="films", host=HOST):
        origin = f"{_PREFIXES[cls.family]}{_CLIENT}"
        return "\n".join([f"name: {name}", f"hosts: [{host}]",
                          f"origins: [{{host: '{host_of(origin)}', port: 8000}}]", *lines, ""])

    def setUp(self):
        self.lan.heal()
        self.lan.lose(0)
        for name, process in self.farm.managers.items():
            if not process.running():
                self.farm.start_manager(name)
        for name in ENGINES:
            if not self.farm.engines[name].running():
                self.farm.start_engine(name)
        self.wait_whole()
        self.begun = time.monotonic()

    def tearDown(self):
        print(f"{self._testMethodName}: {time.monotonic() - self.begun:.1f} s", file=sys.stderr)
        if self._outcome.result.failures or self._outcome.result.errors:
            self.tell_logs()

    def tell_logs(self):
        for process in [*self.farm.managers.values(), *self.farm.engines.values()]:
            print(f"---- {process.name}\n{process.log_end(12)}", file=sys.stderr)

    # ---- Contents.

    def write(self, path, body):
        """A file of the origin, replaced as a whole: who reads the old one reads on."""
        file = self.folder / "origin" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(file.name + ".new")
        new.write_bytes(body)
        new.rename(file)
        return body

    def uri(self, path):
        return f"http://{HOST}{path}"

    # ---- Clients.

    def engine_url(self, name, path, form="/_s/" + HOST):
        return f"http://{host_of(self.farm.addresses[name])}:{PORT}{form}{path}"

    def at(self, name, path, **options):
        """Asks an engine, as one who was sent there."""
        return ask(self.engine_url(name, path), **options)

    def get(self, path, host=HOST, **options):
        """Asks the manager, and goes where it sends."""
        answer = ask(self.farm.http + path, host=host, **options)
        hops = answer.hops
        while answer.status in (302, 307) and len(hops) < 5:
            answer = ask(answer.headers["Location"], **options)
            hops += answer.hops
        answer.hops = hops
        return answer

    def machine(self, name):
        """The number of a manager's machine."""
        return self.machines["manager" if name == "sm-1" else name]

    def name_of(self, address):
        return next((n for n, a in self.farm.addresses.items() if a == address), "manager")

    def fill(self, path, body=None):
        """A content that one engine holds and all know of; the engine's name, and the body."""
        if body is not None:
            self.write(path, body)
        answer = self.get(path)
        self.assertEqual(answer.status, 200, path)
        holders = wait_until(lambda: self.farm.holders(self.uri(path)), f"{path} is held")
        return holders[0], answer.body

    def check_everywhere(self, path, body):
        """Every engine serves exactly this, by both ways."""
        for name in ENGINES:
            answer = self.at(name, path)
            self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)),
                             f"{path} at {name}: {answer.body[:60]}")
        answer = self.get(path)
        self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)), path)

    def check_purged(self, path):
        """Purges, and checks that all have confirmed."""
        outcome = self.farm.purge(self.uri(path))
        self.assertTrue(outcome.get("complete"), outcome)

    # ---- The farm.

    def check_a_purge_takes_all_copies(self, path):
        """Every engine holds a copy, the content changes, a purge takes them all."""
        self.farm.apply_site(self.site("minimum_copies: 3"))
        self.addCleanup(lambda: self.farm.apply_site(self.site()))
        self.write(path, b"old")
        self.check_everywhere(path, b"old")
        wait_until(lambda: len(self.farm.holders(self.uri(path))) == 3, "all hold it")
        new = self.write(path, b"new one")
        self.check_purged(path)
        self.check_everywhere(path, new)

    def wait_status(self, name, *wanted, patience=20):
        wait_until(lambda: self.farm.row(name)["status"] in wanted, f"{name} is {wanted}",
                   patience, 0.1)

    def wait_sent_elsewhere(self, path, name):
        """Until the manager sends nobody to an engine any more: its front end looks at the rows
        many times a second, not at each request."""
        def elsewhere():
            sent = ask(self.farm.http + path, host=HOST).headers.get("Location", "")
            return self.name_of(urllib.parse.urlsplit(sent).hostname) not in (name, "manager")
        wait_until(elsewhere, f"{name} gets no clients", 20)

    def check_equal(self):
        """All tables are equal; what is on its way arrives first."""
        wait_until(lambda: self.farm.verify().get("equal"), "all tables are equal", 20,
                   0.2)
