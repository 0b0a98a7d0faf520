"""The agent's origins: trusted or not, failing, hostile; and the connections to them."""

import socket
import ssl
import subprocess
import threading
import time
import unittest

import agent_lab
from agent_case import AgentCase, uri
from agent_lab import HOST, fetch, send, wait_until


class TlsTest(AgentCase):
    """Origins behind TLS."""

    def setUp(self):
        super().setUp()
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=origin",
             "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.secure = agent_lab.Origin(agent_lab.SPARE_PORT, context)
        self.addCleanup(self.secure.stop)
        self.secure.answers["/film"] = lambda request: send(request, b"secure")
        self.site(f"origin=127.0.0.1:{agent_lab.SPARE_PORT}:tls", "negative_ttl=0s")
        self.certificate = certificate

    def test_an_unknown_certificate_is_refused(self):
        self.assertEqual(fetch("/film").status, 502)
        self.assertEqual(self.secure.requests, [])

    def test_a_known_one_is_trusted(self):
        self.agent.stop()
        self.agent = agent_lab.Agent(agent_lab.program(), self.folder, str(self.certificate))
        self.addCleanup(self.agent.stop)
        self.site(f"origin=127.0.0.1:{agent_lab.SPARE_PORT}:tls")
        self.assertEqual(fetch("/film").body, b"secure")

    def test_a_session_is_taken_up_again(self):
        self.agent.stop()
        self.agent = agent_lab.Agent(agent_lab.program(), self.folder, str(self.certificate))
        self.addCleanup(self.agent.stop)
        self.site(f"origin=127.0.0.1:{agent_lab.SPARE_PORT}:tls")

        def close(request):
            send(request, b"secure", Connection="close")
            request.close_connection = True

        self.secure.answers["/closing"] = close
        for query in range(3):
            self.assertEqual(fetch(f"/closing?{query}").body, b"secure")
            self.settled()
        self.assertEqual(self.agent.metric("strata_agent_origin_tls_resumed_total"), 2)
        for query in range(3):
            self.assertEqual(fetch(f"/film?{query}").body, b"secure")
            self.settled()
        self.assertEqual(self.agent.metric("strata_agent_origin_connections_reused_total"), 2)

    def test_a_body_cut_short_by_an_attacker_is_not_whole(self):
        def handler(request):
            request.send_response(200)
            request.send_header("Connection", "close")
            request.end_headers()
            request.wfile.write(b"half a film")
            # The connection ends without TLS saying so.
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True

        self.agent.stop()
        self.agent = agent_lab.Agent(agent_lab.program(), self.folder, str(self.certificate))
        self.addCleanup(self.agent.stop)
        self.site(f"origin=127.0.0.1:{agent_lab.SPARE_PORT}:tls")
        self.secure.answers["/film"] = handler
        self.assertTrue(fetch("/film").broken)
        self.settled()
        self.assertEqual(self.nginx.files(uri("/film")), [])


