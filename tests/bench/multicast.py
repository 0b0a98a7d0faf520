"""The benchmark of the multicast library: its rows, measured beside its peers."""

import dataclasses
import sys

import evictions
import measurement
from network import Network
from table import Target, make_row, median

_LATENCY_TIMEOUT_S = 60
_BULK_TIMEOUT_S = 120
_NORM_RATES = {200: (200, 300, 400, 500, 700), 65536: (500, 700, 850, 1000)}  # Mbit/s
_PGM_RATES = (50, 60, 80)  # MB/s
_PGM_BYTES = 1400


@dataclasses.dataclass(frozen=True)
class Scale:
    repeats: int
    latency_count: int
    lossy_tcp_count: int
    lossy_count: int
    small_count: int
    cpg_small_count: int
    large_count: int
    kills: int


FULL = Scale(repeats=5, latency_count=5000, lossy_tcp_count=300, lossy_count=5000,
             small_count=500000, cpg_small_count=50000, large_count=4096, kills=20)
QUICK = Scale(repeats=2, latency_count=1000, lossy_tcp_count=100, lossy_count=2000,
              small_count=100000, cpg_small_count=20000, large_count=1024, kills=3)


class Benchmark:
    def __init__(self, programs, scale):
        self._programs = programs
        self._scale = scale

    def _run(self, network, sender, receiver, timeout):
        """`sender` and `receiver` are command lines that begin with a program's name."""
        sides = []
        for line in (sender, receiver):
            words = line.split()
            sides.append([str(self._programs / words[0])] + words[1:])
        result = measurement.run(network, network.size - 1, *sides, timeout)
        if not result.complete:
            print(f"-- incomplete: {sender}: {'; '.join(result.notes)}", file=sys.stderr)
        return result

    def _alternate(self, runs):
        """Runs each, and all again, so that a slow minute of the machine hits them alike."""
        results = {key: [] for key in runs}
        for _ in range(self._scale.repeats):
            for key, run in runs.items():
                results[key].append(run())
        return results

    # ---- One run of each program.

    def _ours_latency(self, network, flags="", count=None):
        count = count or self._scale.latency_count
        return self._run(network, f"multicast_peer lsend {{n}} {count} {flags}",
                         f"multicast_peer lrecv {{i}} {{n}} {count} {flags}", _LATENCY_TIMEOUT_S)

    def _floor(self, network, sm, mode):
        count = self._scale.latency_count
        return self._run(network, f"floor send {{n}} {count} {sm}",
                         f"floor recv {{i}} {{n}} {count} {sm} {mode}", _LATENCY_TIMEOUT_S)

    def _tcp_latency(self, network):
        count = self._scale.lossy_tcp_count
        return self._run(network, f"tcp_streams lsend {count} {{addresses}}",
                         f"tcp_streams lrecv {count}", _LATENCY_TIMEOUT_S)

    def _ours_bulk(self, network, size, count, flags=""):
        return self._run(network, f"multicast_peer send {size} {count} {{n}} {flags}",
                         f"multicast_peer recv {{i}} {size} {count} {{n}} {flags}",
                         _BULK_TIMEOUT_S)

    def _lossy_bulk(self, network, percent, size, count):
        network.loss(percent)
        return self._ours_bulk(network, size, count)

    def _norm(self, network, size, count, rate):
        return self._run(network, f"norm_peer send {size} {count} {{n}} {rate}",
                         f"norm_peer recv {{i}} {size} {count}", _BULK_TIMEOUT_S)

    def _pgm(self, network, payload, rate):
        count = payload // _PGM_BYTES
        return self._run(network, f"pgm_peer send {_PGM_BYTES} {count} {rate}",
                         f"pgm_peer recv {_PGM_BYTES} {count}", _BULK_TIMEOUT_S)

    def _cpg(self, network, size, count):
        try:
            network.start_corosync()
            return self._run(network, f"cpg_peer send {size} {count} {{n}}",
                             f"cpg_peer recv {size} {count}", _BULK_TIMEOUT_S)
        except RuntimeError as error:
            print(f"-- {error}", file=sys.stderr)
            return measurement.Result()
        finally:
            network.stop_corosync()

    def _raw(self, network, size, count):
        return self._run(network, f"raw_udp send {size} {count} 44", f"raw_udp recv {size} {count}",
                         _BULK_TIMEOUT_S)

    def _tcp(self, network, size, count):
        return self._run(network, f"tcp_streams send {size} {count} {{addresses}}",
                         f"tcp_streams recv {size} {count}", _BULK_TIMEOUT_S)

    def _best_rate(self, run, rates):
        """The rate at which a paced peer is fastest; it does not find it itself."""
        found = {rate: run(rate).megabytes_per_second or 0 for rate in rates}
        return max(found, key=found.get)

    # ---- Rows.

    def latency(self, receivers):
        with Network(receivers) as network:
            runs = {
                "ours": lambda: self._ours_latency(network),
                "eager": lambda: self._floor(network, "member", "eager"),
                "lazy": lambda: self._floor(network, "member", "lazy"),
                "ours sm": lambda: self._ours_latency(network, "--sm sender"),
                "eager sm": lambda: self._floor(network, "sender", "eager"),
                "aes": lambda: self._ours_latency(network, "--security aes"),
            }
            results = self._alternate(runs)
        pairs = (("", "ours", "eager", 1.3, 1.5), (", lazy floor", "ours", "lazy", None, None),
                 (", SM sends", "ours sm", "eager sm", 1.3, 1.5),
                 (", AES beside none", "aes", "ours", 1.5, 1.5))
        for label, ours, peer, p50, p99 in pairs:
            what = f"commit, 200 B, {receivers} receivers{label}"
            for field, name, limit in (("p50_us", "p50", p50), ("p99_us", "p99", p99)):
                values = [median([getattr(r, field) if r.complete else None for r in results[key]])
                          for key in (ours, peer)]
                yield make_row(f"{what}: {name}", *values, "us", limit and Target("<=", limit))

    def lossy_latency(self):
        with Network(4) as network:
            network.loss(1)
            results = self._alternate({
                "ours": lambda: self._ours_latency(network, count=self._scale.lossy_count),
                "tcp": lambda: self._tcp_latency(network)})
        fields = (("rate", "commits", "/s", Target(">=", 3000, False)),
                  ("p50_us", "p50", "us", None), ("p99_us", "p99", "us", Target("<=", 3000, False)))
        for field, name, unit, target in fields:
            values = [median([getattr(r, field) if r.complete else None for r in results[key]])
                      for key in ("ours", "tcp")]
            yield make_row(f"commit, 1 % loss, 4 receivers, beside TCP: {name}", *values, unit,
                           target)

    def small(self):
        count = self._scale.small_count
        with Network(4) as network:
            rate = self._best_rate(lambda r: self._norm(network, 200, count, r), _NORM_RATES[200])
            results = self._alternate({
                "ours": lambda: self._ours_bulk(network, 200, count),
                "norm": lambda: self._norm(network, 200, count, rate),
                "cpg": lambda: self._cpg(network, 200, self._scale.cpg_small_count),
                "aes": lambda: self._ours_bulk(network, 200, count, "--security aes"),
                "raw": lambda: self._raw(network, 200, count),
                "tcp": lambda: self._tcp(network, 200, count)})
        speed = {key: median([r.messages_per_second for r in found])
                 for key, found in results.items()}
        what = "200 B messages, 4 receivers"
        yield make_row(f"{what}, beside NORM at {rate} Mb/s", speed["ours"], speed["norm"], "/s",
                       Target(">=", 1.7))
        yield make_row(f"{what}, beside corosync CPG", speed["ours"], speed["cpg"], "/s",
                       Target(">=", 10))
        yield make_row(f"{what}, AES beside none", speed["aes"], speed["ours"], "/s",
                       Target(">=", 0.6))
        yield make_row(f"{what}, beside raw UDP", speed["ours"], speed["raw"], "/s")
        yield make_row(f"{what}, beside 4 TCP streams, batched", speed["ours"], speed["tcp"], "/s")

    def large(self):
        size, count = 65536, self._scale.large_count
        with Network(4) as network:
            norm = self._best_rate(lambda r: self._norm(network, size, count, r), _NORM_RATES[size])
            pgm = self._best_rate(lambda r: self._pgm(network, size * count, r), _PGM_RATES)
            results = self._alternate({
                "ours": lambda: self._ours_bulk(network, size, count),
                f"NORM at {norm} Mb/s": lambda: self._norm(network, size, count, norm),
                f"PGM at {pgm} MB/s": lambda: self._pgm(network, size * count, pgm),
                "corosync CPG": lambda: self._cpg(network, size, count),
                "raw UDP": lambda: self._raw(network, _PGM_BYTES, size * count // _PGM_BYTES),
                "4 TCP streams": lambda: self._tcp(network, size, count)})
            pair = self._alternate({
                loss: lambda loss=loss: self._lossy_bulk(network, loss, size, count)
                for loss in (0, 1)})
        yield from self._large_rows(results, pair[0], pair[1])

    def _large_rows(self, results, clean, lossy):
        speed = {key: median([r.megabytes_per_second for r in found])
                 for key, found in results.items()}
        busy = {key: median([r.busy_per_gigabyte for r in found])
                for key, found in results.items()}
        what = "64 KiB messages, 4 receivers"
        norm = next(key for key in results if key.startswith("NORM"))
        packaged = [key for key in results if key.startswith(("NORM", "PGM", "corosync"))]
        best = max(packaged, key=lambda key: speed[key] or 0)
        yield make_row(f"{what}, beside the best, {best}", speed["ours"], speed[best], "MB/s",
                       Target(">=", 1.3))
        for key in results:
            if key not in ("ours", best):
                yield make_row(f"{what}, beside {key}", speed["ours"], speed[key], "MB/s")
        yield make_row(f"{what}, machine seconds beside {norm}", busy["ours"], busy[norm], "s/GB",
                       Target("<=", 0.6))
        yield make_row(f"{what}, 1 % loss beside none",
                       median([r.megabytes_per_second for r in lossy]),
                       median([r.megabytes_per_second for r in clean]), "MB/s",
                       Target(">=", 0.85))

    def killed(self):
        with Network(4) as network:
            yield from evictions.killed(network, self._programs / "multicast_peer",
                                        self._scale.kills)

    def soak(self, minutes):
        with Network(4) as network:
            yield from evictions.soak(network, self._programs / "multicast_peer", minutes)

    def rows(self):
        """(name, generator of rows) of each part, in the order of the table."""
        return {"latency4": lambda: self.latency(4), "latency16": lambda: self.latency(16),
                "lossy": self.lossy_latency, "small": self.small, "large": self.large,
                "killed": self.killed}
