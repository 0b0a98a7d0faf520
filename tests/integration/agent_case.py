"""What the tests of the agent behind nginx share."""

import pathlib
import threading
import time
import unittest

import agent_lab
from agent_lab import HOST, send, wait_until

SLOW_PIECES = 10
BIG = 64 << 20

agent_lab.enter_private_network()


def uri(path):
    return f"http://{HOST}{path}"


class AgentCase(unittest.TestCase):
    """One nginx, one agent, two origins for each test."""

    def setUp(self):
        self.folder = agent_lab.new_folder()
        self.addCleanup(agent_lab.remove_folder, self.folder)
        self.origin = agent_lab.Origin()
        self.addCleanup(self.origin.stop)
        (self.folder / "spool").mkdir()
        self.agent = agent_lab.Agent(agent_lab.program(), self.folder)
        self.addCleanup(self.agent.stop)
        config = pathlib.Path(__file__).parent / "agent_nginx.conf"
        self.nginx = agent_lab.Nginx(self.folder, config)
        self.addCleanup(self.nginx.stop)
        self.site()

    def site(self, *fields):
        origins = [f for f in fields if f.startswith("origin=")]
        if not origins:
            origins = [f"origin=127.0.0.1:{agent_lab.ORIGIN_PORT}"]
        rest = [f for f in fields if not f.startswith("origin=")]
        self.agent.tell(" ".join(["site", "films", HOST] + origins + rest))

    def answer(self, path, body, status=200, **headers):
        self.origin.answers[path] = lambda request: send(request, body, status, **headers)

    def slow(self, path, pieces=SLOW_PIECES, pause=0.1, **headers):
        """Answers in chunks, one each `pause`; returns the body."""
        parts = [bytes([65 + i]) * 1000 for i in range(pieces)]

        def handler(request):
            request.send_response(200)
            for name, value in headers.items():
                request.send_header(name.replace("_", "-"), value)
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            for part in parts:
                request.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                request.wfile.flush()
                time.sleep(pause)
            request.wfile.write(b"0\r\n\r\n")

        self.origin.answers[path] = handler
        return b"".join(parts)

    def gated(self, path, body):
        """Answers when the returned event is set; the second one is set when it is asked."""
        go, asked = threading.Event(), threading.Event()

        def handler(request):
            asked.set()
            go.wait(agent_lab.PATIENCE)
            send(request, body)

        self.origin.answers[path] = handler
        return go, asked

    def purge(self, path):
        """As the adapter does it: fetches first, then files."""
        self.agent.tell("purge " + uri(path))
        for file in self.nginx.files(uri(path)):
            file.unlink(missing_ok=True)

    def settled(self):
        wait_until(lambda: self.agent.say("fetches") == "0", "no fetch is left")
