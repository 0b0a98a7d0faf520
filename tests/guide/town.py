"""The machines of the guide, each with a systemd of its own, on one LAN."""

import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "packages"))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
# pylint: disable=wrong-import-position
from lab import run
from machine import Machine, MachineError

# What the guide calls the machines, and the last part of their addresses. Nothing else of the
# guide is changed when it is run.
ADDRESSES = {"sm-1": 1, "sm-2": 2, "sm-3": 3, "desk": 9, "north-1": 11, "north-2": 12}
FLOATING = 10
ORIGIN = 20  # One more address of desk.

_HOSTS = "".join(f"192.0.2.{number} {name}\n" for name, number in ADDRESSES.items()) + (
    f"192.0.2.{FLOATING} films.example\n192.0.2.{ORIGIN} origin.example\n"
    "192.0.2.11 north-1.films.example\n192.0.2.12 north-2.films.example\n")

# Puts the files where the test finds them, who brings them to the other machine.
_SCP = """#!/bin/sh -e
for last; do :; done
job=$(mktemp -d /mnt/job.XXXXXX)
chmod 755 "$job"
printf '%s' "$last" > "$job/to"
mkdir "$job/files"
while [ $# -gt 1 ]; do
  case $1 in -*) ;; *) cp -r "$1" "$job/files/" ;; esac
  shift
done
"""


class Town:
    """Up from its construction until close()."""

    def __init__(self, folder, packages):
        self.folder = pathlib.Path(folder)
        self.packages = packages
        self.machines = {}
        self.hub = f"st{os.getpid()}-town"
        try:
            run("ip", "netns", "add", self.hub)
            run("ip", "-n", self.hub, "-batch", "-",
                text="link add br0 type bridge mcast_snooping 0\nlink set br0 up\n")
            for name in ADDRESSES:
                self.build(name)
        except BaseException:
            self.close()
            raise

    def build(self, name):
        """A machine with an empty disk."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        machine = Machine(folder)
        self.machines[name] = machine
        self._connect(name, machine)
        for package in self.packages.glob("*.deb"):
            shutil.copy(package, machine.shared)
        (machine.shared / "hosts").write_text(_HOSTS, encoding="utf-8")
        (machine.shared / "scp").write_text(_SCP, encoding="utf-8")
        machine.shell(f"hostname {name}; cat /mnt/hosts >> /etc/hosts\n"
                      "mount -t tmpfs home /root\n"
                      "install -m 755 /mnt/scp /usr/bin/scp; cp /mnt/*.deb /root")

    def _connect(self, name, machine):
        number = ADDRESSES[name]
        port = f"p{number}"
        run(*machine.command("ip", "link", "delete", "eth0"))
        run("ip", "-n", self.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0",
            "netns", machine.init)
        run("ip", "-n", self.hub, "link", "set", port, "master", "br0", "up")
        own = [number, ORIGIN] if name == "desk" else [number]
        for address in own:
            run(*machine.command("ip", "address", "add", f"192.0.2.{address}/24", "dev", "eth0"))
            run(*machine.command("ip", "address", "add", f"2001:db8::{address}/64", "dev", "eth0",
                                 "nodad"))
        run(*machine.command("ip", "link", "set", "eth0", "up"))

    def link(self, names, state):
        """Whether these machines are on the LAN: up or down."""
        for name in names:
            run("ip", "-n", self.hub, "link", "set", f"p{ADDRESSES[name]}", state)

    def close(self):
        for machine in self.machines.values():
            machine.close()
        self.machines = {}
        run("ip", "netns", "delete", self.hub)

    def shell(self, name, script):
        """Runs it as root, in root's folder; the outcome, and all that was said in its order."""
        machine = self.machines[name]
        done = machine.run("bash", "-c", f"cd /root; {{ {script}\n}} 2>&1", check=False)
        for job in sorted(machine.shared.glob("job.*")):
            self._deliver(job)
        return done.returncode, done.stdout

    def _deliver(self, job):
        """What scp was given."""
        user, _, rest = (job / "to").read_text(encoding="utf-8").partition("@")
        host, _, path = rest.partition(":")
        if user != "root" or host not in self.machines:
            raise MachineError(f"scp to {user}@{rest}")
        target = self.machines[host]
        shutil.move(str(job / "files"), target.shared / "arrived")
        shutil.rmtree(job)
        target.shell(f"cd /root; chown -R root: /mnt/arrived; cp -r /mnt/arrived/* {path or '.'}")
        shutil.rmtree(target.shared / "arrived")


def until(deadline):
    """Waits a little; false when it is too late."""
    time.sleep(0.2)
    return time.monotonic() < deadline
