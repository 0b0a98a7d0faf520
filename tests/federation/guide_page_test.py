"""The operator's page of a federation, typed: its own tree, of real processes."""

import atexit
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parents[2] / folder)
                for folder in ("deploy/tour", "tests/integration", "tests/guide")]
# pylint: disable=wrong-import-position
import pages
from clients import enter
from farm import Programs
from federation import Federation
from lab import Lan
from origin import Origin

PAGE = "federation.md"
MACHINE = "desk"
ORIGIN = "127.0.84.250"  # As the page's site says.

PATIENCE = 60
# Commands that only look are typed again until the answer is what the page shows.
LOOKS = re.compile(r"curl |strata --config \S+ (tree|locate|policy|manager list|purge|site status)")

# What happens to the processes below a heading, before its first command.
EVENTS = {
    "Looking": lambda test: test.begin(),
    "When the new farm runs": lambda test: test.begin(),
    "When both CDNs have the new policy":
        lambda test: [test.tree.running[f"{cdn}/sm-1"].signal(signal.SIGHUP)
                      for cdn in ("cdn-one", "cdn-two")],
    "With the manager of cdn-one killed": lambda test: test.tree.kill("cdn-one/sm-1"),
    "When it is back": lambda test: test.tree.start("cdn-one/sm-1"),
    "When the farm is switched off":
        lambda test: [test.tree.end(f"cdn-two/lan-d/{name}") for name in ("south", "sm-1")],
}


class PageTest(unittest.TestCase):
    def test_what_happens_does_so_below_a_heading(self):
        headings = {step.text for step in pages.steps(PAGE) if isinstance(step, pages.Heading)}
        self.assertEqual(set(EVENTS) - headings, set())

    def test_all_is_typed_on_one_machine(self):
        machines = {step.machine for step in pages.steps(PAGE)
                    if not isinstance(step, pages.Heading)}
        self.assertEqual(machines, {MACHINE})


class TypedTest(unittest.TestCase):
    """Goes through the page, with one federation."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-federation-page-"))
        cls.folder.chmod(0o711)  # For nginx's own user.
        atexit.register(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.lan = Lan(1)
        enter(cls.lan.machines[1])
        cls.programs = Programs(os.getcwd())
        cls.tree = None
        folder = pathlib.Path(cls.programs.strata).absolute().parent
        cls.environment = {**os.environ, "HOME": str(cls.folder),
                           "PATH": f"{folder}:{os.environ['PATH']}"}
        content = cls.folder / "origin"
        content.mkdir()
        (content / "a.txt").write_text("a\n")
        cls.origin = Origin(content, ORIGIN)
        cls.addClassCleanup(cls.origin.close)

    def begin(self):
        """Starts what was rendered and does not run yet."""
        if self.tree is None:
            TypedTest.tree = Federation(self.programs, self.folder / "federation.yaml",
                                        self.folder / "fed")
            self.addCleanup(self.tree.stop)
        self.tree.render()
        self.tree.start()
        self.tree.wait_ready()

    def shell(self, line):
        done = subprocess.run(["bash", "-c", line], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def do(self, step):
        if isinstance(step, pages.File):
            path = pathlib.Path(step.path.replace("~", str(self.folder), 1))
            path.write_text(step.text, encoding="utf-8")
        elif isinstance(step, pages.Command):
            self.type(step)

    def type(self, step):
        deadline = time.monotonic() + PATIENCE
        while True:
            status, said = self.shell(step.line)
            missing = pages.fits(step.shown, said)
            if status == 0 and missing is None:
                print(f"{step.where} {step.line}\n{said}", file=sys.stderr)
                return
            if not LOOKS.match(step.line) or time.monotonic() > deadline:
                logs = self.tree.logs_end() if self.tree else ""
                self.fail(f"{step.where}: {step.line}\nended with {status}, and did not show: "
                          f"{missing}\n{said}\n{logs}")
            time.sleep(0.2)

    def test_the_page(self):
        for step in pages.steps(PAGE):
            if isinstance(step, pages.Heading):
                EVENTS.get(step.text, lambda test: None)(self)
            else:
                self.do(step)


if __name__ == "__main__":
    unittest.main()
