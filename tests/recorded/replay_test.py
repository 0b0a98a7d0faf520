"""What earlier versions said and kept, in tests/recorded/VERSION: the present programs take all of
it."""

import json
import pathlib
import subprocess
import tarfile
import unittest

import recorded_calls
from replay_farm import ENGINES, PlainFarmCase, ask

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

    @classmethod
    def setUpClass(cls):
        cls.backups = sum(name.startswith("sm-") for name in recorded(cls.version, "settings.json"))
        super().setUpClass()

    def test_the_state_of_then_is_there(self):
        names = {row["name"] for row in self.farm.show()["engines"]}
        self.assertEqual(names, set(ENGINES))
        self.assertIn("films", self.farm.strata("site", "list"))
        self.assertIn("ttl: 1h", recorded(self.version, "settings.json")["site"])
        audit = self.farm.strata("audit", "--limit", "1000")
        self.assertIn("drain south-1", audit)
        self.assertIn("purge http://films.example/recorded.ts", audit)

    def test_purges_go_on_where_they_were(self):
        self.fill("/again.ts", b"again")
        outcome = self.farm.purge(self.uri("/again.ts"))
        self.assertTrue(outcome["complete"], outcome)
        self.assertGreater(int(outcome["purges"][0]["position"]), 1)
        self.check_equal()

    def test_calls_of_then_are_answered(self):
        registration = 0
        for call in recorded(self.version, "calls.json"):
            service, method = call["service"], call["method"]
            request = bytes.fromhex(call["request"])
            if method == "Renew":  # Its registration is of this farm, not of that one.
                text = call["request_text"].replace("registration: 1",
                                                    f"registration: {registration}")
                request = recorded_calls.encode(recorded_calls.request_type(service, method), text)
            code, answers = self.call(call["who"], service, method, request)
            self.assertEqual(code, recorded_calls.code_of(service, method), (method, answers))
            self.assertEqual(bool(answers) and not code, bool(call["answers"]), method)
            if method == "Register":
                text = recorded_calls.decode(recorded_calls.answer_type(service, method),
                                             answers[0])
                registration = text.split("registration: ")[1].split()[0]

    def test_a_protocol_that_is_not_known_is_refused_in_words(self):
        for who, service, method in (("engine", "Registration", "Register"),
                                     ("witness", "Registration", "Attend"),
                                     ("manager", "Mirroring", "Follow")):
            request = recorded_calls.encode(recorded_calls.request_type(service, method),
                                            'protocol: 99 version: "9.9"')
            code, words = self.call(who, service, method, request)
            self.assertEqual(code, _FAILED_PRECONDITION, method)
            self.assertRegex(words[0], "upgrade the (manager|older)", method)

    def test_settings_of_then_are_good(self):
        settings = recorded(self.version, "settings.json")
        for name in {"manager", "sm-2", "north-1"} & set(settings):
            engine = name == "north-1"
            program = self.farm.programs.engine if engine else self.farm.programs.manager
            path = self.farm.folder / f"then-{name}.yaml"
            text = settings[name]
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
