"""A federation of real processes for a benchmark, by deploy/tour."""

import contextlib
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile

import farm_processes
from farm import wait_until  # By the path that farm_processes adds.

__all__ = ["TOPOLOGIES", "running", "wait_until"]

_DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
TOPOLOGIES = _DEPLOY / "topologies"


def _module():
    """deploy/tour's federation; a benchmark has that name, too."""
    path = _DEPLOY / "tour" / "federation.py"
    spec = importlib.util.spec_from_file_location("federation_of_tour", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def running(programs, topology):
    """The processes of a topology, which lies in a folder with the sites that it names. Nothing is
    started yet; what is runs to the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # nginx's workers go through it.
        folder = pathlib.Path(folder)
        # Sites are named from there.
        shutil.copytree(topology.parent, folder / "topology")
        tree = _module().Federation(farm_processes.Programs(programs),
                                    folder / "topology" / topology.name, folder / "federation")
        try:
            yield tree
        finally:
            bad = tree.stop()
            if bad:
                print(f"not ended in order: {', '.join(bad)}", file=sys.stderr)
