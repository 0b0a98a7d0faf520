"""Purges of contents that engines of a whole federation hold, ordered at the exchange."""

import pathlib
import subprocess

from federation_processes import TOPOLOGIES, running, wait_until
from serving import synced_write_us
from table import Target, make_row, median

TARGETS = ["//tests/bench:farm_purges", "//service_manager/app:service_manager",
           "//service_engine/app:service_engine", "//cli:strata"]

# An exchange with a backup, two CDNs, four farms of two engines.
_TOPOLOGY = TOPOLOGIES / "quickstart.yaml"
_SITE = "films"
_HOST = "films.example"
_PATIENCE_S = 120
_SYNCED_WRITES = 20


def _library(tree, engine):
    """Its folder of the site, which nginx's workers read."""
    data = pathlib.Path(tree.processes[engine]["data_folder"])
    library = data / "library" / _SITE
    library.mkdir(parents=True, exist_ok=True)
    for path in (data, *list(data.parents)[:2]):
        path.chmod(0o711)
    return library


def _await_assets(tree, engines, count):
    for engine in engines:
        wait_until(lambda engine=engine: int(tree.row(engine).get("assets", -1)) == count,
                   f"{count} contents at {engine}", _PATIENCE_S, 0.2)


def _await_known(tree, engines, count):
    """Until the exchange knows of all copies: of cdn-two, that it has the content."""
    told = len([engine for engine in engines if not engine.startswith("cdn-two/")]) + 1
    wait_until(lambda: tree.facts(tree.manager("exchange")).get("locations") == str(told * count),
               f"the exchange knows {told} copies of {count} contents", _PATIENCE_S, 0.2)


def _purge(programs, tree, paths, engines):
    words = [programs / "farm_purges", tree.processes[tree.manager("exchange")]["rpc"],
             tree.folder / "operators" / "exchange", engines]
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False,
                          text=True, input="".join(f"http://{_HOST}/{path}\n" for path in paths))
    if done.returncode != 0:
        raise RuntimeError(f"farm_purges: {done.stderr[-2000:]}")
    return sorted(float(line.split()[1]) / 1e3 for line in done.stdout.splitlines())


def rows(programs, purges):
    """One URI after the other."""
    paths = [f"purged-{i}" for i in range(purges)]
    with running(programs, _TOPOLOGY) as tree:
        tree.start()
        tree.wait_ready(patience=_PATIENCE_S)
        tree.apply_sites()
        engines = [name for scope in tree.scopes for name in tree.engines(scope)]
        for engine in engines:
            library = _library(tree, engine)
            for path in paths:
                (library / path).write_bytes(path.encode() * 100)
        _await_assets(tree, engines, len(paths))
        _await_known(tree, engines, len(paths))
        before = [synced_write_us(tree.folder) for _ in range(_SYNCED_WRITES)]
        took = _purge(programs, tree, paths, len(engines))
        after = [synced_write_us(tree.folder) for _ in range(_SYNCED_WRITES)]
        _await_assets(tree, engines, 0)
    what = f"purge at an exchange of a URI in {len(engines)} engines of four farms, confirmed"
    yield make_row(f"{what}: p50", took[len(took) // 2], median(before + after) / 1e3, "ms",
                   Target("<=", 50, False))
    yield make_row(f"{what}: p99", took[len(took) * 99 // 100], None, "ms")
