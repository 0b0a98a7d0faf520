"""A federation of real processes on this machine, as `strata topology render` makes it of a file.

Everything it starts it ends, by pid. Used by deploy/quickstart and by the tests.
"""

import json
import pathlib
import signal
import subprocess

from farm import Farm, FarmError, Process, wait_until

LEADS = "leads the farm"
PATIENCE = 60


class Federation:
    """All processes of a topology, which are known by their names, such as cdn-one/lan-a/sm-1."""

    def __init__(self, programs, topology, folder):
        """Renders the topology (a path) into the folder; nothing is started yet."""
        self.programs = programs
        self.topology = pathlib.Path(topology)
        self.folder = pathlib.Path(folder)
        self.running = {}  # Name -> Process: what was started and not been replaced.
        self.wrap = {}  # Name -> command in front of a process, such as "ip netns exec NAME".
        self.render()

    def render(self, *options):
        """Renders (again), and reads what that made; options such as --founded."""
        Farm.run([self.programs.strata, "topology", "render", self.topology, "--dir", self.folder,
                  *options])
        told = json.loads((self.folder / "processes.json").read_text())
        # By name, in the order in which they are started.
        self.processes = {process["name"]: process for process in told["processes"]}
        self.scopes = {scope["scope"]: scope for scope in told["scopes"]}

    # ---- Starting and ending.

    def start(self, *names):
        """Starts these, or all that do not run, without waiting for them."""
        for name in names or self.processes:
            if not self.runs(name):
                self.start_one(name)

    def start_one(self, name):
        process = self.processes[name]
        pathlib.Path(process["data_folder"]).parent.mkdir(parents=True, exist_ok=True)
        program = {"strata-sm": self.programs.manager, "strata-se": self.programs.engine}
        self.running[name] = Process(
            name, [*self.wrap.get(name, []), program[process["program"]], *process["arguments"]],
            self.log(name))

    def runs(self, name):
        return name in self.running and self.running[name].running()

    def log(self, name):
        return self.folder / f"{name.replace('/', '_')}.log"

    def kill(self, name):
        """Ends it at once, as a power cut does."""
        self.running[name].kill()

    def end(self, name, limit=15):
        """Ends it in order; its exit status."""
        return self.running[name].stop(limit)

    def stop(self, limit=15):
        """Ends everything, children before parents; the names of what did not end in order."""
        for name in reversed(self.running):
            self.running[name].signal(signal.SIGTERM)
        bad = []
        for name, process in self.running.items():
            if process.running() and process.stop(limit) not in (0, -signal.SIGKILL):
                bad.append(name)
        return bad

    # ---- Waiting.

    def wait_ready(self, *names, patience=PATIENCE):
        """Until these, or all, say that they are well, scopes have somebody who leads, and farms
        have all their engines."""
        names = names or tuple(self.processes)
        for name in names:
            self.wait_well(name, patience)
        for scope in dict.fromkeys(self.processes[name]["scope"] for name in names):
            wait_until(lambda scope=scope: self.manager(scope), f"{scope} has one who leads",
                       patience, 0.1)
        for name in names:
            if self.processes[name]["role"] == "engine":
                wait_until(lambda name=name: self.row(name)["status"] == "up", f"{name} is up",
                           patience, 0.2)

    def wait_well(self, name, patience=PATIENCE):
        def well():
            if not self.runs(name):
                raise FarmError(f"{name} ended:\n{self.running[name].log_end()}")
            return self.status(name)[0] == 200
        try:
            wait_until(well, f"{name} is well", patience, 0.1)
        except FarmError as error:
            raise FarmError(f"{error}\n{self.status(name)[1]}{self.running[name].log_end()}") \
                from error

    # ---- Asking.

    def status(self, name, path="/healthz"):
        """Status and text of a process's status page; 0 if it does not answer."""
        host, _, port = self.processes[name]["status"].rpartition(":")
        return Farm.fetch_status(host.strip("[]"), port, path)

    def facts(self, name):
        """What /healthz says, by name; empty if it does not answer."""
        lines = self.status(name)[1].splitlines()
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    def metric(self, name, series):
        """The sum of a series of a process, or of those that begin so; 0 if there is none."""
        total = 0.0
        for line in self.status(name, "/metrics")[1].splitlines():
            if line.startswith((f"{series} ", f"{series}{{")):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def manager(self, scope):
        """The name of the manager that leads a scope; empty if none says so, or more than one."""
        leaders = [name for name in self.scopes[scope]["managers"]
                   if self.facts(name).get("role") == LEADS]
        return leaders[0] if len(leaders) == 1 else ""

    def engines(self, scope):
        """The names of a farm's engines."""
        return [name for name, process in self.processes.items()
                if process["scope"] == scope and process["role"] == "engine"]

    def http(self, name):
        """Where clients ask a process: http://ADDRESS:PORT; empty if it has no front end."""
        endpoints = self.processes[name]["http"]
        return f"http://{endpoints[0]}" if endpoints else ""

    def cli(self, scope, *words, check=True):
        """Runs `strata` as the operator of a scope; its text. Without `check`: the process that
        ended, whatever its status."""
        settings = self.scopes[scope]["command_settings"]
        command = [self.programs.strata, "--config", settings, *(str(word) for word in words)]
        done = subprocess.run(command, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise FarmError(f"strata {' '.join(str(w) for w in words)} at {scope}: status "
                            f"{done.returncode}\n{done.stderr}{done.stdout}")
        return done.stdout if check else done

    def row(self, name):
        """An engine's row of its farm's table; its status is ? if there is none."""
        process = self.processes[name]
        done = self.cli(process["scope"], "farm", "show", "--json", check=False)
        rows = json.loads(done.stdout).get("engines", []) if done.returncode == 0 else []
        short = name.rpartition("/")[2]
        return next((row for row in rows if row["name"] == short), {"status": "?"})

    def apply_sites(self):
        """Applies the sites of the topology, each where it says."""
        for scope, told in self.scopes.items():
            for site in told["sites"]:
                self.cli(scope, "site", "apply", "-f", site)

    def logs_end(self, lines=8):
        """The ends of all logs, for who looks for what went wrong."""
        return "\n".join(f"---- {name}\n{process.log_end(lines)}"
                         for name, process in self.running.items())
