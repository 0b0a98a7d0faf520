"""Purges of what the agent has in flight: docs/protocols/agent.md, section 6."""

import concurrent.futures
import threading
import time
import unittest

import agent_lab
from agent_case import AgentCase, uri
from agent_lab import fetch, send, wait_until


class PurgeTest(AgentCase):
    """Section 6."""

    def test_a_body_that_was_in_flight_is_not_served_after_a_purge(self):
        self.slow("/film", pause=0.2, Content_Type="text/old")
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            futures = [pool.submit(fetch, "/film") for _ in range(10)]
            wait_until(lambda: self.agent.metric("strata_agent_fetched_bytes_total") > 0, "bytes")
            wait_until(lambda: self.nginx.files(uri("/film")), "nginx writes")
            self.answer("/film", b"new", Content_Type="text/new")
            self.purge("/film")
            self.assertEqual(fetch("/film").body, b"new")
            for answer in [future.result() for future in futures]:
                self.assertTrue(answer.broken or answer.body == b"new")
        # The purge may have taken the file of a fetch that had just begun anew.
        wait_until(lambda: fetch("/film").headers["X-Cache"] == "HIT", "it is kept")
        self.assertEqual(fetch("/film").body, b"new")

    def test_a_fetch_without_an_answer_asks_again(self):
        go, asked = self.gated("/film", b"old")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            future = pool.submit(fetch, "/film")
            self.assertTrue(asked.wait(agent_lab.PATIENCE))
            self.answer("/film", b"new")
            self.purge("/film")
            self.assertEqual(future.result().body, b"new")
            go.set()
        self.settled()
        self.assertEqual(fetch("/film").body, b"new")

    def test_a_renewal_without_an_answer_is_asked_as_a_whole(self):
        conditional = threading.Event()
        self.answer("/film", b"old", ETag='"1"', Cache_Control="max-age=1")
        fetch("/film")

        def handler(request):
            if request.headers["If-None-Match"]:
                conditional.set()
                time.sleep(3)
                send(request, b"", 304, ETag='"1"')
            else:
                send(request, b"new", ETag='"1"')

        self.origin.answers["/film"] = handler
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(self.until_conditional, conditional)
            self.assertTrue(conditional.wait(agent_lab.PATIENCE))
            self.purge("/film")
            self.assertEqual(future.result().body, b"new")
        self.assertEqual(fetch("/film").body, b"new")

    def test_what_a_purge_breaks_off_is_not_the_origins_fault(self):
        """Else it would be left alone for a while, and old copies served instead."""
        go, asked = self.gated("/film", b"old")
        self.addCleanup(go.set)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(fetch, "/film")
            self.assertTrue(asked.wait(agent_lab.PATIENCE))
            self.answer("/film", b"new")
            self.purge("/film")
            self.assertEqual(future.result().body, b"new")
        for error in ("unreachable", "silent", "broken"):
            self.assertEqual(self.agent.metric(
                f'strata_agent_origin_errors_total{{error="{error}"}}'), 0, error)

    @staticmethod
    def until_conditional(conditional):
        while True:
            answer = fetch("/film")
            if conditional.is_set():
                return answer

    def test_purges_beside_many_fills_leave_nothing_old(self):
        version = [0]

        def handler(request):
            body = b"%d" % version[0]
            request.send_response(200)
            request.send_header("Content-Length", "2001")
            request.end_headers()
            request.wfile.write(body * 1000)
            time.sleep(0.002)
            request.wfile.write(body * 1001)

        self.origin.answers["/film"] = handler
        stop = threading.Event()

        def client():
            while not stop.is_set():
                fetch("/film")

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(client) for _ in range(4)]
            for number in range(1, 10):
                version[0] = number
                self.purge("/film")
                self.assertEqual(fetch("/film").body, b"%d" % number * 2001)
                self.assertEqual(fetch("/film").body, b"%d" % number * 2001)
            stop.set()
            for one in clients:
                one.result()


if __name__ == "__main__":
    unittest.main()
