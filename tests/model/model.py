"""Builds one variant of the model with spin and gcc, and searches all of its states."""

import dataclasses
import pathlib
import re
import subprocess
import tempfile

_HERE = pathlib.Path(__file__).parent
_FILES = ("multicast.pml", "mutants.pml", "parts.pml", "state.pml")
_MEMORY_MIB = 4096
_DEPTH = 100000
_PAN_SECONDS = 600

# Whatever pan says when it has not seen all states.
_TRUNCATED = re.compile(r"max search depth too small|out of memory|search not completed|"
                        r"memory limit|vectorsz|hash-?compact|bitstate", re.IGNORECASE)


@dataclasses.dataclass
class Result:
    errors: int
    states: int
    error: str
    truncated: bool
    unreached: list
    output: str
    steps: str  # The story of the first error, one line an action.

    @property
    def proven(self):
        return self.errors == 0 and not self.truncated and self.states > 0


def _run(command, folder, seconds=120):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=seconds, check=False)
    return done.returncode, done.stdout


def _build(defines, folder, claim):
    flags = [f"-D{define}" for define in defines]
    for name in _FILES:
        (folder / name).write_text((_HERE / name).read_text(encoding="utf-8"), encoding="utf-8")
    status, output = _run(["spin", *flags, "-a", _FILES[0]], folder)
    if status != 0 or "Error:" in output:
        raise RuntimeError(f"spin: {output}")
    kind = [] if claim else ["-DSAFETY", "-DNOCLAIM"]
    # COLLAPSE stores states compressed and exactly: no state is taken for another.
    # A search of all states takes about as long as compiling it with -O1: -O2 would take twice that
    # and save little. A mutant is found out at once.
    speed = "-O0" if any(define.startswith("MUTANT") for define in defines) else "-O1"
    status, output = _run(["gcc", speed, "-w", "-DCOLLAPSE", f"-DMEMLIM={_MEMORY_MIB}", *kind,
                           "-o", "pan", "pan.c"], folder)
    if status != 0:
        raise RuntimeError(f"gcc: {output}")
    return flags


def _unreached(output):
    """Statements of the members that no history executed."""
    part = re.search(r"unreached in proctype Member\n(.*?)unreached in", output, re.DOTALL)
    lines = part.group(1).splitlines() if part else []
    return [line.strip() for line in lines if "state" in line and "-end-" not in line
            and "states)" not in line]


def _steps(flags, folder):
    if not list(folder.glob("*.trail")):
        return ""
    _, output = _run(["spin", *flags, "-t", _FILES[0]], folder)
    lines = [line.strip() for line in output.splitlines()]
    return "\n".join(line for line in lines if re.match(r"[012] [a-z]", line))


def search(defines=(), claim=None):
    """All states of one variant; `claim` names an LTL property, else assertions and deadlocks."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        flags = _build(defines, folder, claim)
        mode = ["-a", "-N", claim] if claim else []
        status, output = _run(["./pan", f"-m{_DEPTH}", "-w24", *mode], folder, _PAN_SECONDS)
        errors = re.search(r"errors: (\d+)", output)
        states = re.search(r"(\d+) states, stored", output)
        error = re.search(r"^pan:\d+: (.*)$", output, re.MULTILINE)
        return Result(errors=int(errors.group(1)) if errors else -1,
                      states=int(states.group(1)) if states else 0,
                      error=error.group(1) if error else "",
                      truncated=status != 0 or bool(_TRUNCATED.search(output)),
                      unreached=_unreached(output),
                      output=output,
                      steps=_steps(flags, folder))
