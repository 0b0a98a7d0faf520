"""A farm that is installed from packages, on a machine with a systemd of its own: a manager, an
engine with its nginx, and the command.

STRATA_OLD_PACKAGES names a folder with packages of an older build, from which the test upgrades;
without it those of this build are packed twice, which tries the way of the upgrade only. Packages
for a release are tried by

  bazel test --config=release //tests/packages:installed_farm_test \\
    --test_env=STRATA_OLD_PACKAGES=/folder
"""

import atexit
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from machine import CannotBoot, Machine, can_boot, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "observability"))
import metrics_page  # pylint: disable=wrong-import-position

PACKAGING = pathlib.Path("deploy/debian")
PACKAGES = ("strata-manager", "strata-engine", "strata-cli")
UNITS = ("strata-manager", "strata-engine")

# What an operator does after he has read the comments of the files.
SET_UP = """
cd ~
strata pki init --dir pki --scope cdn-one/lan-a
strata pki issue --dir pki --role manager --name sm-1 --out /etc/strata/manager
strata pki issue --dir pki --role engine --name north-1 --out /etc/strata/engine
strata pki issue --dir pki --role operator --name ann --out ~/.config/strata
cp pki/crl.pem /etc/strata/manager/
cp pki/crl.pem /etc/strata/engine/
chown strata: /etc/strata/manager/*
chown www-data: /etc/strata/engine/*
sed -i 's/# loopback: true/loopback: true/; s/# revoked:/revoked:/' /etc/strata/*.yaml
sed -i 's/listen: .*"0.0.0.0:80".*/listen: ["192.0.2.1:80"]/' /etc/strata/manager.yaml
sed -i 's/# unicast_address: 192/unicast_address: 192/' /etc/strata/*.yaml
printf 'manager: 192.0.2.1:7400\\nca: ca.pem\\ncertificate: certificate.pem\\nkey: key.pem\\n' \\
  > ~/.config/strata/cli.yaml
runuser -u strata -- strata-sm --config /etc/strata/manager.yaml --check
runuser -u www-data -- strata-se --config /etc/strata/engine.yaml --check
systemctl start strata-manager strata-engine
"""

SITE = """name: films
hosts: [films.example]
origins: [{host: 127.0.0.1, port: 8000}]
"""


@functools.cache
def packages(revision):
    """A folder with the packages of this revision."""
    folder = tempfile.mkdtemp(prefix="strata-packages-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run([PACKAGING / "build", "--built", os.getcwd(), "--out", folder, "--revision",
                    revision], check=True, stdout=subprocess.DEVNULL)
    return folder


class Farm:
    """What is asked of the machine on which all of it is installed."""

    def __init__(self, machine):
        self.machine = machine

    def install(self, folder):
        name = pathlib.Path(folder).name
        shutil.copytree(folder, self.machine.shared / name)
        # Nobody is there to be asked about settings that he and the packages have changed.
        self.machine.shell(f"dpkg --force-confold --install /mnt/{name}/*.deb")

    def set_up(self):
        self.machine.shell(SET_UP)
        (self.machine.shared / "films.yaml").write_text(SITE, encoding="utf-8")
        self.machine.shell("mkdir -p /srv/origin && echo 'the film' > /srv/origin/film.txt")
        self.machine.shell("systemd-run --unit=origin --quiet python3 -m http.server 8000 "
                           "--bind 127.0.0.1 --directory /srv/origin")
        self.wait_up()
        self.machine.out("strata", "site", "apply", "-f", "/mnt/films.yaml")

    def status(self):
        shown = self.machine.run("strata", "farm", "show", "--json", check=False).stdout
        rows = json.loads(shown).get("engines", []) if shown else []
        return rows[0]["status"] if rows else "none"

    def wait_up(self):
        try:
            wait_until(lambda: self.status() == "up", "the engine is up")
        except Exception as error:
            logs = "".join(self.machine.journal(unit) for unit in UNITS)
            raise AssertionError(f"{error}\n{logs}") from error

    def get(self, path):
        return self.machine.run(
            "curl", "--silent", "--location", "--max-time", "20", "--resolve",
            "films.example:80:192.0.2.1", "--resolve", "north-1.films.example:80:192.0.2.11",
            f"http://films.example{path}", check=False).stdout

    def pid(self, unit):
        return int(self.machine.unit(unit, "MainPID")[0])

    def processes(self, name):
        return self.machine.run("pgrep", "-x", name, check=False).stdout.split()


class PackageCase(unittest.TestCase):
    """Has a machine of its own for the class, with the packages on it."""

    @classmethod
    def first_packages(cls):
        return packages("1")

    @classmethod
    def setUpClass(cls):
        if not can_boot():
            raise unittest.SkipTest("takes root, systemd and control groups")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-machine-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        try:
            cls.machine = Machine(cls.folder)
        except CannotBoot as error:
            raise unittest.SkipTest(str(error)) from error
        cls.addClassCleanup(cls.machine.close)
        cls.farm = Farm(cls.machine)
        cls.farm.install(cls.first_packages())


