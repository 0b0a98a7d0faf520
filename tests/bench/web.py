"""Web servers side by side under wrk: who has which core, what they spend, medians of both."""

import contextlib
import dataclasses
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

from table import median

_HERE = os.path.dirname(os.path.abspath(__file__))
_READY_S = 60
_STOP_S = 5

_NGINX = """
daemon off;
{user}
worker_processes {workers};
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{http}
}}
"""


def cores():
    """Those of the servers and those of the load: apart, if there are two."""
    all_cores = sorted(os.sched_getaffinity(0))
    half = len(all_cores) // 2
    return (all_cores[:half], all_cores[half:]) if half else (all_cores, all_cores)


def on(which):
    return {"preexec_fn": lambda: os.sched_setaffinity(0, which)}


def _descendants(pid):
    """A process and all below it, whichever thread began them."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            found += _descendants(int(child))
    return found


def _cpu_seconds(pids):
    """Of processes and all below them."""
    ticks = 0
    for pid in pids:
        for each in _descendants(pid):
            with open(f"/proc/{each}/stat", encoding="ascii") as stat:
                words = stat.read().rpartition(")")[2].split()
            ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def stop(process):
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await_listening(port):
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"nobody listens on port {port}")


@dataclasses.dataclass(frozen=True)
class Server:
    pids: tuple
    address: str


@contextlib.contextmanager
def nginx(workers, which, http, parent=None):
    """An nginx with `http`, in which {folder} and {port} are filled in, on these cores; its folder
    is in `parent`."""
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        os.chmod(folder, 0o711)
        port = _free_port()
        path = os.path.join(folder, "nginx.conf")
        user = "user www-data;" if os.geteuid() == 0 else ""
        with open(path, "w", encoding="ascii") as file:
            file.write(_NGINX.format(workers=workers, folder=folder, user=user,
                                     http=http.format(folder=folder, port=port)))
        process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", path],
                                   stderr=subprocess.DEVNULL, **on(which))
        try:
            _await_listening(port)
            yield Server((process.pid,), f"127.0.0.1:{port}")
        finally:
            stop(process)


def fetch(server, host, path, size):
    """Asks once; RuntimeError if it is not there in full."""
    request = urllib.request.Request(f"http://{server.address}{path}", headers={"Host": host})
    with urllib.request.urlopen(request, timeout=_READY_S) as answer:
        found = len(answer.read())
    if found != size:
        raise RuntimeError(f"{server.address}{path}: {found} bytes instead of {size}")


@dataclasses.dataclass(frozen=True)
class Load:
    """wrk asks for /video/N of films.example, N below `contents`, in turn."""
    contents: int
    seconds: int
    connections: int
    cores: list

    def run(self, server):
        """What wrk found in one run, and what the server spent."""
        words = ["wrk", f"-t{len(self.cores)}", f"-c{self.connections}", f"-d{self.seconds}s",
                 "-s", os.path.join(_HERE, "load.lua"), f"http://{server.address}/"]
        before = _cpu_seconds(server.pids)
        output = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True,
                                env=dict(os.environ, CONTENTS=str(self.contents)),
                                **on(self.cores)).stdout
        found = {"cpu_s": _cpu_seconds(server.pids) - before}
        for line in output.splitlines():
            words = line.split()
            if len(words) == 2 and words[1].isdigit():
                found[words[0]] = float(words[1])
        if found["errors"] or not found["requests"]:
            raise RuntimeError(f"{server.address}: {found}")
        found["rate"] = found["requests"] / found["microseconds"] * 1e6
        found["cpu_us"] = found["cpu_s"] / found["requests"] * 1e6
        return found

    def pairs(self, ours, peer, count):
        """Medians of both, measured in turns; `ratio` is the median of each pair's."""
        results = ([], [])
        for turn in range(count):
            order = ((ours, results[0]), (peer, results[1]))
            for server, found in order if turn % 2 == 0 else reversed(order):
                found.append(self.run(server))
        medians = tuple({name: median([run[name] for run in runs]) for name in runs[0]}
                        for runs in results)
        ratios = [mine["rate"] / other["rate"] for mine, other in zip(*results)]
        return (*medians, median(ratios))
