"""What the packages carry: units, samples of settings, man pages, maintainer scripts."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

PACKAGING = pathlib.Path("deploy/debian")
PAGES = sorted(PACKAGING.glob("man/*"))
PROGRAMS = {"strata-sm": "service_manager/app/service_manager",
            "strata-se": "service_engine/app/service_engine", "strata": "cli/strata"}

EXPOSURE_MAX = 3.0


def run(*words, check=True, **options):
    return subprocess.run([str(word) for word in words], check=check, capture_output=True,
                          text=True, **options)


def settings_keys(name):
    """All keys of a settings file: {"tls.key", …}."""
    text = run(PACKAGING / "settings_tables").stdout
    table = text.partition(f"# {name}\n")[2].partition("\n# ")[0]
    return re.findall(r"^\| `([^`]*)`", table, re.MULTILINE)


def sample_keys(path):
    """All keys that a sample sets, or shows in a comment; of a list's items: "list[].key"."""
    keys, sections = set(), []
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.match(r"( *)(?:# )?(- |  )?([a-z_]+):(?: |$)", line)
        if not found:
            continue
        depth = len(found[1]) // 2
        if found[2]:
            keys.add(".".join(sections[:depth]) + "[]." + found[3])
        else:
            sections = sections[:depth] + [found[3]]
            keys.add(".".join(sections))
    return keys


class UnitTest(unittest.TestCase):
    def test_exposure_is_low(self):
        for unit in sorted(PACKAGING.glob("*.service")):
            told = run("systemd-analyze", "security", "--offline=true", "--no-pager",
                       unit.resolve()).stdout
            exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", told)[1])
            self.assertLessEqual(exposure, EXPOSURE_MAX, f"{unit.name}\n{told}")

    def test_exposure_is_low_with_floating_addresses(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder, "strata-manager.service")
            lines = [(PACKAGING / name).read_text(encoding="utf-8")
                     for name in (unit.name, "floating.conf")]
            unit.write_text("\n".join(lines), encoding="utf-8")
            told = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit).stdout
        exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", told)[1])
        self.assertLessEqual(exposure, EXPOSURE_MAX, told)

    def test_nobody_is_root(self):
        for unit in PACKAGING.glob("*.service"):
            self.assertRegex(unit.read_text(encoding="utf-8"), r"(?m)^User=(strata|www-data)$")


class SampleTest(unittest.TestCase):
    def test_every_key_is_shown_and_none_that_is_not(self):
        for who in ("manager", "witness", "engine", "cli"):
            told = {key for key in settings_keys(f"strata-{who}.yaml") if "<" not in key}
            shown = sample_keys(PACKAGING / f"{who}.yaml")
            self.assertTrue(told, who)
            self.assertEqual(told - shown, set(), who)
            self.assertEqual(shown - told, set(), who)

    def test_samples_pass_the_check_with_a_certificate(self):
        with tempfile.TemporaryDirectory() as folder:
            pki = f"{folder}/pki"
            run(PROGRAMS["strata"], "pki", "init", "--dir", pki, "--scope", "cdn-one/lan-a")
            for who, program, *words in (("manager", "strata-sm"), ("engine", "strata-se"),
                                         ("witness", "strata-sm", "--witness")):
                run(PROGRAMS["strata"], "pki", "issue", "--dir", pki, "--role", who, "--name",
                    "one", "--out", f"{folder}/{who}")
                text = (PACKAGING / f"{who}.yaml").read_text(encoding="utf-8")
                sample = pathlib.Path(folder, f"{who}.yaml")
                sample.write_text(text.replace("/etc/strata", folder), encoding="utf-8")
                done = run(PROGRAMS[program], *words, "--config", sample, "--check", check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""), who)


class ManPageTest(unittest.TestCase):
    def test_there_are_pages_of_all_programs_and_files(self):
        self.assertEqual([page.name for page in PAGES],
                         ["strata-cli.yaml.5", "strata-engine.yaml.5", "strata-manager.yaml.5",
                          "strata-se.8", "strata-site.5", "strata-sm.8", "strata-topology.5",
                          "strata-witness.yaml.5", "strata.1"])

    def test_roff_has_nothing_to_complain_of(self):
        for page in PAGES:
            done = run("groff", "-ww", "-man", "-Tutf8", page)
            self.assertEqual(done.stderr, "", page.name)

    def test_options_of_the_command_are_in_its_page(self):
        page = run("groff", "-man", "-Tascii", "-P-c", "-P-b", "-P-u",
                   PACKAGING / "man/strata.1").stdout
        words = run(PROGRAMS["strata"], "completion", "bash").stdout
        options = set(re.findall(r"--[a-z]+", words))
        self.assertGreater(len(options), 10)
        self.assertEqual({option for option in options if option not in page}, set())

    def test_keys_of_the_settings_are_in_their_pages(self):
        for name in ("strata-manager.yaml", "strata-witness.yaml", "strata-engine.yaml",
                     "strata-cli.yaml", "strata-site", "strata-topology"):
            page = run("groff", "-man", "-Tascii", "-P-c", "-P-b", "-P-u",
                       PACKAGING / f"man/{name}.5").stdout
            keys = settings_keys(name)
            self.assertGreater(len(keys), 3)
            self.assertEqual({key for key in keys if key not in page}, set(), name)


class ScriptTest(unittest.TestCase):
    def test_maintainer_scripts_are_shell(self):
        scripts = [*PACKAGING.glob("*.postinst"), *PACKAGING.glob("*.postrm")]
        self.assertEqual(len(scripts), 5)
        for script in scripts:
            run("sh", "-n", script)
            self.assertIn("#DEBHELPER#", script.read_text(encoding="utf-8"), script.name)

    def test_completion_is_bash(self):
        words = run(PROGRAMS["strata"], "completion", "bash").stdout
        run("bash", "-n", "/dev/stdin", input=words)
        told = run("bash", "-c", 'source /dev/stdin; COMP_WORDS=(strata fa); COMP_CWORD=1; '
                   'COMP_LINE="strata fa"; COMP_POINT=9; '
                   '$(complete -p strata | sed -E "s/.*-F ([^ ]+).*/\\1/"); echo "${COMPREPLY[@]}"',
                   input=words).stdout
        self.assertEqual(told.split(), ["farm"])


if __name__ == "__main__":
    unittest.main()