class OriginFailureTest(AgentCase):
    """Origins that do not answer as they should."""

    def test_the_next_origin_is_asked(self):
        spare = agent_lab.Origin(agent_lab.SPARE_PORT)
        self.addCleanup(spare.stop)
        spare.answers["/film"] = lambda request: send(request, b"spare")
        spare.answers["/form"] = lambda request: send(request, b"spare " + request.body)
        self.site("origin=127.0.0.1:9", f"origin=127.0.0.1:{agent_lab.ORIGIN_PORT}",
                  f"origin=127.0.0.1:{agent_lab.SPARE_PORT}")
        self.answer("/film", b"broken", 503)
        self.assertEqual(fetch("/film").body, b"spare")
        self.assertEqual(self.origin.count("/film"), 1)
        self.answer("/form", b"")
        self.assertEqual(fetch("/form", "POST", body=b"x").status, 200)

    def test_a_silent_origin_is_left(self):
        spare = agent_lab.Origin(agent_lab.SPARE_PORT)
        self.addCleanup(spare.stop)
        spare.answers["/film"] = lambda request: send(request, b"spare")
        go, _ = self.gated("/film", b"late")
        self.addCleanup(go.set)
        self.site(f"origin=127.0.0.1:{agent_lab.ORIGIN_PORT}",
                  f"origin=127.0.0.1:{agent_lab.SPARE_PORT}", "read=300ms")
        self.assertEqual(fetch("/film").body, b"spare")
        self.assertEqual(self.agent.metric(
            'strata_agent_origin_errors_total{error="silent"}'), 1)

    def test_without_an_answer_it_is_a_bad_gateway(self):
        self.site("origin=127.0.0.1:9", "negative_ttl=0s")
        self.assertEqual(fetch("/film").status, 502)
        self.site("origin=no-such-name.invalid:80", "negative_ttl=0s")
        self.assertEqual(fetch("/film").status, 502)

    def test_what_is_no_http_is_a_bad_gateway(self):
        self.site("negative_ttl=0s")
        for garbage in (b"what?\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100000 + b"\r\n\r\n",
                        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
                        b"HTTP/1.1 100 Continue\r\n\r\n" * 20, b"HTTP/1.1 304 x\r\n\r\n"):
            def handler(request, garbage=garbage):
                request.wfile.write(garbage)
                request.close_connection = True

            self.origin.answers["/film"] = handler
            self.assertEqual(fetch("/film").status, 502, garbage[:40])
            self.settled()

    def test_a_fill_has_a_limit(self):
        go, _ = self.gated("/film", b"late")
        self.addCleanup(go.set)
        self.site("fill_limit=1s", "negative_ttl=0s")
        self.assertEqual(fetch("/film").status, 504)

    def test_a_stale_copy_is_served_when_origins_fail(self):
        self.answer("/film", b"a film", Cache_Control="max-age=1")
        self.site("stale_if_error=1h", "negative_ttl=0s")
        self.assertEqual(fetch("/film").body, b"a film")
        self.answer("/film", b"broken", 503)
        wait_until(lambda: fetch("/film").headers["X-Cache"] == "STALE", "it expires")
        self.assertEqual(fetch("/film").body, b"a film")
        self.site("origin=127.0.0.1:9", "stale_if_error=1h", "negative_ttl=0s")
        answer = fetch("/film")
        self.assertEqual((answer.body, answer.headers["X-Cache"]), (b"a film", "STALE"))

    def test_a_body_cut_short_is_not_kept(self):
        whole = b"x" * 5000

        def counted(request):
            request.send_response(200)
            request.send_header("Content-Length", str(len(whole)))
            request.end_headers()
            request.wfile.write(whole[:2000])
            request.close_connection = True

        def chunked(request):
            request.send_response(200)
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            request.wfile.write(b"7d0\r\n" + whole[:2000] + b"\r\n")
            request.close_connection = True

        for path, handler in (("/counted", counted), ("/chunked", chunked)):
            self.origin.answers[path] = handler
            self.assertTrue(fetch(path).broken)
            self.settled()
            self.assertEqual(self.nginx.files(uri(path)), [])
            self.answer(path, whole)
            self.assertEqual(fetch(path).body, whole)

    def test_a_body_until_the_connection_closes_is_whole(self):
        def handler(request):
            request.send_response(200)
            request.send_header("Connection", "close")
            request.end_headers()
            request.wfile.write(b"a film")
            request.close_connection = True

        self.origin.answers["/film"] = handler
        self.assertEqual(fetch("/film").body, b"a film")
        self.settled()
        self.assertEqual(fetch("/film").headers["X-Cache"], "HIT")


def hostile(text, *more):
    """Says this, byte for byte, and closes."""
    def answer(connection, _):
        for piece in (text, *more):
            connection.sendall(piece)
        return False
    return answer


def endless(start, piece, pause=0.0):
    """Never comes to an end by itself."""
    def answer(connection, _):
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(pause)
    return answer


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


