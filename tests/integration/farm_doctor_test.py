"""strata doctor and strata debug bundle on the machines of a farm that runs, and is broken."""

import json
import os
import pathlib
import subprocess
import tarfile

from farm_case import FarmCase


class DoctorTest(FarmCase):
    """What the doctor says of a member of a farm."""

    def run_strata(self, name, *words):
        """The command on the machine of a member."""
        return subprocess.run(
            [*self.farm.wrap[name], os.path.abspath(self.farm.programs.strata), *map(str, words)],
            capture_output=True, text=True, check=False, timeout=120)

    def examine(self, name, path):
        done = self.run_strata(name, "doctor", "--json", path)
        findings = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertTrue(findings, done.stderr)
        return done.returncode, findings

    def settings_of(self, name):
        if name == "manager":
            return self.farm.manager_folder().with_suffix(".yaml")
        return self.farm.folder / f"{name}.yaml"

    def find(self, findings, area, part):
        found = [f for f in findings if f["area"] == area and part in f["found"]]
        self.assertTrue(found, f"{area}: {part} in {json.dumps(findings, indent=1)}")
        return found[0]["level"]

    def test_a_manager_that_runs_is_well(self):
        _, findings = self.examine("manager", self.settings_of("manager"))
        self.assertEqual(self.find(findings, "service", "says: ok"), "ok")
        self.assertEqual(self.find(findings, "ports", "rpc_listen"), "ok")
        self.assertEqual(self.find(findings, "ports", "http.listen"), "ok")
        self.assertEqual(self.find(findings, "multicast", "heard in the farm's group"), "ok")
        self.assertEqual(self.find(findings, "multicast", "(encrypted)"), "ok")

    def test_an_engine_that_runs_is_well(self):
        _, findings = self.examine("north-1", self.settings_of("north-1"))
        self.assertEqual(self.find(findings, "service", "says: ok"), "ok")
        self.assertEqual(self.find(findings, "managers", "answers this engine"), "ok")
        self.assertEqual(self.find(findings, "clock", "that of manager"), "ok")
        # Held by its own nginx.
        self.assertEqual(self.find(findings, "ports", "clients"), "ok")
        self.assertEqual(self.find(findings, "multicast", "multicast works on eth0"), "ok")
        self.assertEqual(self.find(findings, "nginx", "nginx is 1."), "ok")
        self.assertFalse([f for f in findings if f["area"] in ("ports", "managers", "multicast")
                          and f["level"] != "ok"], findings)

    def test_a_manager_that_is_gone_is_named(self):
        self.farm.manager.kill()
        code, findings = self.examine("north-1", self.settings_of("north-1"))
        self.assertEqual(code, 1)
        self.assertEqual(self.find(findings, "managers", "nothing listens at"), "fail")

    def test_a_stranger_on_the_port_is_named(self):
        self.farm.engines["south-1"].stop()
        lines = [line for line in self.settings_of("south-1").read_text().splitlines()
                 if line.startswith("clients:")]
        port = lines[0].rsplit(":", 1)[1].strip("\"'] ")
        code = ("import socket, sys; s = socket.create_server(('', int(sys.argv[1]))); "
                "print('there', flush=True); sys.stdin.read()")
        with subprocess.Popen([*self.farm.wrap["south-1"], "python3", "-c", code, port],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stranger:
            stranger.stdout.readline()
            _, findings = self.examine("south-1", self.settings_of("south-1"))
            stranger.stdin.close()
        self.assertEqual(self.find(findings, "ports", "is taken by python3"), "fail")

    def test_a_bundle_tells_of_the_farm_and_of_no_key(self):
        file = self.folder / "bundle.tar.gz"
        operator = self.farm.folder / "cli-admin.yaml"
        self.farm.show()  # Writes the operator's settings.
        done = self.run_strata("north-1", "--config", operator, "debug", "bundle", "--out", file,
                               self.settings_of("north-1"), operator)
        self.assertEqual(done.returncode, 0, done.stderr)
        with tarfile.open(file) as archive:
            texts = {member.name.split("/", 1)[1]: archive.extractfile(member).read().decode(
                errors="replace") for member in archive}
        self.assertIn("north-1", texts["farm/show.json"])
        self.assertIn("strata_farm_", texts["status/engine-metrics.txt"])
        self.assertIn("proxy_cache", texts["nginx/nginx.conf"])
        self.assertIn("settings of a Service Engine", texts["doctor/engine.txt"])
        self.assertIn("logs/strata-engine.txt", texts["index.txt"])
        everything = "\n".join(texts.values())
        self.assertNotIn("PRIVATE KEY", everything)
        for key in pathlib.Path(self.farm.folder).rglob("key.pem"):
            for line in key.read_text().splitlines():
                if not line.startswith("-----"):
                    self.assertNotIn(line, everything, key)
