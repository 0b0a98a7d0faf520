"""A machine to install on: this one's files and packages under a writable layer, in namespaces of
its own, with a systemd of its own. Nothing that happens there is left, or seen here."""

import atexit
import functools
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "deploy/tour"))
import waiting  # pylint: disable=wrong-import-position

_NAMESPACES = ["--mount", "--pid", "--fork", "--cgroup", "--net", "--uts", "--ipc"]
_ENVIRONMENT = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]

# Runs in the new namespaces: $1 is an empty folder, $2 what is to be /mnt there.
_BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs layer "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay root -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
root=$1/root
mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
mount -t tmpfs dev "$root/dev"
for device in null zero full random urandom tty; do cp -a "/dev/$device" "$root/dev/"; done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts pts "$root/dev/pts" -o newinstance,ptmxmode=0666
mount -t tmpfs shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs run "$root/run"
mount -t tmpfs tmp "$root/tmp"
mount --bind "$2" "$root/mnt"
rm -f "$root/usr/sbin/policy-rc.d"
ip link set lo up
ip link add eth0 type veth peer name wall
ip address add 192.0.2.1/24 dev eth0
ip address add 192.0.2.11/24 dev eth0
ip link set eth0 up
ip link set wall up
exec env -i container=strata PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  chroot "$root" /lib/systemd/systemd --system --log-target=journal --unit=basic.target
"""


class MachineError(Exception):
    """Something there went wrong; the text is what it said."""


class CannotBoot(MachineError):
    """No such machine can be had here."""


wait_until = functools.partial(waiting.wait_until, patience=60, pause=0.1, failure=MachineError)


def _cgroups():
    """Where the unified hierarchy of control groups is mounted."""
    for line in pathlib.Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(where)
    raise MachineError("no cgroup2 is mounted here")


def can_boot():
    """Whether this machine lets us."""
    try:
        return os.geteuid() == 0 and os.path.exists("/lib/systemd/systemd") and bool(_cgroups())
    except MachineError:
        return False


def _children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


def _is_systemd(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "systemd"


class Machine:
    """Up from its construction until close()."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.layer = folder / "layer"
        self.shared = folder / "shared"  # /mnt there
        self.layer.mkdir()
        self.shared.mkdir()
        self.cgroup = _cgroups() / f"strata-machine-{os.getpid()}-{id(self):x}"
        self.cgroup.mkdir()
        self.process = subprocess.Popen(
            ["bash", "-c", 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"', "bash",
             str(self.cgroup), "unshare", "--kill-child", *_NAMESPACES, "bash", "-c", _BOOT,
             "bash", str(self.layer), str(self.shared)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        atexit.register(self.close)
        try:
            self.init = wait_until(self._find_init, "the machine's first process", patience=10)
            wait_until(self._is_up, "the machine is up")
        except MachineError:
            self.close()
            raise

    def _find_init(self):
        if self.process.poll() is not None:
            said = self.process.stderr.read().decode()
            raise CannotBoot(f"the machine's namespaces could not be made: {said}")
        try:
            return next(filter(_is_systemd, _children(self.process.pid)), None)
        except OSError:
            return None  # Somebody has ended meanwhile.

    def _is_up(self):
        told = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return told in ("running", "degraded")

    def close(self):
        """All that runs there ends with its first process."""
        atexit.unregister(self.close)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        wait_until(self._remove_cgroup, "its control groups are empty", patience=10)

    def _remove_cgroup(self):
        try:
            for folder, _, _ in os.walk(self.cgroup, topdown=False):
                os.rmdir(folder)
        except OSError:
            return False
        return True

    # ---- What one does there.

    def command(self, *words):
        return ["nsenter", "--target", self.init, "--mount", "--pid", "--cgroup", "--net", "--uts",
                "--ipc", "--root", "--wd", *_ENVIRONMENT, *(str(word) for word in words)]

    def run(self, *words, check=True):
        done = subprocess.run(self.command(*words), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=300)
        if check and done.returncode != 0:
            raise MachineError(f"{' '.join(map(str, words))}: status {done.returncode}\n"
                               f"{done.stdout}{done.stderr}")
        return done

    def out(self, *words):
        return self.run(*words).stdout.strip()

    def shell(self, script, check=True):
        return self.run("bash", "-euc", script, check=check).stdout.strip()

    def exists(self, path):
        return self.run("test", "-e", path, check=False).returncode == 0

    def unit(self, name, *properties):
        """Values of a unit's properties, in their order."""
        words = [word for one in properties for word in ("-p", one)]
        lines = self.out("systemctl", "show", name, *words).splitlines()
        found = dict(line.split("=", 1) for line in lines)
        return [found[one] for one in properties]

    def journal(self, name):
        return self.run("journalctl", "--no-pager", "-n", "30", "-u", name, check=False).stdout
