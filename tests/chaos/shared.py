"""Finds the modules that chaos shares with others. To be imported before those."""

import pathlib
import sys

_TOP = pathlib.Path(__file__).absolute().parents[2]
for _folder in ("tests/integration", "deploy/tour"):
    if str(_TOP / _folder) not in sys.path:
        sys.path.append(str(_TOP / _folder))
