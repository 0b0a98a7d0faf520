"""What earlier versions said and kept, in tests/recorded/VERSION: the present programs take all of
it."""

import json
import pathlib
import subprocess
import tarfile
import unittest

import recorded_calls
from replay_farm import ENGINES, GUEST, PlainFarmCase, ask

ROOT = pathlib.Path("tests/recorded")
VERSIONS = sorted(path.parent.name for path in ROOT.glob("*/calls.json"))
_FAILED_PRECONDITION = 9


def recorded(version, name):
    return json.loads((ROOT / version / name).read_text())


class ReplayCase(PlainFarmCase):
    """A farm of present programs that goes on with what a version has left on its disks."""

    version = ""

    @classmethod
    def prepare(cls):
        super().prepare()
        with tarfile.open(ROOT / cls.version / "state.tar.gz") as archive:
            archive.extractall(cls.farm.folder)
        for name in ENGINES:
            cls.farm.engine_folder(name).chmod(0o711)

    def test_the_state_of_then_is_there(self):
        names = {row["name"] for row in self.farm.show()["engines"]}
        self.assertEqual(names, set(ENGINES))
        self.assertIn("films", self.farm.strata("site", "list"))
        self.assertIn("ttl: 1h", recorded(self.version, "settings.json")["site"])
        audit = self.farm.strata("audit", "--limit", "1000")
        self.assertIn("DrainEngine", audit)
        self.assertIn("PurgeContent", audit)

    def test_purges_go_on_where_they_were(self):
        self.fill("/again.ts", b"again")
        outcome = self.farm.purge(self.uri("/again.ts"))
        self.assertTrue(outcome["complete"], outcome)
        self.assertGreater(int(outcome["purges"][0]["position"]), 1)
        self.check_equal()

    def test_calls_of_then_are_answered(self):
        self.farm.issue("engine", GUEST)
        for call in recorded(self.version, "calls.json"):
            method, request = call["method"], bytes.fromhex(call["request"])
            if method == "Renew":  # Its registration is of this farm, not of that one.
                text = call["request_text"].replace("registration: 1", f"registration: {number}")
                request = recorded_calls.encode(recorded_calls.request_type(method), text)
            code, answers = self.call(call["who"], call["service"], method, request)
            self.assertEqual(code, 0, (method, answers))
            self.assertTrue(answers, method)
            if method == "Register":
                text = recorded_calls.decode(recorded_calls.answer_type(method), answers[0])
                number = text.split("registration: ")[1].split()[0]

    def test_a_protocol_that_is_not_known_is_refused_in_words(self):
        if not (self.farm.folder / "certificates" / GUEST).exists():
            self.farm.issue("engine", GUEST)
        request = recorded_calls.encode(recorded_calls.request_type("Register"),
                                        'protocol: 99 version: "9.9"')
        code, words = self.call("engine", "Registration", "Register", request)
        self.assertEqual(code, _FAILED_PRECONDITION)
        self.assertIn("upgrade the manager", words[0])

    def test_settings_of_then_are_good(self):
        programs = {"manager": self.farm.programs.manager, "north-1": self.farm.programs.engine}
        for name, program in programs.items():
            path = self.farm.folder / f"then-{name}.yaml"
            text = recorded(self.version, "settings.json")[name]
            path.write_text(text.replace("{folder}", str(self.farm.folder)))
            done = subprocess.run([program, "--config", str(path), "--check"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("is good", done.stdout)

    def test_it_serves(self):
        self.check_everywhere("/served.ts", self.write("/served.ts", b"served"))
        self.assertEqual(ask(self.farm.http + "/served.ts", host="films.example").status, 302)


def load_tests(loader, standard, _pattern):
    """A farm for each version."""
    suite = unittest.TestSuite()
    del standard
    for version in VERSIONS:
        name = "Replay" + version.replace(".", "_")
        suite.addTests(loader.loadTestsFromTestCase(
            type(name, (ReplayCase,), {"version": version, "__module__": __name__})))
    return suite
