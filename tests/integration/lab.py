"""Machines of a LAN, as network namespaces around a bridge. Needs root.

Every name starts with `st<pid>-`, and everything with a name is removed at the end of the process,
however it ends.
"""

import atexit
import ctypes
import itertools
import os
import re
import shutil
import subprocess

_CLONE_NEWNS = 0x20000
_MS_REC_PRIVATE = 0x4000 | 0x40000

_PREFIX = f"st{os.getpid()}-"
_numbers = itertools.count(1)
_namespaces = set()

# Where administrators' programs are; Bazel's PATH leaves it out.
os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


class LabError(Exception):
    """The machine does not let us build a LAN."""


def run(*command, text=None):
    """Runs a command that has to work; returns what it printed."""
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"{' '.join(command)}: {result.stderr.strip() or result.returncode}")
    return result.stdout


def own_mounts():
    """From now on what this process mounts is seen by it and its children only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "no mounts of its own")
    if libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "mounts stay shared")


def _check_programs():
    for program, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(program) is None:
            raise LabError(f"the program {program} is missing: install the package {package}")


def _add_namespace(name):
    try:
        run("ip", "netns", "add", name)
    except LabError as error:
        raise LabError(f"network namespaces cannot be made here; are you root? {error}") from error
    _namespaces.add(name)


def _remove_namespace(name):
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    _namespaces.discard(name)


@atexit.register
def _remove_all():
    for name in list(_namespaces):
        _remove_namespace(name)


class Lan:
    """`size` machines, numbered from 1, each with eth0 on one bridge; 10.77.0.N and fd77::N."""

    def __init__(self, size):
        _check_programs()
        number = next(_numbers)
        self.hub = f"{_PREFIX}{number}-hub"
        self.machines = {n: f"{_PREFIX}{number}-m{n}" for n in range(1, size + 1)}
        try:
            self._build()
        except BaseException:
            self.remove()
            raise

    def _build(self):
        _add_namespace(self.hub)
        for name in self.machines.values():
            _add_namespace(name)
        self._ip(self.hub, ["link add br0 type bridge mcast_snooping 0", "link set br0 up"])
        for n, name in self.machines.items():
            self._ip(self.hub, [f"link add p{n} type veth peer name eth0 netns {name}",
                                f"link set p{n} master br0 up"])
            self._ip(name, ["link set lo up", f"addr add 10.77.0.{n}/24 dev eth0",
                            f"addr add fd77::{n}/64 dev eth0 nodad", "link set eth0 up"])

    @staticmethod
    def _ip(namespace, lines):
        run("ip", "-n", namespace, "-batch", "-", text="\n".join(lines) + "\n")

    def remove(self):
        for name in [*self.machines.values(), self.hub]:
            _remove_namespace(name)

    def command(self, machine, *command):
        """The command line that runs something on a machine."""
        return ["ip", "netns", "exec", self.machines[machine], *command]

    @staticmethod
    def _nft(namespace, text):
        run("ip", "netns", "exec", namespace, "nft", "-f", "-", text=text)

    def lose(self, percent, machines=None, also_tcp=False):
        """From now on machines lose so much of the UDP that arrives; 0 ends it."""
        protocols = "{ udp, tcp }" if also_tcp else "udp"
        for n in machines or self.machines:
            rule = f"meta l4proto {protocols} numgen random mod 100 < {percent} counter drop"
            rule = rule if percent else ""
            self._nft(self.machines[n],
                      "table inet lab {}\ndelete table inet lab\ntable inet lab {\n"
                      "chain lose { type filter hook input priority 0;\n" + rule + "\n}\n}\n")

    def lost(self, machine):
        """How many packets a machine has lost since lose()."""
        text = run(*self.command(machine, "nft", "list", "table", "inet", "lab"))
        found = re.search(r"counter packets (\d+)", text)
        return int(found.group(1)) if found else 0

    def _forward(self, *rules):
        """What the bridge does not forward; replaces what was."""
        self._nft(self.hub,
                  "table bridge lab {}\ndelete table bridge lab\ntable bridge lab {\n"
                  "chain cut { type filter hook forward priority 0;\n" + "\n".join(rules) +
                  "\n}\n}\n")

    def part(self, *sides):
        """Splits the LAN: machines of different sides do not hear each other."""
        rules = []
        for side in sides:
            others = [n for n in self.machines if n not in side]
            inside = ", ".join(f'"p{n}"' for n in side)
            outside = ", ".join(f'"p{n}"' for n in others)
            rules.append(f"iifname {{ {inside} }} oifname {{ {outside} }} drop")
        self._forward(*rules)

    def cut(self, machine, others):
        """Nothing goes between a machine and these others; the rest goes on."""
        names = ", ".join(f'"p{n}"' for n in others)
        self._forward(f'iifname "p{machine}" oifname {{ {names} }} drop',
                      f'iifname {{ {names} }} oifname "p{machine}" drop')

    def block(self, pairs):
        """Nothing goes from the first to the second machine of each pair."""
        self._forward(*(f'iifname "p{a}" oifname "p{b}" drop' for a, b in pairs))

    def stop_multicast(self, machines=None):
        """The bridge forwards no multicast of the tests' groups any more, or none to machines."""
        to = ""
        if machines is not None:
            to = "oifname { " + ", ".join(f'"p{n}"' for n in machines) + " } "
        self._forward(f"{to}ether type ip ip daddr 239.0.0.0/8 drop",
                      f"{to}ether type ip6 ip6 daddr ff15::/16 drop")

    def heal(self):
        """The bridge forwards everything again."""
        self._forward()
