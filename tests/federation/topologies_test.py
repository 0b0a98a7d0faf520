"""The samples of deploy/topologies, as an operator uses them, and the page of their keys."""

import concurrent.futures
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

SAMPLES = pathlib.Path("deploy/topologies")
STRATA = "cli/strata"
PROGRAMS = {"strata-sm": "service_manager/app/service_manager",
            "strata-se": "service_engine/app/service_engine"}
PAGE = pathlib.Path("docs/operator/topology.md")
# Sections that are those of other settings files, which have pages of their own.
_OTHERS = re.compile(r"(^|\.)(http|nginx|capacity|children|policies\.<key>)\.")


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False)


class SamplesTest(unittest.TestCase):
    def render(self, name, folder):
        done = run(STRATA, "topology", "render", SAMPLES / name, "--dir", folder, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""), name)
        return json.loads(done.stdout)

    def check_settings(self, process):
        """What the program says of its settings; whose they are, if they are good."""
        done = run(PROGRAMS[process["program"]], *process["arguments"], "--check")
        self.assertEqual((done.returncode, done.stderr), (0, ""), process["name"])
        short = process["name"].rpartition("/")[2]
        self.assertIn(f"{process['role']} {short} of {process['scope']}", done.stdout)

    def check_sample(self, name, *, scopes, processes):
        done = run(STRATA, "topology", "check", SAMPLES / name)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with tempfile.TemporaryDirectory() as folder:
            # Settings are looked at where they are, not where they will be.
            text = (SAMPLES / name).read_text()
            here = SAMPLES.resolve()
            text = re.sub(r"^(folder|data_folder): .*\n", "", text, flags=re.M)
            text = re.sub(r"sites/", f"{here}/sites/", text)
            text = re.sub(r"regions: ", f"regions: {here}/", text)
            copy = pathlib.Path(folder, name)
            copy.write_text(text)
            told = self.render(copy, pathlib.Path(folder, "out"))
            self.assertEqual((len(told["scopes"]), len(told["processes"])), (scopes, processes))
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                list(pool.map(self.check_settings, told["processes"]))
            return told

    def test_the_quickstart(self):
        told = self.check_sample("quickstart.yaml", scopes=10, processes=21)
        self.assertEqual({process["machine"] for process in told["processes"]}, {"here"})
        self.assertLess((SAMPLES / "quickstart.yaml").read_text().count("\n"), 60)

    def test_two_networks_that_peer(self):
        told = self.check_sample("two_cdns.yaml", scopes=23, processes=119)
        self.assertEqual(len({process["machine"] for process in told["processes"]}), 119)

    def test_a_national_network(self):
        self.check_sample("national.yaml", scopes=37, processes=321)

    def test_each_sample_has_a_test(self):
        self.assertEqual({path.name for path in SAMPLES.glob("*.yaml")},
                         {"quickstart.yaml", "two_cdns.yaml", "national.yaml"})


class PageTest(unittest.TestCase):
    def test_the_page_has_every_key(self):
        tables = run("deploy/debian/settings_tables").stdout
        table = tables.partition("# strata-topology\n")[2].partition("\n# ")[0]
        keys = [key for key in re.findall(r"^\| `([^`]*)`", table, flags=re.M)
                if not _OTHERS.search(key)]
        self.assertGreater(len(keys), 40)
        page = PAGE.read_text(encoding="utf-8")
        missing = [key for key in keys if not self.is_told(key, page)]
        self.assertEqual(missing, [])

    @staticmethod
    def is_told(key, page):
        """Whether a row has it, or one of a key within it; processes have rows in common."""
        for section, name in (("hosts", "NAME"), ("policies", "NAME"), ("scopes", "PATH")):
            key = key.replace(f"{section}.<key>", f"{section}.{name}")
        key = re.sub(r"^scopes\.PATH\.(managers\[\]|witness|engines\[\])\.", "", key)
        return re.search(rf"`{re.escape(key)}(\[\])?[`.]", page)


if __name__ == "__main__":
    unittest.main()
