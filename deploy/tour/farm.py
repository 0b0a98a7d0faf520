"""A farm of real processes on one machine: manager, engines with their nginx, origin, certificates.

Everything it starts it ends, by pid. Used by deploy/quickstart and by the tests.
"""

import functools
import json
import os
import pathlib
import signal
import subprocess
import urllib.error
import urllib.request

import waiting

PATIENCE = 30


class FarmError(Exception):
    """Something did not come up, or did not answer; the text is for people."""


class Process:
    """A program that runs until it is stopped; its log is a file."""

    def __init__(self, name, command, log):
        self.name = name
        self.command = command
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.running():
            self.process.send_signal(number)

    def stop(self, limit=10):
        """Ends it in order; by force after the limit. Gives its exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.process.wait()

    def log_end(self, lines=8):
        text = pathlib.Path(self.log).read_text(errors="replace").splitlines()
        return "\n".join(text[-lines:])


wait_until = functools.partial(waiting.wait_until, failure=FarmError)


def host_of(address):
    return f"[{address}]" if ":" in address else address


class Programs:
    """Where the built programs are."""

    def __init__(self, root):
        self.manager = os.path.join(root, "service_manager/app/service_manager")
        self.engine = os.path.join(root, "service_engine/app/service_engine")
        self.strata = os.path.join(root, "cli/strata")


class Farm:
    """One Service Manager and its engines."""

    scope = "demo/dc-one/lan-a"

    def __init__(self, programs, folder, *, manager_address="127.0.83.1", interface="lo",
                 group="239.255.83.1", group_port=7450, http_port=8080, weights=None,
                 requests_per_client=0):
        self.programs = programs
        self.folder = pathlib.Path(folder)
        self.manager_address = manager_address
        self.interface = interface
        self.group = group
        self.group_port = group_port
        self.http_port = http_port
        self.requests_per_client = requests_per_client
        self.manager = None  # The founder, sm-1.
        self.backups = {}  # Name -> Process: the other managers.
        self.backup_addresses = {}  # Name -> address
        self.engines = {}  # Name -> Process
        self.addresses = {}  # Name -> address
        self.certificates = {}  # Name -> whose certificate it has, if not its own
        self.wrap = {}  # Name -> command in front of the process, such as "ip netns exec NAME"
        self.loopback = True
        self.serve_alone = False
        self.light = set()  # Engines that keep their own copies only.
        self.workers = 1

    # ---- Certificates.

    @property
    def pki(self):
        return self.folder / "pki"

    def make_certificates(self, engines):
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.pki / "ca.pem").exists():
            self.run([self.programs.strata, "pki", "init", "--dir", self.pki, "--scope",
                      self.scope])
            self.issue("manager", "sm-1")
            self.issue("operator", "admin")
            self.issue("viewer", "watcher")
        for name in engines:
            if not (self.folder / "certificates" / name).exists():
                self.issue("engine", name)

    def issue(self, role, name):
        self.run([self.programs.strata, "pki", "issue", "--dir", self.pki, "--role", role, "--name",
                  name, "--out", self.folder / "certificates" / name])

    def revoke(self, name):
        self.run([self.programs.strata, "pki", "revoke", "--dir", self.pki, name])
        self.manager.signal(signal.SIGHUP)

    @staticmethod
    def run(command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise FarmError(f"{' '.join(str(w) for w in command)}:\n{done.stderr}{done.stdout}")
        return done.stdout

    def tls(self, name):
        files = self.folder / "certificates" / name
        return (f"tls:\n  authority: {files}/ca.pem\n  certificate: {files}/certificate.pem\n"
                f"  key: {files}/key.pem\n  revoked: {self.pki}/crl.pem\n")

    # ---- The manager.

    @property
    def manager_addresses(self):
        """Name -> address, of all managers."""
        return {"sm-1": self.manager_address, **self.backup_addresses}

    @property
    def managers(self):
        """Name -> process, of all managers that were started."""
        return {"sm-1": self.manager, **self.backups}

    @property
    def rpc(self):
        return f"{host_of(self.manager_address)}:7400"

    def facts(self, name):
        """What a manager's /healthz says, by name; empty if it does not answer."""
        text = self.fetch_status(self.manager_addresses[name], 7401, "/healthz")[1]
        return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)

    def leader(self):
        """The manager that leads; empty: none says so, or more than one."""
        leaders = [name for name in self.manager_addresses
                   if self.facts(name).get("role") == "leads the farm"]
        return leaders[0] if len(leaders) == 1 else ""

    def all_rpc(self):
        return [f"'{host_of(address)}:7400'" for address in self.manager_addresses.values()]

    @property
    def http(self):
        return f"http://{host_of(self.manager_address)}:{self.http_port}"

    def manager_folder(self, name="sm-1"):
        return self.folder / ("manager" if name == "sm-1" else name)

    def write_manager_settings(self, name="sm-1"):
        address = host_of(self.manager_addresses[name])
        loopback = str(self.loopback).lower()
        path = self.manager_folder(name).with_suffix(".yaml")
        others = [f"'{host_of(other)}:7400'" for its, other in self.manager_addresses.items()
                  if its != name and (name != "sm-1" or self.backups)]
        # Only where there are others: a program from before there were backups knows no such key.
        backup_of = f"backup_of: [{', '.join(others)}]\n" if others else ""
        path.write_text(
            f"data_folder: {self.manager_folder(name)}\n{self.tls(name)}{backup_of}"
            f"lan: {{interface: {self.interface}, "
            f"unicast_address: '{self.manager_addresses[name]}', "
            f"loopback: {loopback}}}\n"
            f"group: {{address: '{self.group}', port: {self.group_port}}}\n"
            f"rpc_listen: '{address}:7400'\nstatus_listen: '{address}:7401'\n"
            f"http:\n  listen: ['{address}:{self.http_port}']\n  threads: 1\n"
            f"  operators: ['127.0.0.0/8', '10.0.0.0/8', '::1/128', 'fd00::/8']\n"
            f"  requests_per_client: {self.requests_per_client}\n")
        return path

    def start_manager(self, name="sm-1", address=None):
        """Starts a manager; all but sm-1 are backups, and need an address at first."""
        if address:
            self.backup_addresses[name] = address
        if not (self.folder / "certificates" / name).exists():
            self.issue("manager", name)
        settings = self.write_manager_settings(name)
        short = self.manager_folder(name).name
        command = self.wrap.get(short, []) + [self.programs.manager, "--config", str(settings)]
        process = Process(short, command, self.folder / f"{short}.log")
        if name == "sm-1":
            self.manager = process
        else:
            self.backups[name] = process

    def wait_for_manager(self, name="sm-1"):
        self.wait_healthy(self.managers[name], self.manager_addresses[name], 7401)

    def wait_healthy(self, process, address, port, patience=PATIENCE):
        def healthy():
            if not process.running():
                raise FarmError(f"{process.name} ended:\n{process.log_end()}")
            return self.fetch_status(address, port, "/healthz")[0] == 200
        try:
            wait_until(healthy, f"{process.name} is well", patience)
        except FarmError as error:
            raise FarmError(f"{error}\n{process.log_end()}") from error

    @staticmethod
    def fetch_status(address, port, path):
        """Status and text of a page of a status server; 0 if there is none."""
        url = f"http://{host_of(address)}:{port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=3) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    # ---- Engines.

    def engine_folder(self, name):
        return self.folder / name

    def library(self, name, site):
        path = self.engine_folder(name) / "library" / site
        path.mkdir(parents=True, exist_ok=True)
        self.engine_folder(name).chmod(0o711)
        return path

    def write_engine_settings(self, name):
        address = host_of(self.addresses[name])
        loopback = str(self.loopback).lower()
        path = self.folder / f"{name}.yaml"
        user = "  user: www-data\n" if os.geteuid() == 0 else ""
        path.write_text(
            f"data_folder: {self.engine_folder(name)}\n"
            f"{self.tls(self.certificates.get(name, name))}"
            f"lan: {{interface: {self.interface}, unicast_address: '{self.addresses[name]}', "
            f"loopback: {loopback}}}\n"
            f"managers: [{', '.join(self.all_rpc())}]\nclients: ['{address}:{self.http_port}']\n"
            f"peers: ['{address}:{self.http_port + 1}']\nstatus_listen: '{address}:7402'\n"
            f"serve_alone: {str(self.serve_alone).lower()}\n"
            f"light: {str(name in self.light).lower()}\n"
            f"capacity: {{bandwidth_in: 1000, bandwidth_out: 1000}}\n"
            f"nginx:\n  workers: {self.workers}\n  cache_size: 2GiB\n{user}")
        return path

    def start_engine(self, name, address=None):
        if address:
            self.addresses[name] = address
        settings = self.write_engine_settings(name)
        command = self.wrap.get(name, []) + [self.programs.engine, "--config", str(settings)]
        self.engines[name] = Process(name, command, self.folder / f"{name}.log")

    def wait_for_engine(self, name, patience=PATIENCE):
        self.wait_healthy(self.engines[name], self.addresses[name], 7402, patience)
        try:
            wait_until(lambda: self.row(name)["status"] == "up", f"{name} is up", patience, 0.1)
        except FarmError as error:
            raise FarmError(f"{error}\n{self.row(name)}") from error

    def stop(self):
        """Ends everything; gives the names of what did not end in order."""
        bad = []
        for process in [*self.engines.values(), *self.managers.values()]:
            if process:
                process.signal(signal.SIGTERM)
        for process in [*self.engines.values(), *self.managers.values()]:
            if process and process.running() and process.stop() not in (0, -signal.SIGKILL):
                bad.append(process.name)
        return bad

    # ---- The command.

    def strata(self, *words, who="admin", check=True, manager=None):
        """Runs the command at a certain manager, or at who leads; its text."""
        files = self.folder / "certificates" / who
        settings = self.folder / f"cli-{who}.yaml"
        manager = manager or (self.backups and self.leader()) or "sm-1"
        rpc = f"{host_of(self.manager_addresses[manager])}:7400"
        settings.write_text(f"manager: '{rpc}'\nca: {files}/ca.pem\n"
                            f"certificate: {files}/certificate.pem\nkey: {files}/key.pem\n")
        command = [self.programs.strata, "--config", str(settings), *(str(word) for word in words)]
        done = subprocess.run(command, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise FarmError(f"strata {' '.join(str(w) for w in words)}: status {done.returncode}\n"
                            f"{done.stderr}{done.stdout}")
        return done.stdout if check else done

    def show(self):
        return json.loads(self.strata("farm", "show", "--json"))

    def row(self, name):
        try:
            rows = self.show().get("engines", [])
        except FarmError:
            rows = []
        return next((row for row in rows if row["name"] == name), {"status": "?"})

    def locate(self, uri):
        return json.loads(self.strata("locate", uri, "--json"))

    def holders(self, uri):
        return [copy["engine"] for copy in self.locate(uri).get("copies", [])]

    def purge(self, *uris):
        return json.loads(self.strata("content", "purge", *uris, "--json", check=False).stdout)

    def verify(self):
        done = self.strata("farm", "verify", "--json", check=False)
        return json.loads(done.stdout)

    def apply_site(self, text):
        path = self.folder / "site.yaml"
        path.write_text(text)
        return self.strata("site", "apply", "-f", path)