class InstalledFarmTest(PackageCase):
    """Set up as the comments say, and running."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.before = {unit: cls.machine.unit(unit, "ActiveState", "ConditionResult",
                                             "UnitFileState") for unit in UNITS}
        cls.owners = cls.machine.shell("stat -c '%n %U:%G %a' /etc/strata/*/")
        cls.farm.set_up()

    def setUp(self):
        self.farm.wait_up()

    def test_waits_for_its_certificate_after_the_installation(self):
        self.assertEqual(self.before, dict.fromkeys(UNITS, ["inactive", "no", "enabled"]))
        self.assertEqual(self.owners.splitlines(), [
            "/etc/strata/engine/ root:www-data 750", "/etc/strata/manager/ root:strata 750",
            "/etc/strata/witness/ root:strata 750"])

    def test_serves_from_the_origin_and_then_without(self):
        self.assertEqual(self.farm.get("/film.txt"), "the film\n")
        self.machine.out("systemctl", "stop", "origin")
        self.assertEqual(self.farm.get("/film.txt"), "the film\n")
        self.machine.shell("systemd-run --unit=origin --quiet python3 -m http.server 8000 "
                           "--bind 127.0.0.1 --directory /srv/origin")

    def test_purges(self):
        self.farm.get("/film.txt")
        told = self.machine.out("strata", "content", "purge", "http://films.example/film.txt",
                                "--json")
        self.assertTrue(json.loads(told)["complete"], told)

    def test_nobody_is_root(self):
        users = {unit: self.machine.out("ps", "-o", "user=", "-p", self.farm.pid(unit))
                 for unit in UNITS}
        self.assertEqual(users, {"strata-manager": "strata", "strata-engine": "www-data"})
        engine = self.machine.unit("strata-engine", "ControlGroup")[0]
        below = self.machine.shell(
            f"for p in $(cat /sys/fs/cgroup{engine}/cgroup.procs); do ps -o user=,comm= -p $p; "
            "done").splitlines()
        self.assertGreaterEqual(sum("nginx" in line for line in below), 2, below)
        self.assertEqual({line.split()[0] for line in below}, {"www-data"})

    def test_has_one_capability_and_gets_no_more(self):
        for unit in UNITS:
            status = self.machine.out("cat", f"/proc/{self.farm.pid(unit)}/status")
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            for field in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(fields[field], 16), 1 << 10, f"{unit} {field}")
            self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"), unit)

    def test_exports_what_the_document_tells(self):
        exported = {}
        for port in (7401, 7402):
            exported |= metrics_page.exported(
                self.machine.out("curl", "-s", f"http://127.0.0.1:{port}/metrics"))
        told = metrics_page.told(without=("(light engine)", "(manager above level 1)"))
        self.assertEqual(set(exported) ^ set(told), set())
        self.assertEqual(exported, told)

    def test_reloads(self):
        pids = [self.farm.pid(unit) for unit in UNITS]
        self.machine.out("systemctl", "reload", *UNITS)
        wait_until(lambda: "certificates read again" in self.machine.journal("strata-engine"),
                   "the engine has read its certificates")
        self.assertEqual([self.farm.pid(unit) for unit in UNITS], pids)

    def test_refuses_to_reload_what_is_wrong_and_goes_on(self):
        key = "/etc/strata/manager/key.pem"
        self.machine.out("chmod", "644", key)
        refused = self.machine.run("systemctl", "reload", "strata-manager", check=False)
        self.machine.out("chmod", "600", key)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("key.pem", self.machine.journal("strata-manager"))
        self.assertEqual(self.machine.unit("strata-manager", "ActiveState"), ["active"])

    def test_starts_again_when_it_is_killed(self):
        for unit in UNITS:
            pid = self.farm.pid(unit)
            self.machine.out("kill", "-KILL", pid)
            wait_until(lambda u=unit, p=pid: self.farm.pid(u) not in (0, p), f"{unit} is back")
        self.farm.wait_up()
        wait_until(lambda: self.farm.get("/film.txt") == "the film\n", "it serves again")

    def test_ends_in_order(self):
        self.machine.out("systemctl", "stop", *UNITS)
        results = [self.machine.unit(unit, "Result")[0] for unit in UNITS]
        nginx = self.farm.processes("nginx")
        self.machine.out("systemctl", "start", *UNITS)
        self.assertEqual((results, nginx), (["success", "success"], []))


class ChangedPackagesTest(PackageCase):
    """Upgraded, removed, purged."""

    @classmethod
    def first_packages(cls):
        return os.environ.get("STRATA_OLD_PACKAGES") or packages("1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.farm.set_up()

    def test_an_upgrade_keeps_settings_and_data(self):
        self.farm.get("/film.txt")
        self.machine.shell("echo '# mine' >> /etc/strata/engine.yaml")
        pids = [self.farm.pid(unit) for unit in UNITS]
        self.farm.install(packages("2"))
        self.assertFalse(set(pids) & {self.farm.pid(unit) for unit in UNITS})
        self.farm.wait_up()
        self.assertIn("# mine", self.machine.out("cat", "/etc/strata/engine.yaml"))
        self.assertIn("films", self.machine.out("strata", "site", "list"))
        self.machine.out("systemctl", "stop", "origin")
        wait_until(lambda: self.farm.get("/film.txt") == "the film\n", "the copy is served")

    def test_then_a_removal_keeps_data_and_a_purge_takes_all_but_the_library(self):
        library = "/var/lib/strata/engine/library"
        self.machine.shell(f"mkdir -p {library}/films && echo mine > {library}/films/own.txt")
        self.machine.out("dpkg", "--remove", *PACKAGES)
        self.assertEqual([self.farm.processes(name) for name in ("strata-sm", "strata-se")],
                         [[], []])
        for kept in ("/etc/strata/manager.yaml", "/etc/strata/engine/key.pem",
                     "/var/lib/strata/manager", "/var/lib/strata/engine/cache"):
            self.assertTrue(self.machine.exists(kept), kept)

        told = self.machine.out("dpkg", "--purge", *PACKAGES)
        self.assertIn(f"{library} has contents and stays", told)
        left = self.machine.shell("find /etc /usr /var /lib/systemd -path '*strata*' -type f "
                                  "! -path '/var/log/journal/*' -newer /proc/1 || true")
        self.assertEqual(left.split(), [f"{library}/films/own.txt"])
        self.assertEqual(self.machine.out("dpkg", "--audit"), "")


if __name__ == "__main__":
    unittest.main()
