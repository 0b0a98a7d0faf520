"""A LAN of network namespaces on this machine, with names of its own, made and removed here."""

import pathlib
import subprocess
import tempfile
import time

_PREFIX = "sb"
_BRIDGE = "sbbr0"
_OFFLOADS = ("tso", "gso", "gro", "tx-udp-segmentation", "rx-gro-list", "rx-udp-gro-forwarding")
_COROSYNC_WAIT_S = 30
_COROSYNC_TRIES = 3

_LOSS = """table inet loss {{ chain in {{ type filter hook prerouting priority -300;
  meta l4proto {{ udp, tcp }} numgen random mod 100 < {percent} drop; }}; }}"""

_COROSYNC = """totem {{
  version: 2
  cluster_name: strata_bench
  transport: udp
  secauth: off
  crypto_cipher: none
  crypto_hash: none
  ip_version: ipv4
  token: 3000
  interface {{
    linknumber: 0
    bindnetaddr: 10.78.0.0
    mcastaddr: 239.7.7.33
    mcastport: 5405
    ttl: 1
  }}
}}
logging {{
  to_stderr: yes
  to_syslog: no
}}
quorum {{
  provider: corosync_votequorum
}}
nodelist {{
{nodes}}}
"""

_NODE = "  node {{\n    ring0_addr: {address}\n    nodeid: {id}\n    name: n{id}\n  }}\n"

# What corosync writes to, hidden from other instances.
_PRIVATE = "for d in /dev/shm /run /var/lib/corosync; do mount -t tmpfs tmpfs $d; done; "


def _sh(*words, check=True, **kwargs):
    return subprocess.run(words, check=check, stdout=subprocess.DEVNULL,
                          stderr=None if check else subprocess.DEVNULL, **kwargs)


def name(i):
    return f"{_PREFIX}{i}"


def address(i):
    return f"10.78.0.{i + 1}"


class Network:
    """Members 0 to `receivers`, each in a namespace with an eth0, on one bridge."""

    def __init__(self, receivers):
        self.size = receivers + 1
        self._corosync = []
        self._folder = None

    def __enter__(self):
        self._remove()
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_):
        self.stop_corosync()
        self._remove()

    def _make(self):
        _sh("ip", "link", "add", _BRIDGE, "type", "bridge", "mcast_snooping", "0")
        _sh("ip", "link", "set", _BRIDGE, "up")
        for i in range(self.size):
            ns = name(i)
            _sh("ip", "netns", "add", ns)
            _sh("ip", "link", "add", f"{_PREFIX}v{i}", "type", "veth", "peer", "name", "eth0",
                "netns", ns)
            _sh("ip", "link", "set", f"{_PREFIX}v{i}", "master", _BRIDGE, "up")
            _sh("ip", "-n", ns, "link", "set", "lo", "up")
            _sh("ip", "-n", ns, "addr", "add", f"{address(i)}/24", "dev", "eth0")
            _sh("ip", "-n", ns, "link", "set", "eth0", "up")
            _sh("ip", "-n", ns, "route", "add", "224.0.0.0/4", "dev", "eth0")
            self._frames_of_1500_bytes(ns)

    def _frames_of_1500_bytes(self, ns):
        for offload in _OFFLOADS:
            _sh("ip", "netns", "exec", ns, "ethtool", "-K", "eth0", offload, "off", check=False)

    def _remove(self):
        # A deleted namespace takes its links along some time later: too late for the next.
        for link in pathlib.Path("/sys/class/net").iterdir():
            if link.name.startswith(f"{_PREFIX}v") and link.name[len(_PREFIX) + 1:].isdigit():
                _sh("ip", "link", "del", link.name, check=False)
        names = subprocess.run(("ip", "netns", "list"), stdout=subprocess.PIPE, text=True,
                               check=True).stdout.split()
        for word in names:
            if word.startswith(_PREFIX) and word[len(_PREFIX):].isdigit():
                _sh("ip", "netns", "del", word, check=False)
        _sh("ip", "link", "del", _BRIDGE, check=False)

    def loss(self, percent):
        """Drops what comes in over every link; 0 ends that."""
        for i in range(self.size):
            nft = ("ip", "netns", "exec", name(i), "nft")
            _sh(*nft, "flush", "ruleset")
            if percent:
                _sh(*nft, "-f", "-", input=_LOSS.format(percent=percent), text=True)

    def inside(self, i):
        """The words that run a command in a member's namespace."""
        if self._corosync:
            return ["nsenter", "-t", str(self._corosync[i].pid), "-m", "-n",
                    f"--wd={pathlib.Path.cwd()}"]
        return ["ip", "netns", "exec", name(i)]

    def start_corosync(self):
        """One corosync in each namespace; RuntimeError if they do not come up."""
        self._folder = tempfile.TemporaryDirectory()
        config = pathlib.Path(self._folder.name) / "corosync.conf"
        nodes = "".join(_NODE.format(address=address(i), id=i + 1) for i in range(self.size))
        config.write_text(_COROSYNC.format(nodes=nodes), encoding="utf-8")
        for attempt in range(_COROSYNC_TRIES):
            self._corosync = [self._spawn_corosync(i, config) for i in range(self.size)]
            if self._await_corosync():
                return
            self._stop_processes()
        self.stop_corosync()
        raise RuntimeError(f"corosync does not start, tried {attempt + 1} times")

    def _spawn_corosync(self, i, config):
        command = _PRIVATE + f"exec corosync -f -c {config}"
        return subprocess.Popen(
            ["ip", "netns", "exec", name(i), "unshare", "-m", "--propagation", "private",
             "bash", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _await_corosync(self):
        until = time.monotonic() + _COROSYNC_WAIT_S
        for i in range(self.size):
            while _sh(*self.inside(i), "corosync-cpgtool", check=False).returncode != 0:
                if time.monotonic() > until or self._corosync[i].poll() is not None:
                    return False
                time.sleep(0.2)
        return True

    def stop_corosync(self):
        self._stop_processes()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _stop_processes(self):
        for process in self._corosync:
            process.terminate()
        for process in self._corosync:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._corosync = []
