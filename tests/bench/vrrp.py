"""The peer of a take-over: keepalived moves two addresses between two machines with an nginx each.
"""

import contextlib
import math
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import clients
import paced
from failover_farm import FLOATING, HOST, PORT, floating_hosts
from web import stop

_KEEPALIVED = "/usr/sbin/keepalived"
_PATIENCE = 30
_AFTER_S = 8

_INSTANCE = """
vrrp_instance {name} {{
  state BACKUP
  interface eth0
  virtual_router_id {router}
  priority {priority}
  advert_int 1
  virtual_ipaddress {{
{addresses}
  }}
}}
"""

_NGINX = """
daemon off;
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {port};
    listen [::]:{port};
    location / {{ return 302 http://192.0.2.1$request_uri; }}
  }}
}}
"""


def available():
    return shutil.which(_KEEPALIVED) is not None


def _configuration(priority):
    four, six = FLOATING
    return ("global_defs {\n  vrrp_garp_master_delay 0\n}\n" +
            _INSTANCE.format(name="four", router=54, priority=priority,
                             addresses=f"    {four}/24 dev eth0") +
            _INSTANCE.format(name="six", router=56, priority=priority,
                             addresses=f"    fe80::100/64 dev eth0\n    {six}/64 dev eth0"))


class _Machine:
    def __init__(self, lan, number, folder, priority):
        folder.mkdir()
        folder.chmod(0o711)
        (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=PORT),
                                           encoding="ascii")
        (folder / "keepalived.conf").write_text(_configuration(priority), encoding="ascii")
        (folder / "keepalived.conf").chmod(0o600)
        self._processes = [self._start(lan, number, *words) for words in (
            ("/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")),
            (_KEEPALIVED, "-n", "-l", "-P", "-f", str(folder / "keepalived.conf"), "-p",
             str(folder / "keepalived.pid"), "-r", str(folder / "vrrp.pid")))]

    @staticmethod
    def _start(lan, number, *words):
        return subprocess.Popen(lan.command(number, *words), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def kill(self):
        """Both programs, and what they started. They stand still first: the part of keepalived
        that speaks would otherwise say good-bye when its parent is gone."""
        pids = [pid for process in self._processes for pid in clients.processes_below(process.pid)]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        for process in self._processes:
            process.wait()

    def end(self):
        for process in self._processes:
            if process.poll() is None:
                stop(process)


def _await_served(patience):
    deadline = time.monotonic() + patience
    while not all(clients.ask(f"http://{host}:{PORT}/", host=HOST, timeout=0.5).status == 302
                  for host in floating_hosts()):
        if time.monotonic() > deadline:
            raise RuntimeError("keepalived does not bring its addresses up")
        time.sleep(0.05)


def take_over(lan, programs):
    """Seconds from the death of one machine's programs until both addresses answer again, under
    the same load as ours."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as ending:
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        machines = []
        for number, priority in ((1, 150), (2, 100)):
            machines.append(_Machine(lan, number, folder / str(number), priority))
            ending.callback(machines[-1].end)
            _await_served(_PATIENCE)
        time.sleep(3)  # The second one has heard the first.
        targets = [f"{host}:{PORT}/" for host in floating_hosts()]
        with paced.Load(programs, 2000, _AFTER_S + 2, HOST, targets) as load:
            time.sleep(1)
            event = time.monotonic()
            machines[0].kill()
        for address in FLOATING:  # A program that was killed has left them there.
            subprocess.run(lan.command(1, "ip", "addr", "del", f"{address}/"
                                       f"{'64' if ':' in address else '24'}", "dev", "eth0"),
                           check=False, stderr=subprocess.DEVNULL)
        again = max(paced.served_again([r for r in load.requests if r.target == target], event)
                    for target in range(len(targets)))
        return again - event if again < math.inf else None