class HostileOriginTest(AgentCase):
    """Origins that mean harm, or are broken beyond that. Nothing of it is kept, and the agent goes
    on."""

    def attack(self, answer, *fields):
        """What a client gets who asks for /film of such an origin."""
        origin = agent_lab.RawOrigin(answer)
        try:
            self.site(origin.origin, "negative_ttl=0s", "read=1s", *fields)
            got = fetch("/film")
            self.settled()
            self.assertEqual(self.nginx.files(uri("/film")), [])
            self.asked = len(origin.requests)
            return got
        finally:
            origin.stop()

    def errors(self, kind):
        return self.agent.metric(f'strata_agent_origin_errors_total{{error="{kind}"}}')

    def check_well(self):
        self.site()
        self.answer("/well", b"well")
        self.assertEqual(fetch("/well").body, b"well")

    def test_heads_that_are_none(self):
        heads = {
            "a line of 1 MB": hostile(OK + b"X: " + b"x" * (1 << 20) + b"\r\n\r\n"),
            "1 MB of lines": hostile(OK + b"X: x\r\n" * (1 << 18) + b"\r\n"),
            "more than nginx takes": hostile(OK + b"X: x\r\n" * 3000 + b"\r\n"),
            "no end": endless(OK, b"X: " + b"x" * 1000 + b"\r\n"),
            "no end of 1xx": endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
            "a switch of protocols": hostile(b"HTTP/1.1 101 x\r\n\r\n"),
            "two lengths": hostile(OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"),
            "length and chunks": hostile(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked"
                                         b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            "a length of letters": hostile(OK + b"Content-Length: abc\r\n\r\nabc"),
            "a length beyond all": hostile(OK + b"Content-Length: 99999999999999999999999\r\n\r\n"),
            "a zero in a line": hostile(OK + b"X: a\0b\r\nContent-Length: 1\r\n\r\nx"),
            "half a head": hostile(OK + b"Content-Le"),
            "nothing": hostile(b""),
            "another protocol": hostile(b"SSH-2.0-OpenSSH_9.2\r\n"),
        }
        for number, (name, answer) in enumerate(heads.items(), 1):
            with self.subTest(name):
                self.assertEqual(self.attack(answer).status, 502)
                self.assertEqual(self.errors("broken") + self.errors("unreachable"), number)
        self.check_well()

    def test_bodies_that_lie(self):
        bodies = {
            "shorter than said": hostile(OK + b"Content-Length: 9000\r\n\r\n" + b"x" * 8999),
            "a chunk that is shorter": hostile(CHUNKED + b"2328\r\n" + b"x" * 5000),
            "no last chunk": hostile(CHUNKED + b"3\r\nabc\r\n"),
            "a length that is no number": hostile(CHUNKED + b"3\r\nabc\r\nzz\r\n"),
            "a chunk beyond all": hostile(CHUNKED + b"3\r\nabc\r\nfffffffffffffffff\r\nx"),
            "a chunk longer than said": hostile(CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n"),
            "trailers without end": endless(CHUNKED + b"3\r\nabc\r\n0\r\n", b"X: x\r\n" * 999),
            "extensions without end": endless(CHUNKED + b"3\r\nabc\r\n3;", b"x" * 9999),
        }
        for number, (name, answer) in enumerate(bodies.items(), 1):
            with self.subTest(name):
                got = self.attack(answer)
                self.assertTrue(got.broken or got.status == 502, got.body[:80])
                self.assertEqual(self.errors("broken"), number)
        self.check_well()

    def test_more_than_was_said_is_not_taken(self):
        extra = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
        origin = agent_lab.RawOrigin(
            lambda connection, _: connection.sendall(OK + b"Content-Length: 3\r\n\r\nabc" + extra))
        self.addCleanup(origin.stop)
        self.site(origin.origin)
        for number in range(5):
            self.assertEqual(fetch(f"/film/{number}").body, b"abc")
            self.settled()
        self.assertEqual(origin.connections, 5)

    def test_an_origin_that_drips(self):
        """Each byte in time, the whole never."""
        began = time.monotonic()
        self.assertEqual(self.attack(endless(OK, b"X", 0.2)).status, 504)
        self.assertLess(time.monotonic() - began, 5, "a head has its time as a whole")
        self.assertEqual(self.errors("silent"), 1)
        got = self.attack(endless(OK + b"Content-Length: 99\r\n\r\n", b"x", 0.2), "fill_limit=2s")
        self.assertTrue(got.broken)
        self.assertEqual(self.errors("silent"), 2)
        self.check_well()

    def test_an_origin_that_says_less_and_waits(self):
        def answer(connection, _):
            connection.sendall(OK + b"Content-Length: 99\r\n\r\nx")
            connection.recv(1)
        self.assertTrue(self.attack(answer).broken)
        self.assertEqual(self.errors("silent"), 1)
        self.check_well()

    def test_a_body_without_end_ends_with_the_fill(self):
        got = self.attack(endless(CHUNKED, b"3e8\r\n" + b"x" * 1000 + b"\r\n", 0.001),
                          "fill_limit=2s")
        self.assertTrue(got.broken)
        self.check_well()

    def test_redirects_are_the_clients_to_follow(self):
        for status in (301, 302, 307, 308):
            line = f"HTTP/1.1 {status} x\r\nLocation: http://{HOST}/film\r\n".encode()
            origin = agent_lab.RawOrigin(hostile(line + b"Cache-Control: no-store\r\n"
                                                 b"Content-Length: 0\r\n\r\n"))
            self.site(origin.origin)
            got = fetch("/film")
            origin.stop()
            self.assertEqual((got.status, got.headers["Location"]), (status, f"http://{HOST}/film"))
            self.assertEqual(len(origin.requests), 1)
            self.settled()


class KeptConnectionTest(AgentCase):
    """Connections to origins are kept; what the origin closed is asked again."""

    def say(self, connection, body=b"abc", line=b""):
        connection.sendall(OK + line + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def start(self, answer):
        origin = agent_lab.RawOrigin(answer)
        self.addCleanup(origin.stop)
        self.site(origin.origin, "negative_ttl=0s", "read=2s")
        return origin

    def counted(self, name):
        return self.agent.metric(f"strata_agent_origin_connections_{name}")

    def test_one_connection_serves_many_requests(self):
        origin = self.start(lambda connection, _: self.say(connection))
        for number in range(10):
            self.assertEqual(fetch(f"/film/{number}").body, b"abc")
            self.settled()
        self.assertEqual((origin.connections, len(origin.requests)), (1, 10))
        self.assertEqual(self.counted("reused_total"), 9)
        self.assertEqual(self.counted("idle"), 1)

    def test_what_the_origin_closes_is_not_kept(self):
        line = b"Connection: close\r\n"
        origin = self.start(lambda connection, _: self.say(connection, line=line))
        for number in range(3):
            self.assertEqual(fetch(f"/film/{number}").body, b"abc")
            self.settled()
        self.assertEqual(origin.connections, 3)
        self.assertEqual(self.counted("idle"), 0)

    def test_a_connection_that_was_closed_meanwhile_is_replaced(self):
        origin = self.start(lambda connection, count: self.say(connection))
        fetch("/film/1")
        self.settled()
        origin.sockets[0].shutdown(socket.SHUT_RDWR)
        self.assertEqual(fetch("/film/2").body, b"abc")
        self.assertEqual(origin.connections, 2)

    def test_a_connection_that_closes_upon_a_request_is_asked_again_once(self):
        """The origin closes just when the second request comes."""
        origin = self.start(lambda connection, count: count == 1 and self.say(connection) is None)
        self.assertEqual(fetch("/film/1").body, b"abc")
        self.settled()
        self.assertEqual(fetch("/film/2").body, b"abc")
        self.assertEqual(self.counted("stale_total"), 1)
        self.assertEqual(len(origin.requests), 3)
        self.assertEqual(self.agent.metric(
            'strata_agent_origin_errors_total{error="broken"}'), 0)

    def test_an_answer_that_had_begun_is_not_asked_again(self):
        def answer(connection, count):
            if count == 1:
                return self.say(connection)
            connection.sendall(OK[:7])
            return False

        origin = self.start(answer)
        fetch("/film/1")
        self.settled()
        self.assertEqual(fetch("/film/2").status, 502)
        self.assertEqual(len(origin.requests), 2)

    def test_other_methods_have_new_connections(self):
        """What was sent on one that the origin was closing could not be repeated."""
        origin = self.start(lambda connection, count: count == 1 and self.say(connection) is None)
        fetch("/film")
        self.settled()
        for _ in range(3):
            self.assertEqual(fetch("/form", "POST", body=b"").status, 200)
        self.assertEqual(len(origin.requests), 4)
        self.assertEqual(self.counted("stale_total"), 0)

    def test_idle_connections_are_closed(self):
        origin = self.start(lambda connection, _: self.say(connection))
        fetch("/film")
        self.settled()
        self.assertEqual(self.counted("idle"), 1)
        agent_lab.wait_until(lambda: self.counted("idle") == 0, "it is closed", 30)
        self.assertEqual(origin.connections, 1)


if __name__ == "__main__":
    unittest.main()
