"""The agent behind the real nginx, before an origin: docs/protocols/agent.md. What is filled, for
one client and for many, and what peers do."""

import concurrent.futures
import socket
import threading
import time
import unittest

import agent_lab
from agent_case import BIG, SLOW_PIECES, AgentCase, uri
from agent_lab import HOST, fetch, send, wait_until

CLIENTS = 100


class FillTest(AgentCase):
    """One client after the other."""

    def test_a_miss_is_filled_and_then_hit(self):
        self.answer("/film", b"a film", ETag='"1"')
        for expected in ("MISS", "HIT"):
            answer = fetch("/film")
            self.settled()
            self.assertEqual((answer.status, answer.body), (200, b"a film"))
            self.assertEqual(answer.headers["X-Cache"], expected)
        self.assertEqual(self.origin.count("/film"), 1)
        asked = self.origin.requests[0].headers
        self.assertEqual(asked["Host"], HOST)
        self.assertEqual(asked["CDN-Loop"], "strata-test")
        self.assertFalse([name for name in asked if name.lower().startswith("strata")])

    def test_another_spelling_is_the_same_content(self):
        self.answer("/film", b"a film")
        self.site("sorted=1")
        self.assertEqual(fetch("/film?a=1&b=2").body, b"a film")
        self.settled()
        answer = fetch("/film?b=2&a=%31")
        self.assertEqual((answer.body, answer.headers["X-Cache"]), (b"a film", "HIT"))
        self.assertEqual(len(self.origin.requests), 1)

    def test_head_range_and_conditions_come_from_the_copy(self):
        self.answer("/film", b"0123456789", ETag='"1"')
        head = fetch("/film", "HEAD")
        self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, "10", b""))
        self.settled()
        part = fetch("/film", Range="bytes=2-4")
        self.assertEqual((part.status, part.body), (206, b"234"))
        self.assertEqual(fetch("/film", If_None_Match='"1"').status, 304)
        self.assertEqual(len(self.origin.requests), 1)
        self.assertEqual(self.origin.requests[0].command, "GET")

    def test_a_range_of_what_is_not_here_fills_the_whole(self):
        self.answer("/film", b"0123456789", ETag='"1"')
        part = fetch("/film", Range="bytes=2-4")
        self.assertEqual((part.status, part.body), (206, b"234"))
        self.assertIsNone(self.origin.requests[0].headers["Range"])
        self.settled()
        self.assertEqual(fetch("/film").headers["X-Cache"], "HIT")

    def test_a_conditional_request_of_a_client_fills_the_whole(self):
        self.answer("/film", b"0123456789", ETag='"1"')
        self.assertEqual(fetch("/film", If_None_Match='"1"').status, 304)
        self.assertIsNone(self.origin.requests[0].headers["If-None-Match"])
        self.settled()
        self.assertEqual(fetch("/film").headers["X-Cache"], "HIT")

    def test_an_expired_copy_is_renewed_by_304(self):
        def handler(request):
            if request.headers["If-None-Match"] == '"1"':
                send(request, b"", 304, ETag='"1"', Cache_Control="max-age=60")
            else:
                send(request, b"a film", ETag='"1"', Cache_Control="max-age=1")

        self.origin.answers["/film"] = handler
        fetch("/film")
        wait_until(lambda: fetch("/film").headers["X-Cache"] == "REVALIDATED", "it expires")
        self.settled()
        answer = fetch("/film")
        self.assertEqual((answer.body, answer.headers["X-Cache"]), (b"a film", "HIT"))
        self.assertEqual(len(self.origin.requests), 2)

    def test_errors_are_kept_for_the_negative_ttl(self):
        self.site("negative_ttl=1s")
        self.answer("/film", b"gone", 404)
        self.assertEqual([fetch("/film").status for _ in range(3)], [404, 404, 404])
        self.assertEqual(self.origin.count("/film"), 1)
        self.answer("/film", b"back")
        wait_until(lambda: fetch("/film").status == 200, "the error is forgotten")

    def test_what_may_not_be_kept_is_not(self):
        self.answer("/private", b"mine", Cache_Control="private")
        self.answer("/cookie", b"mine", Set_Cookie="a=b")
        for path in ("/private", "/cookie"):
            for _ in range(2):
                self.settled()
                self.assertEqual(fetch(path).body, b"mine")
            self.assertEqual(self.origin.count(path), 2)
        self.assertEqual(list((self.folder / "cache").rglob("*/*/*")), [])

    def test_variants_are_apart(self):
        def handler(request):
            send(request, request.headers["Accept-Language"].encode(), Vary="Accept-Language")

        self.origin.answers["/film"] = handler
        for _ in range(2):
            for language in ("de", "en"):
                self.settled()
                self.assertEqual(fetch("/film", Accept_Language=language).body, language.encode())
        self.assertEqual(self.origin.count("/film"), 2)

    def test_other_methods_go_to_the_origin_with_their_body(self):
        def handler(request):
            send(request, request.command.encode() + b" " + request.body, 201)

        self.origin.answers["/form"] = handler
        answer = fetch("/form?b=2&a=1", "POST", body=b"x" * 100000)
        self.assertEqual((answer.status, answer.body), (201, b"POST " + b"x" * 100000))
        self.assertEqual(self.origin.requests[0].path, "/form?b=2&a=1")
        answer = fetch("/form", "PUT", body=iter([b"one", b"two"]))
        self.assertEqual(answer.body, b"PUT onetwo")
        self.assertEqual(fetch("/form", "DELETE").body, b"DELETE ")
        self.assertEqual(self.agent.metric(
            'strata_agent_misses_told_total{answer="forward"}'), 3)

    def test_what_changes_a_content_makes_its_copy_invalid(self):
        """RFC 9111, section 4.4."""
        def invalidated():
            return int(self.agent.say(f"invalidated {uri('/form')}"))

        number = 0
        for method, status, invalid in (("POST", 201, True), ("PUT", 204, True),
                                        ("DELETE", 200, True), ("PATCH", 303, True),
                                        ("UNHEARD-OF", 200, True), ("POST", 400, False),
                                        ("PUT", 500, False), ("OPTIONS", 200, False)):
            self.answer("/form", b"", status)
            self.assertEqual(fetch("/form", method).status, status)
            number += invalid
            self.assertEqual(invalidated(), number, method)
        self.assertEqual(self.agent.metric("strata_agent_invalidated_total"), number)

    def test_a_big_body_goes_through(self):
        body = bytes(range(256)) * (BIG // 256)
        self.answer("/film", body)
        self.assertEqual(fetch("/film").body, body)
        self.settled()
        answer = fetch("/film", Range=f"bytes={BIG - 3}-")
        self.assertEqual((answer.body, answer.headers["X-Cache"]), (body[-3:], "HIT"))

    def test_an_origin_does_not_command_nginx(self):
        self.answer("/film", b"a film", X_Accel_Redirect="/_strata/peer", Strata_Key="x",
                    X_Accel_Expires="5000", Connection="X-Secret", X_Secret="1")
        answer = fetch("/film")
        self.assertEqual(answer.body, b"a film")
        self.assertIsNone(answer.headers["X-Secret"])

    def test_a_request_that_was_here_is_refused(self):
        answer = fetch("/film", CDN_Loop="other, strata-test")
        self.assertEqual(answer.status, 508)
        self.assertEqual(self.origin.requests, [])

    def test_hosts_of_no_site_and_bad_targets_are_refused(self):
        self.assertEqual(fetch("/film", host="nobody.example").status, 404)
        self.assertEqual(fetch("/fi%zzlm").status, 400)


class SharedFillTest(AgentCase):
    """Many clients, one fetch."""

    def fetch_all(self, count, *args, **headers):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: fetch(*args, **headers), range(count)))

    def test_a_slow_fill_is_shared_and_streams(self):
        body = self.slow("/film", pieces=SLOW_PIECES, pause=0.3)
        first = threading.Event()

        def first_byte():
            with socket.create_connection(("127.0.0.1", agent_lab.ENGINE_PORT)) as sock:
                sock.sendall(f"GET /film HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
                data = b""
                while b"AAAA" not in data:
                    data += sock.recv(4096)
            first.set()

        with concurrent.futures.ThreadPoolExecutor(CLIENTS + 1) as pool:
            began = time.monotonic()
            pool.submit(first_byte)
            futures = [pool.submit(fetch, "/film") for _ in range(CLIENTS)]
            self.assertTrue(first.wait(2), "the first bytes come at once")
            self.assertLess(time.monotonic() - began, 2)
            answers = [future.result() for future in futures]
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertTrue(all(answer.body == body for answer in answers))
        self.assertEqual(self.origin.count("/film"), 1)
        self.settled()
        self.assertEqual(fetch("/film").headers["X-Cache"], "HIT")
        self.settled()

    def test_waiters_get_what_an_origin_thinks_about_for_long(self):
        go, asked = self.gated("/film", b"a film")
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            futures = [pool.submit(fetch, "/film") for _ in range(CLIENTS)]
            wait_until(lambda: self.agent.metric(
                'strata_agent_requests_total{request="join"}') >= CLIENTS - 1, "all wait")
            self.assertTrue(asked.is_set())
            go.set()
            self.assertEqual({future.result().body for future in futures}, {b"a film"})
        self.assertEqual(self.origin.count("/film"), 1)

    def test_the_fill_completes_when_its_client_leaves(self):
        body = self.slow("/film")
        with socket.create_connection(("127.0.0.1", agent_lab.ENGINE_PORT)) as sock:
            sock.sendall(f"GET /film HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            sock.recv(100)
        self.settled()
        answer = fetch("/film")
        self.assertEqual((answer.body, answer.headers["X-Cache"]), (body, "HIT"))
        self.assertEqual(self.origin.count("/film"), 1)

    def test_what_is_private_is_not_shared(self):
        numbers = iter(range(1000))
        go = threading.Event()

        def handler(request):
            go.wait(agent_lab.PATIENCE)
            send(request, str(next(numbers)).encode(), Cache_Control="private")

        self.origin.answers["/mine"] = handler
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            futures = [pool.submit(fetch, "/mine") for _ in range(10)]
            wait_until(lambda: self.agent.metric(
                'strata_agent_requests_total{request="join"}') >= 9, "all wait")
            go.set()
            bodies = [future.result().body for future in futures]
        self.assertEqual(len(set(bodies)), 10)

    def test_variants_in_flight_are_apart(self):
        go = threading.Event()

        def handler(request):
            go.wait(agent_lab.PATIENCE)
            send(request, request.headers["Accept-Language"].encode(), Vary="Accept-Language")

        self.origin.answers["/film"] = handler
        languages = ["de", "en", "fr"] * 10
        with concurrent.futures.ThreadPoolExecutor(len(languages)) as pool:
            futures = [pool.submit(fetch, "/film", Accept_Language=l) for l in languages]
            wait_until(lambda: self.agent.metric(
                'strata_agent_requests_total{request="join"}') >= len(languages) - 1, "all wait")
            go.set()
            bodies = [future.result().body.decode() for future in futures]
        self.assertEqual(bodies, languages)
        self.assertLessEqual(self.origin.count("/film"), 9)

    def test_waiters_for_a_renewal_get_the_renewed_copy(self):
        go = threading.Event()

        def handler(request):
            if request.headers["If-None-Match"] == '"1"':
                go.wait(agent_lab.PATIENCE)
                send(request, b"", 304, ETag='"1"', Cache_Control="max-age=60")
            else:
                send(request, b"a film", ETag='"1"', Cache_Control="max-age=1")

        self.origin.answers["/film"] = handler
        fetch("/film")
        self.settled()  # Its file has its place.
        wait_until(lambda: "EXPIRED" in self.peek("/film"), "it expires")
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            futures = [pool.submit(fetch, "/film") for _ in range(20)]
            wait_until(lambda: self.agent.metric(
                'strata_agent_requests_total{request="join"}') >= 19, "all wait")
            go.set()
            answers = [future.result() for future in futures]
        self.assertEqual({(a.status, a.body) for a in answers}, {(200, b"a film")})
        self.assertEqual(self.origin.count("/film"), 2)

    def peek(self, path):
        """Whether the copy has expired, without touching it."""
        for file in self.nginx.files(uri(path)):
            valid = int.from_bytes(file.read_bytes()[8:16], "little")
            if valid < time.time() - 1:
                return "EXPIRED"
        return ""


class SlowClientTest(AgentCase):
    """Clients that take their time."""

    def test_a_slow_client_slows_nobody_and_gets_all(self):
        body = bytes(range(256)) * (BIG // 256)
        go = threading.Event()

        def handler(request):
            go.wait(agent_lab.PATIENCE)
            send(request, body)

        self.origin.answers["/film"] = handler
        with socket.create_connection(("127.0.0.1", agent_lab.ENGINE_PORT)) as slow, \
                concurrent.futures.ThreadPoolExecutor(4) as pool:
            first = pool.submit(fetch, "/film")
            wait_until(lambda: self.agent.say("fetches") == "1", "one fills")
            slow.sendall(f"GET /film HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
                         .encode())
            others = [pool.submit(fetch, "/film") for _ in range(3)]
            wait_until(lambda: self.agent.metric(
                'strata_agent_requests_total{request="join"}') >= 4, "all wait")
            go.set()
            for future in [first] + others:
                self.assertEqual(future.result().body, body)
            received = b""
            while data := slow.recv(1 << 20):
                received += data
            self.assertTrue(received.endswith(body))
        self.assertEqual(self.origin.count("/film"), 1)


class PeerTest(AgentCase):
    """Other engines."""

    PEER = "2,two,127.0.0.2:8080,127.0.0.1:9002"

    def peer(self, answer):
        peer = agent_lab.Origin(9002)
        self.addCleanup(peer.stop)
        peer.answers[f"/_s/{HOST}/film"] = answer
        return peer

    def test_a_client_is_sent_to_the_holder(self):
        self.site("cors=https://player.example")
        self.agent.tell(f"holders {uri('/film?a=1')} {self.PEER}")
        answer = fetch("/film?a=1", Origin="https://player.example")
        self.assertEqual(answer.status, 302)
        self.assertEqual(answer.headers["Location"],
                         f"http://127.0.0.2:8080/_s/{HOST}/film?a=1")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "https://player.example")

    def test_who_was_sent_here_is_not_sent_on(self):
        self.agent.tell(f"holders {uri('/film')} {self.PEER}")
        self.peer(lambda request: send(request, b"of two"))
        answer = fetch("/film", host="one." + HOST)
        self.assertEqual((answer.status, answer.body), (200, b"of two"))
        self.assertEqual(answer.headers["X-Cache"], "PEER")

    def test_forward_sites_fetch_from_the_holder_and_keep_nothing(self):
        self.site("mode=forward")
        self.agent.tell(f"holders {uri('/film')} {self.PEER}")
        peer = self.peer(lambda request: send(request, b"of two"))
        for _ in range(2):
            self.assertEqual(fetch("/film").body, b"of two")
        self.assertEqual(len(peer.requests), 2)
        self.assertEqual(self.origin.requests, [])

    def test_a_peer_that_has_it_not_is_passed_over(self):
        self.site("mode=forward")
        self.agent.tell(f"holders {uri('/film')} {self.PEER}")
        self.peer(lambda request: send(request, b"", 504))
        self.answer("/film", b"of the origin")
        self.assertEqual(fetch("/film").body, b"of the origin")
        self.assertEqual(self.agent.say("lacking"), "engines 2")

    def test_peers_get_what_is_held_and_504_else(self):
        path = f"/_s/{HOST}/film"
        self.assertEqual(fetch(path, port=agent_lab.PEER_PORT).status, 403)
        self.agent.tell("member 127.0.0.1")
        self.assertEqual(fetch(path, port=agent_lab.PEER_PORT).status, 504)
        self.answer("/film", b"a film")
        fetch("/film")
        self.settled()
        self.assertEqual(fetch(path, port=agent_lab.PEER_PORT).body, b"a film")


if __name__ == "__main__":
    unittest.main()
