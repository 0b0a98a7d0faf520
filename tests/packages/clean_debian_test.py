"""The packages on a Debian that has nothing else: they name all that they need, install without a
running systemd, and leave nothing behind. Takes a mirror of Debian."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

INSTALLED = """
set -eu
exec >/told
mark() { echo "== $1"; }
apt-get install -y -q --no-install-recommends /packages/*.deb >&2
mark versions
strata --version
strata-sm --version
strata-se --version
mark enabled
(cd /etc/systemd/system/multi-user.target.wants && ls -d strata-*)
mark audit
dpkg --audit
mark verified
dpkg --verify strata-manager strata-engine strata-cli
apt-get purge -y -q strata-manager strata-engine strata-cli >&2
mark left
find / -xdev -name '*strata*' ! -path '/proc/*' ! -path '/packages/*'
"""


def parts(text):
    """What was told behind each mark."""
    found = {}
    for line in text.splitlines():
        if line.startswith("== "):
            lines = found.setdefault(line[3:], [])
        elif found:
            lines.append(line)
    return found


class CleanDebianTest(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
            self.skipTest("takes root and mmdebstrap")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-clean-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_packages_name_what_they_need_and_leave_nothing(self):
        packages = self.folder / "packages"
        subprocess.run(["deploy/debian/build", "--built", os.getcwd(), "--out", packages],
                       check=True, stdout=subprocess.DEVNULL)
        (self.folder / "installed").write_text(INSTALLED, encoding="utf-8")
        done = subprocess.run(
            ["mmdebstrap", "--variant=minbase", "--include=systemd,init-system-helpers",
             f"--customize-hook=copy-in {packages} {self.folder}/installed /",
             '--customize-hook=chroot "$1" sh /installed',
             f"--customize-hook=copy-out /told {self.folder}", "--format=null", "bookworm", "-"],
            capture_output=True, text=True, timeout=600, check=False)
        if "running --customize-hook" not in done.stderr:
            self.skipTest("no Debian can be had: " + done.stderr[-300:])
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        told = parts((self.folder / "told").read_text(encoding="utf-8"))
        self.assertEqual([line.split()[0] for line in told["versions"]],
                         ["strata", "strata-sm", "strata-se"])
        self.assertEqual(told["enabled"], ["strata-engine.service", "strata-manager.service",
                                           "strata-witness.service"])
        self.assertEqual((told["audit"], told["verified"], told["left"]), ([], [], []))


if __name__ == "__main__":
    unittest.main()
