"""Notices when the whole machine stands still, or is so busy with others that the farm does."""

import subprocess
import sys
import threading

# Sleeps and works for some milliseconds, again and again; tells from when until when that took too
# long. A process of its own: threads of one that has many wait for each other.
_LOOP = """
import select, sys, time
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
    """Calls `on_stall(begun, ended)` after each stall, on a thread of its own; ends with end()."""

    def __init__(self, on_stall, limit=STALL_S):
        self.on_stall = on_stall
        # It ends by itself when its input does.
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen([sys.executable, "-c", _LOOP, str(limit)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        for line in self.process.stdout:
            begun, ended = map(float, line.split())
            self.on_stall(begun, ended)

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()
