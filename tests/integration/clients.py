"""Clients of a farm, on machines of a LAN, and what they keep of the answers."""

import ctypes
import hashlib
import http.client
import os
import pathlib
import threading
import time
import urllib.parse

TERM_LIMIT = 5  # Seconds from SIGTERM to the end of a program.

_CLONE_NEWNET = 0x40000000


def enter(namespace):
    """This process, and what it starts, is on that machine from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/var/run/netns/{namespace}", "rb") as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def processes_below(pid):
    """The pids of a process and of all that it started, and so on."""
    found = [pid]
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text(encoding="ascii").split():
                found += processes_below(int(child))
        except OSError:
            pass  # It has ended.
    return found


def signal_all(pids, number):
    """Those that have ended meanwhile are passed over."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def digest(body):
    return hashlib.sha256(body).hexdigest()


class Answer:
    """What a client got. `broken`: it was cut short, or nobody answered (status 0)."""

    def __init__(self, status=0, headers=None, body=b"", broken=True, hops=()):
        self.status = status
        self.headers = headers or {}
        self.body = body
        self.broken = broken
        self.hops = hops  # The addresses that were asked, in order.

    @property
    def good(self):
        return self.status == 200 and not self.broken


def ask(url, host=None, method="GET", body=None, timeout=20, **headers):
    """One request, on a connection of its own; an underscore in a header's name is a hyphen."""
    parts = urllib.parse.urlsplit(url)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers["Host"] = host or parts.netloc
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        try:
            return Answer(response.status, response.headers, response.read(), False,
                          (parts.hostname,))
        except (http.client.HTTPException, OSError) as error:
            return Answer(response.status, response.headers, getattr(error, "partial", b""), True,
                          (parts.hostname,))
    except (http.client.HTTPException, OSError):
        return Answer(hops=(parts.hostname,))
    finally:
        connection.close()


class Load(threading.Thread):
    """A client who asks again and again; keeps what was not as it should be."""

    def __init__(self, request, good):
        super().__init__(daemon=True)
        self.request = request
        self.good = good
        self.count = 0
        self.bad = []  # (Monotonic time of the answer, answer)
        self.ending = threading.Event()
        self.start()

    def run(self):
        while not self.ending.is_set():
            answer = self.request()
            self.count += 1
            if not self.good(answer):
                self.bad.append((time.monotonic(), answer))
                time.sleep(0.02)

    def end(self):
        self.ending.set()
        self.join()
        return self.bad


class KeepingClient(threading.Thread):
    """Asks again and again, on a connection that it keeps for as long as the server does, and
    counts what was cut. On a machine of its own, if one is named."""

    def __init__(self, address, port, host="films.example", machine=None):
        super().__init__(daemon=True)
        self.address = address
        self.port = port
        self.host = host
        self.machine = machine
        self.answers = 0
        self.statuses = set()
        self.failures = []
        self.longest = 0  # Seconds.
        self.ending = threading.Event()
        self.start()

    def run(self):
        if self.machine:
            enter(self.machine)  # This thread only.
        connection = None
        while not self.ending.is_set():
            begun = time.monotonic()
            try:
                connection = self.ask_once(connection)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection = None
            self.longest = max(self.longest, time.monotonic() - begun)

    def ask_once(self, connection):
        """The connection, if it is to be kept."""
        connection = connection or http.client.HTTPConnection(self.address, self.port, timeout=5)
        connection.request("GET", "/any", headers={"Host": self.host})
        answer = connection.getresponse()
        answer.read()
        self.answers += 1
        self.statuses.add(answer.status)
        if not answer.will_close:
            return connection
        connection.close()
        return None

    def end(self):
        self.ending.set()
        self.join()
