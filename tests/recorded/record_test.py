"""Records what the programs of this tree say to each other and keep on disk, from a farm with real
nginx: the files of tests/recorded/VERSION. Not a test to run always; it writes into the folder
that STRATA_RECORD_TO names, or into the test's outputs."""

import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tarfile
import time

import recorded_calls
from replay_farm import ENGINES, PlainFarmCase, wait_until

_OF_EACH_KIND = 3
_DATA_LENGTHS = 60


def frames_of(path):
    """[(frame, UDP payload)] of a capture file of Ethernet frames with IPv4."""
    data = path.read_bytes()
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if len(frame) > 42 and frame[12:14] == b"\x08\x00" and frame[23] == 17:
            yield frame, frame[14 + 4 * (frame[14] & 15) + 8:]


def write_capture(path, frames):
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(frames):
            out.write(struct.pack("<IIII", 0, number, len(frame), len(frame)) + frame)


def choose(captured):
    """Some frames of each packet type; of DATA some of each length."""
    seen = {}
    for frame, payload in captured:
        if payload[:1] != b"S":
            continue
        kind = payload[2]
        # A message of the farm begins with its version and kind, behind packet's and record's head.
        key = (kind, len(payload), payload[72:74]) if kind == 1 else kind
        if seen.setdefault(key, 0) < _OF_EACH_KIND and (kind != 1 or len(seen) < _DATA_LENGTHS):
            seen[key] += 1
            yield frame


class RecordTest(PlainFarmCase):
    """One tour through everything that members say."""

    backups = 1

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.out = pathlib.Path(os.environ.get("STRATA_RECORD_TO")
                               or os.environ["TEST_UNDECLARED_OUTPUTS_DIR"])
        cls.out.mkdir(parents=True, exist_ok=True)
        cls.capture_file = cls.folder / "all.pcap"
        cls.capture = subprocess.Popen(
            ["ip", "netns", "exec", cls.lan.hub, "tcpdump", "-i", "br0", "-s", "0", "-U", "-w",
             str(cls.capture_file), "udp"], stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.capture.kill)
        wait_until(lambda: cls.capture_file.exists() and cls.capture_file.stat().st_size >= 24,
                   "the capture runs")

    def test_record(self):
        self.tour()
        calls = self.record_calls()
        (self.out / "calls.json").write_text(json.dumps(calls, indent=1) + "\n")
        self.check_equal()
        self.capture.send_signal(signal.SIGINT)
        self.capture.wait(10)
        self.record_datagrams()
        self.record_state()

    def tour(self):
        self.fill("/recorded.ts", b"recorded")
        self.check_purged("/recorded.ts")
        self.farm.apply_site(self.site("ttl: 1h"))
        self.fill("/kept.ts", b"kept")
        self.lan.lose(20)  # What is lost is asked for again.
        self.fill("/lossy.ts", b"lossy")
        self.check_purged("/lossy.ts")
        self.check_equal()
        self.lan.lose(0)
        self.farm.strata("engine", "drain", "south-1")
        self.farm.strata("engine", "undrain", "south-1")
        self.farm.engines["south-1"].kill()
        self.wait_status("south-1", "down")
        self.farm.start_engine("south-1")
        self.farm.wait_for_engine("south-1")
        self.check_equal()

    def record_calls(self):
        """Each with the request and the answers as bytes, and as this version reads them."""
        calls = []
        for who, service, method, text in recorded_calls.CALLS:
            asked = recorded_calls.request_type(service, method)
            answered = recorded_calls.answer_type(service, method)
            request = recorded_calls.encode(asked, text)
            code, answers = self.call(who, service, method, request)
            self.assertEqual(code, recorded_calls.code_of(service, method), (method, answers))
            answers = [] if code else answers
            calls.append({"who": who, "service": service, "method": method,
                          "request": request.hex(), "answers": [a.hex() for a in answers],
                          "request_text": recorded_calls.decode(asked, request),
                          "answer_texts": [recorded_calls.decode(answered, a) for a in answers]})
        return calls

    def record_datagrams(self):
        path = self.out / "datagrams.pcap"
        write_capture(path, list(choose(frames_of(self.capture_file))))
        done = subprocess.run(["multicast/tools/group_dump", "--read", str(path), "--undecoded"],
                              capture_output=True, text=True, check=True)
        (self.out / "datagrams.txt").write_text(done.stdout)

    def record_state(self):
        """What is on disk, after all were killed, and the settings of them all."""
        time.sleep(1.5)  # An engine's positions are on disk a second after it purged.
        for process in [*self.farm.managers.values(), *self.farm.engines.values()]:
            process.kill()
        kept = self.folder / "kept"
        folders = [self.farm.manager_folder(name) for name in self.farm.managers]
        for folder in [*folders, *map(self.farm.engine_folder, ENGINES)]:
            for source in folder.rglob("*"):
                relative = source.relative_to(self.farm.folder)
                wanted = "store" in relative.parts or source.name in ("group_state",
                                                                      "purge_positions")
                if not source.is_file() or not wanted or source.name.startswith("LOG"):
                    continue
                (kept / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, kept / relative)
        with tarfile.open(self.out / "state.tar.gz", "w:gz") as archive:
            archive.add(kept, ".")
        settings = {name: (self.farm.folder / f"{name}.yaml").read_text().replace(
            str(self.farm.folder), "{folder}")
            for name in ("manager", "sm-2", "north-1", "cli-admin")}
        settings["site"] = self.site("ttl: 1h")
        (self.out / "settings.json").write_text(json.dumps(settings, indent=1) + "\n")
