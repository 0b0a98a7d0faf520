"""An nginx, its agent and an origin, in a network of their own."""

import copy
import ctypes
import fcntl
import functools
import http.client
import http.server
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "deploy/tour"))
import waiting  # pylint: disable=wrong-import-position

wait_until = functools.partial(waiting.wait_until, pause=0.005)

PATIENCE = 20  # Seconds for what takes milliseconds.
HOST = "films.example"
ENGINE_PORT = 8080
PEER_PORT = 8090
ORIGIN_PORT = 9000
SPARE_PORT = 9001

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def enter_private_network():
    """Before there are threads. Raises OSError where the system forbids it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0 and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network of its own")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def _accepts(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Origin:
    """Answers paths by functions of the test, and remembers what it was asked."""

    def __init__(self, port=ORIGIN_PORT, tls=None):
        self.requests = []
        self.answers = {}
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _answer(self):
                length = int(self.headers.get("Content-Length", 0))
                if self.headers.get("Transfer-Encoding") == "chunked":
                    self.body = self._chunks()
                else:
                    self.body = self.rfile.read(length)
                origin.requests.append(copy.copy(self))  # The next one has the same handler.
                path = self.path.split("?")[0]
                origin.answers.get(path, send_missing)(self)

            def _chunks(self):
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = _answer

            def __getattr__(self, name):
                if name == "do_UNHEARD-OF":
                    return self._answer
                raise AttributeError(name)

            def log_message(self, *args):
                pass

        http.server.ThreadingHTTPServer.request_queue_size = 256
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True  # The agent keeps connections open.
        self.server.handle_error = lambda *args: None
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def count(self, path, method="GET"):
        return sum(1 for r in self.requests if r.path == path and r.command == method)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def send_missing(request):
    send(request, b"nothing here", 404)


def send(request, body, status=200, **headers):
    """One answer; an underscore in a header's name is a hyphen."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    if status != 304:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if status != 304:
        request.wfile.write(body)


class Agent:
    """The process under test."""

    def __init__(self, program, folder, ca_file=None):
        command = [program, f"{folder}/agent.sock", f"{folder}/spool"]
        self.process = subprocess.Popen(command + ([ca_file] if ca_file else []), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lock = threading.Lock()
        assert self.process.stdout.readline() == "ready\n"

    def say(self, line):
        with self.lock:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            return self.process.stdout.readline().strip()

    def tell(self, line):
        answer = self.say(line)
        assert answer == "OK", answer

    def metric(self, sample):
        return float(self.say("metric " + sample))

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(PATIENCE)


class Answer:
    """What a client got; `broken` if it was cut short."""

    def __init__(self, response, body, broken):
        self.status = response.status
        self.headers = response.headers
        self.body = body
        self.broken = broken


def fetch(path, method="GET", host=HOST, port=ENGINE_PORT, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers={"Host": host, **headers},
                           encode_chunked=hasattr(body, "__next__"))
        response = connection.getresponse()
        try:
            return Answer(response, response.read(), False)
        except (http.client.IncompleteRead, ConnectionError) as error:
            return Answer(response, getattr(error, "partial", b""), True)
    finally:
        connection.close()


class Nginx:
    """An nginx with its agent, as docs/protocols/agent.md has them."""

    def __init__(self, folder, config, port=ENGINE_PORT):
        self.folder = folder
        for name in ("cache", "temp", "spool"):
            (folder / name).mkdir(exist_ok=True)
        text = config.read_text(encoding="utf-8")
        (folder / "nginx.conf").write_text(text.replace("@FOLDER@", str(folder)), encoding="utf-8")
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-e", f"{folder}/error.log", "-p", str(folder), "-c",
             str(folder / "nginx.conf")])
        wait_until(lambda: _accepts(port) or self.process.poll() is not None, "nginx accepts")
        assert self.process.poll() is None, (folder / "error.log").read_text()

    def files(self, uri):
        """The files of a content, as a purge finds them: cache and temporary."""
        key = f"\nKEY: {uri}\n".encode()
        found = []
        for name in ("temp", "cache"):
            for path in (self.folder / name).rglob("*"):
                try:
                    if path.is_file() and key in path.read_bytes()[:4096]:
                        found.append(path)
                except FileNotFoundError:
                    pass
        return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


def new_folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-agent-"))
    folder.chmod(0o755)
    return folder


def remove_folder(folder):
    shutil.rmtree(folder, ignore_errors=True)


def program():
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "agent_process")


class RawOrigin:
    """An origin that speaks as the test wants: `answer(connection, count)` for each request that
    comes, `count` being its number on its connection; False closes it."""

    def __init__(self, answer):
        self.answer = answer
        self.connections = 0
        self.requests = []
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"origin=127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection:
                count = 0
                while request := self._read(connection):
                    count += 1
                    self.requests.append(request)
                    if self.answer(connection, count) is False:
                        break
        except OSError:
            pass  # The agent has had enough.

    @staticmethod
    def _read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        return data

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.sockets:
            connection.close()
