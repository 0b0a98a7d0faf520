"""The farm that suffers: managers and engines, each on a machine with a network, a disk and a
clock of its own. As root; everything is gone when the process ends."""

import errno
import mmap
import os
import pathlib
import random
import shutil
import struct
import subprocess
import threading

import power_cut
from clients import enter, processes_below
from farm import Farm, FarmError, Process, host_of, wait_until
from lab import Lan, own_mounts

CLIENT_PORT = 8080
STATUS_PORTS = {"manager": 7401, "engine": 7402, "witness": 7403}
WITNESS = "w-1"
FLOATING_ADDRESSES = {4: "10.77.0.200", 6: "fd77::200"}  # Of whoever leads.
HOSTS = {"films": "films.example", "shop": "shop.example", "books": "books.example"}

_DISK_BYTES = 384 << 20
_CACHE = "128MiB"
_FILL_TRIES = 50


class Clock:
    """A machine's wall clock; machine_clock.cc reads it."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(8))
        path.chmod(0o644)
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 8)

    def set(self, seconds):
        self.memory[:8] = struct.pack("=q", int(seconds * 1e9))


def floating_url(family):
    return f"http://{host_of(FLOATING_ADDRESSES[family])}:{CLIENT_PORT}"


class Member:
    """A manager, an engine or a witness, and its machine."""

    def __init__(self, name, kind, machine, folder):
        self.name = name
        self.kind = kind  # A key of STATUS_PORTS.
        self.machine = machine
        self.addresses = {4: f"10.77.0.{machine}", 6: f"fd77::{machine}"}
        self.disk = folder / name
        self.clock = Clock(folder / f"{name}.clock")
        self.process = None
        self.starting = threading.Lock()

    @property
    def is_manager(self):
        return self.kind == "manager"

    @property
    def is_engine(self):
        return self.kind == "engine"

    @property
    def data(self):
        return self.disk / "data" if self.is_manager else self.disk

    @property
    def rpc(self):
        return f"{self.addresses[4]}:7400"

    def url(self, family):
        return f"http://{host_of(self.addresses[family])}:{CLIENT_PORT}"

    def running(self):
        return self.process is not None and self.process.running()

    def pids(self):
        """Of its processes, the program first."""
        return processes_below(self.process.pid) if self.running() else []


class Fleet(Farm):
    """`managers` managers, `engines` engines, and a witness perhaps."""

    scope = "chaos/dc-one/lan-a"

    def __init__(self, programs, folder, managers, engines, witness=False):
        super().__init__(programs, folder, interface="eth0", group="239.77.0.1",
                         http_port=CLIENT_PORT)
        self.loopback = False
        self.founded = False
        self.leader_seen = ""  # By who looks; the command asks it first.
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        own_mounts()
        self.lan = Lan(managers + engines + 2)
        self.members = {}
        for number in range(1, managers + 1):
            self._add(f"sm-{number}", "manager", number)
        for number in range(1, engines + 1):
            self._add(f"engine-{number}", "engine", managers + number)
        self.client_machine = managers + engines + 1
        if witness:
            self._add(WITNESS, "witness", self.client_machine + 1)
        self.client_address = f"10.77.0.{self.client_machine}"
        self.shim = self.folder / "libmachine.so"
        shutil.copy(programs.shim, self.shim)
        self.shim.chmod(0o755)
        enter(self.lan.machines[self.client_machine])

    def _add(self, name, kind, machine):
        member = Member(name, kind, machine, self.folder)
        member.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES},mode=711", "chaos",
                        member.disk], check=True)
        if member.is_manager:
            power_cut.settle(member.data, *self.power(member))
        self.members[name] = member
        self.addresses[name] = member.addresses[4]

    @staticmethod
    def power(member):
        """Journal and shadow of a manager's disk (machine_disk.cc)."""
        member.data.mkdir(exist_ok=True)
        return member.disk.with_name(member.name + ".journal"), member.disk / "shadow"

    @property
    def managers_list(self):
        return [m for m in self.members.values() if m.is_manager]

    @property
    def engines_list(self):
        return [m for m in self.members.values() if m.is_engine]

    # ---- Settings and certificates.

    def make_all_certificates(self):
        self.make_certificates([m.name for m in self.engines_list])
        for member in self.managers_list[1:]:
            self.issue("manager", member.name)
        if WITNESS in self.members:
            self.issue("witness", WITNESS)

    def write_settings(self, member):
        v4, v6 = (f"'{host_of(a)}:{{}}'" for a in member.addresses.values())
        floating = ", ".join(f"'{address}'" for address in FLOATING_ADDRESSES.values())
        both = f"[{v4}, {v6}]".replace("{}", str(CLIENT_PORT))
        lan = (f"lan: {{interface: eth0, unicast_address: '{member.addresses[4]}', "
               "loopback: false}\n")
        text = (f"data_folder: {member.data}\n{self.tls(member.name)}{lan}"
                f"status_listen: '0.0.0.0:{STATUS_PORTS[member.kind]}'\n")
        others = [f"'{m.rpc}'" for m in self.managers_list if m is not member]
        if not member.is_manager:
            text += f"managers: [{', '.join(others)}]\n"
        if member.is_manager:
            text += (f"group: {{address: '{self.group}', port: {self.group_port}}}\n"
                     f"rpc_listen: '{member.rpc}'\n"
                     f"http:\n  listen: {both}\n  threads: 1\n"
                     f"  floating: {{addresses: [{floating}]}}\n")
            # The first one founds the farm; later it looks for the others like everybody.
            if others and (member is not self.managers_list[0] or self.founded):
                text += f"backup_of: [{', '.join(others)}]\n"
        elif member.is_engine:
            text += (f"clients: {both}\n"
                     f"peers: ['{member.addresses[4]}:{CLIENT_PORT + 1}']\n"
                     "capacity: {bandwidth_in: 1000, bandwidth_out: 1000}\n"
                     f"nginx:\n  workers: 1\n  cache_size: {_CACHE}\n  user: www-data\n")
        path = self.folder / f"{member.name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    # ---- Processes.

    def start(self, member):
        """Who runs already goes on."""
        with member.starting:
            if not member.running():
                self._start(member)

    def _start(self, member):
        program = [self.programs.engine if member.is_engine else self.programs.manager]
        if member.kind == "witness":
            program.append("--witness")
        surroundings = [f"LD_PRELOAD={self.shim}", f"STRATA_CHAOS_CLOCK={member.clock.path}"]
        if member.is_manager:
            journal, shadow = self.power(member)
            surroundings += [f"STRATA_CHAOS_DISK={member.data}", f"STRATA_CHAOS_JOURNAL={journal}",
                             f"STRATA_CHAOS_SHADOW={shadow}"]
        command = self.lan.command(member.machine, "env", *surroundings, *program, "--config",
                                   str(self.write_settings(member)))
        member.process = Process(member.name, command, self.folder / f"{member.name}.log")

    def start_all(self):
        first = self.managers_list[0]
        self.start(first)
        wait_until(lambda: self.health(first)[0] == 200, f"{first.name} founds the farm", 30)
        self.founded = True
        for member in self.members.values():
            self.start(member)

    def end_all(self):
        """Ends all in order; gives the names of those that did not."""
        bad = []
        running = [m for m in self.members.values() if m.running()]
        for member in running:
            member.process.signal(15)
        for member in running:
            if member.process.stop() != 0:
                bad.append(member.name)
        return bad

    def kill_all(self):
        for member in self.members.values():
            if member.running():
                member.process.kill()

    def cut_power(self, member, seed):
        """Of a manager that is dead: its disk is as a power cut left it."""
        return power_cut.cut_power(member.data, *self.power(member), random.Random(seed))

    # ---- Disks.

    @staticmethod
    def fill_disk(member, free):
        """Leaves so many bytes of a member's disk; a manager's journal of syncs lies elsewhere."""
        for last in [False] * _FILL_TRIES + [True]:
            disk = os.statvfs(member.disk)
            size = disk.f_bavail * disk.f_frsize - int(free)
            if size <= 0:
                return
            try:
                with open(member.disk / "ballast", "wb") as file:
                    os.posix_fallocate(file.fileno(), 0, size)
                return
            except OSError as error:  # The member has written meanwhile.
                if last or error.errno != errno.ENOSPC:
                    raise

    @staticmethod
    def free_disk(member):
        (member.disk / "ballast").unlink(missing_ok=True)

    # ---- Network.

    def machines_of(self, names):
        return [self.members[name].machine for name in names]

    def slow_link(self, member, megabits):
        """What a member sends waits in a queue of its link; 0 ends that."""
        words = ["tc", "qdisc", "replace" if megabits else "del", "dev", "eth0", "root"]
        if megabits:
            words += ["tbf", "rate", f"{megabits}mbit", "burst", "32kb", "latency", "80ms"]
        subprocess.run(self.lan.command(member.machine, *words), check=bool(megabits),
                       capture_output=True)

    # ---- Asking.

    def health(self, member):
        """Status and facts of a member's /healthz; status 0 if nobody answers."""
        status, text = self.fetch_status(member.addresses[4], STATUS_PORTS[member.kind],
                                         "/healthz")
        facts = dict(line.split(": ", 1) for line in text.splitlines()[1:] if ": " in line)
        facts["reason"] = text.split("\n", 1)[0]
        return status, facts

    def strata(self, *words, who="admin", check=True, at=None):
        """The command; any of the managers may answer, or only the one it is asked `at`."""
        files = self.folder / "certificates" / who
        settings = self.folder / f"cli-{who}.yaml"
        if not settings.exists():
            first = self.managers_list[0].rpc
            settings.write_text(f"manager: '{first}'\nca: {files}/ca.pem\n"
                                f"certificate: {files}/certificate.pem\nkey: {files}/key.pem\n",
                                encoding="utf-8")
        named = []
        if len(self.managers_list) > 1:
            first = sorted(self.managers_list, key=lambda m: m.name != self.leader_seen)
            first = [at] if at else first
            named = [word for m in first for word in ("--manager", m.rpc)]
        command = [self.programs.strata, "--config", str(settings), *(str(w) for w in words),
                   *named]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode != 0:
            raise FarmError(f"strata {' '.join(map(str, words))}: status {done.returncode}\n"
                            f"{done.stderr}{done.stdout}")
        return done.stdout if check else done

    def rows(self):
        """Engine -> its row, as a manager tells it; nothing if none answers."""
        try:
            return {row["name"]: row for row in self.show().get("engines", [])}
        except FarmError:
            return {}
