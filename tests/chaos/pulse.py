"""Notices when the machine or one core of it stands still, or is so busy that the farm does."""

import os
import subprocess
import sys
import threading

# Stays on one core; sleeps and works there for some milliseconds, again and again; tells from when
# until when that took too long. A process of its own: threads of one that has many wait for each
# other.
_LOOP = """
import os, select, sys, time
os.sched_setaffinity(0, {int(sys.argv[2])})
last = time.monotonic()
while not select.select([sys.stdin], [], [], 0.02)[0]:
    sum(range(20000))
    now = time.monotonic()
    if now - last > float(sys.argv[1]):
        print(last, now, flush=True)
    last = now
"""
STALL_S = 0.4  # Members are taken for dead after 1 s, and turns of several of them add up.


class Pulse:
    """Calls `on_stall(begun, ended)` after each stall of a core, on threads of its own; ends with
    end()."""

    def __init__(self, on_stall, limit=STALL_S):
        self.on_stall = on_stall
        # They end by themselves when their input does.
        # pylint: disable=consider-using-with
        self.processes = [
            subprocess.Popen([sys.executable, "-c", _LOOP, str(limit), str(core)], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for core in os.sched_getaffinity(0)]
        self.threads = [threading.Thread(target=self._listen, args=(process,), daemon=True)
                        for process in self.processes]
        for thread in self.threads:
            thread.start()

    def _listen(self, process):
        for line in process.stdout:
            begun, ended = map(float, line.split())
            self.on_stall(begun, ended)

    def end(self):
        for process, thread in zip(self.processes, self.threads):
            process.stdin.close()
            process.wait()
            thread.join()
            process.stdout.close()
