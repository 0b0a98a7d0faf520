"""A farm of real processes for a benchmark: manager, engines with their nginx, an origin."""

import contextlib
import os
import pathlib
import sys
import tempfile
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "deploy" / "tour"))

import farm  # noqa: E402
import origin  # noqa: E402

HOST = "films.example"
_SITE = "films"
_NETWORK = "127.0.84"
_FIRST_ENGINE = 11
_OBSERVER = f"{_NETWORK}.250"
_MINUTE = 60


class Programs:
    """All in one folder."""

    def __init__(self, folder):
        self.manager, self.engine, self.strata = (
            str(folder / name) for name in ("service_manager", "service_engine", "strata"))


class RunningFarm:
    """Engines engine-1, engine-2, … of one manager, and a site whose contents need `copies`."""

    def __init__(self, farm_of_tour, its_origin, names):
        self._farm = farm_of_tour
        self._origin = its_origin
        self.names = names
        self.manager = farm_of_tour.rpc
        self.observer = _OBSERVER
        self.folder = farm_of_tour.folder
        self.workers = farm_of_tour.workers

    def certificate(self, name):
        return self.folder / "certificates" / name

    def pids(self, name):
        return (self._farm.engines[name].pid,)

    def address(self, name):
        return f"{self._farm.addresses[name]}:{self._farm.http_port}"

    def library(self, name):
        return self._farm.library(name, _SITE)

    def make_at_origin(self, path, content):
        file = self._origin.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def asked_of_origin(self, path):
        return self._origin.count(path)

    @property
    def origin_address(self):
        return ":".join(map(str, self._origin.server.server_address))

    def fill(self, name, path):
        """Has an engine fetch it from the origin, and keep it."""
        url = f"http://{self.address(name)}/_s/{HOST}/{path}"
        with urllib.request.urlopen(url, timeout=_MINUTE) as answer:
            return answer.read()

    def await_assets(self, count):
        """Until the manager knows that each engine has so many contents."""
        def known():
            rows = self._farm.show()["engines"]
            mine = [row for row in rows if row["name"] in self.names]
            return all(int(row["assets"]) == count for row in mine)
        farm.wait_until(known, f"{count} contents at each engine", _MINUTE, 0.2)


def _start(started, engines, copies, libraries, its_origin):
    names = [f"engine-{i + 1}" for i in range(engines)]
    started.make_certificates([*names, "observer"])
    started.start_manager()
    started.wait_for_manager()
    for i, name in enumerate(names):
        if libraries:
            started.library(name, _SITE)
        started.start_engine(name, f"{_NETWORK}.{_FIRST_ENGINE + i}")
    for name in names:
        started.wait_for_engine(name, _MINUTE)
    address, port = its_origin.server.server_address
    started.apply_site(f"name: {_SITE}\nhosts: [{HOST}]\nminimum_copies: {copies}\n"
                       f"ttl: 1d\norigins: [{{host: {address}, port: {port}}}]\n")
    return RunningFarm(started, its_origin, names)


@contextlib.contextmanager
def running(programs, engines, copies=1, libraries=True, cores=None):
    """Runs from the start to the end of the block, on these cores. `libraries`: the engines have a
    folder for the site's."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # nginx's workers go through it.
        started = farm.Farm(Programs(programs), pathlib.Path(folder) / "farm",
                            manager_address=f"{_NETWORK}.1", group="239.255.84.1",
                            group_port=7460)
        if cores:
            for name in ["manager", *(f"engine-{i + 1}" for i in range(engines))]:
                started.wrap[name] = ["taskset", "-c", ",".join(str(core) for core in cores)]
        files = pathlib.Path(folder) / "origin"
        files.mkdir()
        its_origin = origin.Origin(files, f"{_NETWORK}.2", 8000)
        try:
            yield _start(started, engines, copies, libraries, its_origin)
        finally:
            bad = started.stop()
            its_origin.close()
            if bad:
                print(f"not ended in order: {', '.join(bad)}", file=sys.stderr)
