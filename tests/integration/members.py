"""Processes of group_member, their lines, and waiting for what they say."""

import pathlib
import re
import signal
import subprocess
import threading
import time

PROGRAM = pathlib.Path(__file__).parent / "group_member"
PATIENCE = 30.0  # Seconds; far more than anything takes.


class Event(dict):
    """One line: its name, when it was, and its fields."""

    def __init__(self, line):
        when, self.name, *fields = line.split()
        super().__init__(field.partition("=")[::2] for field in fields)
        self.when = float(when)
        self.line = line

    def number(self, name):
        return int(self[name])


class Member:
    """One process, started and ended by this object only."""

    def __init__(self, number, command):
        self.number = number
        self.events = []
        self._changed = threading.Condition()
        self._tags = 0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, bufsize=1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            line = line.rstrip()
            event = Event(line) if re.match(r"\d+\.\d+ \w+", line) else Event("0 says " + line)
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    def wait(self, what, condition, patience=PATIENCE):
        """Waits until condition(events) is true, and returns what it returned."""
        deadline = time.monotonic() + patience
        with self._changed:
            while True:
                result = condition(self.events)
                if result:
                    return result
                left = deadline - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._reader.is_alive()):
                    raise AssertionError(f"member {self.number} never came to: {what}\n"
                                         + self.story())
                self._changed.wait(min(left, 0.5))

    def story(self, lines=25):
        """The last events, for failures."""
        states = self.named("state")
        kept = [event.line for event in self.events
                if event.name not in ("mark", "state") or event in states[-1:]][-lines:]
        return "\n".join(f"  [{self.number}] {line}" for line in kept)

    def wait_event(self, name, since=0.0, patience=PATIENCE, **fields):
        """The first such event not earlier than `since`."""
        def find(events):
            for event in events:
                if event.name == name and event.when >= since and all(
                        event.get(key) == value for key, value in fields.items()):
                    return event
            return None
        return self.wait(f"{name} {fields}", find, patience)

    def wait_view(self, status, since=0.0, patience=PATIENCE):
        """Until the latest view is {member: status}, its first the SM; any SM if it is None."""
        def find(_):
            view = self.view()
            return view if view and view.when >= since and members_of(view) == status else None
        return self.wait(f"view {status}", find, patience)

    def view(self):
        """The event of the view that it has now."""
        for event in reversed(self.events):
            if event.name == "left":
                return None
            if event.name == "view":
                return event
        return None

    def named(self, name):
        return [event for event in self.events if event.name == name]

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def state(self):
        """What it answers to `state`."""
        self._tags += 1
        tag = f"t{self._tags}"
        self.tell(f"state {tag}")
        return self.wait_event("state", tag=tag)

    def marks(self):
        """Commit number -> hash, since it last lost its state."""
        marks = {}
        for event in self.events:
            if event.name in ("left", "snapshot"):
                marks = {}
            elif event.name == "mark":
                marks[event.number("commit")] = event["hash"]
        return marks

    def kill(self):
        """kill -9; returns when."""
        when = time.monotonic()
        self.process.kill()
        self.process.wait()
        return when

    def leave(self):
        self.tell("leave")
        self.process.wait(PATIENCE)

    def stop(self):
        """SIGSTOP; returns when."""
        when = time.monotonic()
        self.process.send_signal(signal.SIGSTOP)
        return when

    def resume(self):
        """SIGCONT; returns when."""
        when = time.monotonic()
        self.process.send_signal(signal.SIGCONT)
        return when

    def end(self):
        """Whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self._reader.join(PATIENCE)
        self.process.stdout.close()


def members_of(view):
    """{member: status} of a view event."""
    pairs = (pair.split(":") for pair in view["members"].split(","))
    return {int(member): status for member, status in pairs}


def all_full(*numbers):
    return {number: "full" for number in numbers}
