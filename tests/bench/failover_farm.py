"""A farm of three managers and three engines for a benchmark, each on a machine of its own: a
network namespace. Clients reach it at floating addresses."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

_ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(_ROOT / "tests" / "integration"), str(_ROOT / "deploy" / "tour")]

import clients  # noqa: E402
import farm  # noqa: E402
import lab  # noqa: E402

wait_until = farm.wait_until

HOST = "films.example"
SITE = "films"
PORT = 8080
FLOATING = ("10.77.0.100", "fd77::100")
GUEST = "10.77.0.8"
CLIENT = 7
_GUEST = 8
_MANAGERS = {"sm-1": 1, "sm-2": 2, "sm-3": 3}
_ENGINES = {"engine-1": 4, "engine-2": 5, "engine-3": 6}
_PATIENCE = 120
_FILES_OF_A_FOLDER = 1000


class _Programs:
    """All in one folder."""

    def __init__(self, folder):
        self.manager, self.engine, self.strata = (
            str(folder / name) for name in ("service_manager", "service_engine", "strata"))


class _Farm(farm.Farm):
    """With floating addresses."""

    def write_manager_settings(self, name="sm-1"):
        path = super().write_manager_settings(name)
        addresses = ", ".join(f"'{address}'" for address in FLOATING)
        path.write_text(path.read_text(encoding="utf-8").replace(
            "\nhttp:\n", f"\nhttp:\n  floating: {{addresses: [{addresses}]}}\n"), encoding="utf-8")
        return path


def floating_hosts():
    return [farm.host_of(address) for address in FLOATING]


def body_of(folder):
    """What the files of a folder of the libraries are; the same in all of it."""
    return f"all files of folder {folder} are this\n".encode()


def _fill_library(library, first, folders):
    """Folders of many files each. The files of one folder are links to one file: a million of
    their own would be 4 GB."""
    for number in range(first, first + folders):
        folder = library / str(number)
        folder.mkdir()
        (folder / "0").write_bytes(body_of(number))
        source = os.open(folder, os.O_RDONLY)
        for i in range(1, _FILES_OF_A_FOLDER):
            os.link("0", str(i), src_dir_fd=source, dst_dir_fd=source)
        os.close(source)


class FailoverFarm:
    """Managers sm-1 to sm-3, engines engine-1 to engine-3. This process is on the clients'
    machine."""

    def __init__(self, programs, folder, lan, contents):
        self.programs = programs
        self.lan = lan
        self.farm = _Farm(_Programs(programs), folder, manager_address="10.77.0.1",
                          interface="eth0", group="239.77.0.1", http_port=PORT)
        self.farm.loopback = False
        self.engines = list(_ENGINES)
        self.contents = contents // _FILES_OF_A_FOLDER * _FILES_OF_A_FOLDER
        for name, machine in (_MANAGERS | _ENGINES).items():
            self.farm.wrap["manager" if name == "sm-1" else name] = lan.command(machine)
        for name in ("sm-2", "sm-3"):
            self.farm.backup_addresses[name] = f"10.77.0.{_MANAGERS[name]}"
        for name, machine in _ENGINES.items():
            self.farm.addresses[name] = f"10.77.0.{machine}"

    # ---- Start and end.

    def start(self):
        self.farm.make_certificates([*_ENGINES, "guest"])
        for name in _MANAGERS:
            self.farm.start_manager(name)
            self.farm.wait_for_manager(name)
        first = 0
        folders = self.contents // _FILES_OF_A_FOLDER
        for i, name in enumerate(_ENGINES):
            library = self.farm.library(name, SITE)
            share = (folders - first) // (len(_ENGINES) - i)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,nr_inodes=0", "library",
                            library], check=True)
            _fill_library(library, first, share)
            first += share
        for name in _ENGINES:
            self.farm.start_engine(name)
        self.wait_whole()
        # Nobody asks the origin: there is none.
        self.farm.apply_site(f"name: {SITE}\nhosts: [{HOST}]\norigins: [{{host: 10.77.0.7, "
                             f"port: 9}}]\n")
        self.wait_contents()
        for name in _ENGINES:
            target = f"http://{self.engine_target(name)}"
            farm.wait_until(lambda t=target: clients.ask(t).good, f"{target} is served", _PATIENCE)

    def end(self):
        for process in self.processes():
            for pid in clients.processes_below(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        bad = self.farm.stop()
        for name in _ENGINES:
            subprocess.run(["umount", "-l", self.farm.library(name, SITE)], check=False,
                           stderr=subprocess.DEVNULL)
        if bad:
            print(f"not ended in order: {', '.join(bad)}", file=sys.stderr)

    def processes(self):
        return [process for process in [*self.farm.engines.values(), *self.farm.managers.values()]
                if process and process.running()]

    def cut_power(self):
        """All at once, nginx too."""
        for process in self.processes():
            for pid in clients.processes_below(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.kill()

    def start_all(self, order):
        for name in order:
            if name in _MANAGERS:
                self.farm.start_manager(name)
            else:
                self.farm.start_engine(name)

    @staticmethod
    def members():
        return [*_MANAGERS, *_ENGINES]

    # ---- Looking.

    def leader(self):
        return farm.wait_until(self.farm.leader, "somebody leads", _PATIENCE, 0.02)

    def wait_backup(self, name, pause=0.02):
        farm.wait_until(lambda: self.farm.facts(name).get("role") == "backup, in step",
                        f"{name} is a backup", _PATIENCE, pause)

    def managers_in(self):
        roles = sorted(self.farm.facts(name).get("role", "") for name in _MANAGERS)
        return roles == ["backup, in step", "backup, in step", "leads the farm"]

    def engines_up(self):
        """Up, and have told all that they hold."""
        try:
            rows = [row for row in self.farm.show()["engines"] if row["name"] in _ENGINES]
        except farm.FarmError:
            return False
        return (len(rows) == len(_ENGINES) and all(
            row["status"] == "up" and not row.get("telling") for row in rows) and
            sum(int(row.get("assets", 0)) for row in rows) == self.contents)

    def locations_in(self):
        """All managers know all locations."""
        return all(int(self.farm.facts(name).get("locations", 0)) >= self.contents
                   for name in _MANAGERS)

    def wait_whole(self):
        farm.wait_until(self.managers_in, "all managers are in", _PATIENCE, 0.05)
        for name in _ENGINES:
            self.farm.wait_for_engine(name, _PATIENCE)

    def wait_contents(self):
        farm.wait_until(lambda: self.engines_up() and self.locations_in(),
                        f"{self.contents:,} contents are known", _PATIENCE, 0.2)

    def wait_contents_again(self):
        """After all began anew."""
        farm.wait_until(self.managers_in, "all managers are in", _PATIENCE, 0.05)
        self.wait_contents()

    def wait_served(self):
        """Both floating addresses answer."""
        for host in floating_hosts():
            farm.wait_until(lambda h=host: clients.ask(
                f"http://{h}:{PORT}/0/0", host=HOST, timeout=0.5).status in (302, 307),
                f"{host} is served", _PATIENCE, 0.02)

    @staticmethod
    def serves(number, host=None, index=0):
        """Whether a client gets the right bytes of a file of this folder, by a redirect."""
        host = host or floating_hosts()[0]
        answer = clients.ask(f"http://{host}:{PORT}/{number}/{index}", host=HOST, timeout=0.5)
        if answer.status not in (302, 307):
            return False
        answer = clients.ask(answer.headers["Location"], timeout=2)
        return answer.good and answer.body == body_of(number)

    # ---- Addresses.

    def engine_target(self, name):
        """A content that this engine holds."""
        library = self.farm.library(name, SITE)
        folder = min(entry.name for entry in library.iterdir() if entry.name.isdigit())
        return f"{self.farm.addresses[name]}:{PORT}/_s/{HOST}/{folder}/0"

    def guest_command(self, program, *words):
        return self.lan.command(_GUEST, str(self.programs / program), *words)

    def wipe(self, name):
        """A manager's machine is replaced: what it had is gone."""
        self.farm.managers[name].kill()
        shutil.rmtree(self.farm.manager_folder(name))


@contextlib.contextmanager
def machines():
    """The machines; this process is on the clients' from then on."""
    lab.own_mounts()
    lan = lab.Lan(_GUEST)
    clients.enter(lan.machines[CLIENT])
    try:
        yield lan
    finally:
        lan.remove()


@contextlib.contextmanager
def running(programs, lan, contents):
    """A farm whose engines hold so many contents, from the start to the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # nginx's workers go through it.
        started = FailoverFarm(programs, pathlib.Path(folder) / "farm", lan, contents)
        try:
            started.start()
            yield started
        finally:
            started.end()
