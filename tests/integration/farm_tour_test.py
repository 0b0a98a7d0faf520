"""A farm serves: what clients get."""

import concurrent.futures
import os
import subprocess

from farm_case import ENGINES, HOST, PORT, FarmCase, Load, ask, digest, host_of, wait_until

CLIENTS = 100
BIG = 20 << 20


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "--max-time", "20", *arguments], capture_output=True,
                          check=False)
    return done.returncode, done.stdout


class TourTest(FarmCase):
    """What a client gets."""

    def curl(self, path, *arguments):
        address = host_of(self.farm.manager_address)
        return curl("--resolve", f"{HOST}:{PORT}:{address}", *arguments,
                    f"http://{HOST}:{PORT}{path}")

    def test_pulled_contents_arrive_by_redirects(self):
        for size in (0, 1, 1000, BIG):
            path = f"/pulled/{size}"
            body = self.write(path, os.urandom(size))
            for _ in range(3):
                status, got = self.curl(path, "-L")
                self.assertEqual((status, digest(got)), (0, digest(body)), path)
            self.assertEqual(self.origin.count(path), 1)
            self.check_everywhere(path, body)
            self.assertEqual(self.origin.count(path), 1)

    def test_libraries_are_served_by_their_engines(self):
        body = os.urandom(100_000)
        (self.farm.library("north-2", "films") / "own.bin").write_bytes(body)
        wait_until(lambda: self.farm.holders(self.uri("/own.bin")) == ["north-2"], "it is known")
        answer = self.get("/own.bin")
        self.assertEqual(self.name_of(answer.hops[-1]), "north-2")
        self.check_everywhere("/own.bin", body)
        self.assertEqual(self.origin.count("/own.bin"), 0)

    def test_head_range_and_conditions(self):
        body = self.write("/parts", b"0123456789" * 1000)
        for _ in range(2):
            head = self.get("/parts", method="HEAD")
            self.assertEqual((head.status, head.headers["Content-Length"], head.body),
                             (200, "10000", b""))
            part = self.get("/parts", Range="bytes=5-8")
            self.assertEqual((part.status, part.body), (206, body[5:9]))
        tag = self.get("/parts").headers["ETag"]
        self.assertEqual(self.get("/parts", If_None_Match=tag).status, 304)
        self.assertEqual(self.get("/parts", If_None_Match='"other"').status, 200)

    def test_a_post_arrives_as_post(self):
        bodies = []

        def take(handler):
            bodies.append(handler.rfile.read(int(handler.headers["Content-Length"])))
            handler.send_response(201)
            handler.send_header("Content-Length", "5")
            handler.end_headers()
            handler.wfile.write(b"taken")

        self.origin.answers["/form"] = take
        sent = ask(self.farm.http + "/form", host=HOST, method="POST", body=b"a=1")
        self.assertEqual(sent.status, 307)
        for _ in range(2):
            answer = ask(sent.headers["Location"], method="POST", body=b"a=1")
            self.assertEqual((answer.status, answer.body), (201, b"taken"))
        self.assertEqual(bodies, [b"a=1"] * 2)
        self.assertEqual((self.origin.count("/form", "POST"), self.origin.count("/form")), (2, 0))

    def test_a_host_of_no_site_is_not_found(self):
        self.assertEqual(ask(self.farm.http + "/x", host="other.example").status, 404)
        self.assertEqual(ask(self.engine_url("north-1", "/x", ""), host="other.example").status,
                         404)

    def test_redirects_are_not_kept_and_explained_to_operators(self):
        holder, _ = self.fill("/why", b"why")
        sent = ask(self.farm.http + "/why?a=%20b", host=HOST)
        self.assertEqual((sent.status, sent.headers["Cache-Control"]), (302, "no-store"))
        self.assertTrue(sent.headers["Location"].endswith(f"/_s/{HOST}/why?a=%20b"))
        text = self.get("/why?strata=explain").body.decode()
        self.assertIn(self.uri("/why"), text)
        self.assertIn(holder, text)

    def test_variants_are_kept_apart_and_purged_together(self):
        def answer(handler):
            language = handler.headers.get("Accept-Language", "none")
            body = f"{self.generation} in {language}".encode()
            handler.send_response(200)
            handler.send_header("Vary", "Accept-Language")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.origin.answers["/variants"] = answer
        for self.generation in ("old", "new"):
            for _ in range(3):
                for language in ("de", "en"):
                    for name in ENGINES:
                        got = self.at(name, "/variants", Accept_Language=language)
                        self.assertEqual(got.body, f"{self.generation} in {language}".encode())
            self.check_purged("/variants")

    def test_forward_sites_are_fetched_for_the_client(self):
        self.farm.apply_site(self.site("mode: forward", name="music", host="music.example"))
        body = self.write("/forwarded", os.urandom(300_000))
        for _ in range(3):
            answer = ask(self.farm.http + "/forwarded", host="music.example")
            self.assertEqual((answer.status, digest(answer.body)), (200, digest(body)))
        self.assertEqual(self.origin.count("/forwarded"), 1)

    def test_a_drained_engine_gets_no_new_clients(self):
        holder, body = self.fill("/drained", os.urandom(1000))
        self.farm.strata("engine", "drain", holder)
        self.addCleanup(self.farm.strata, "engine", "undrain", holder)
        self.wait_status(holder, "draining")
        self.wait_sent_elsewhere("/drained", holder)
        for _ in range(3):
            answer = self.get("/drained")
            self.assertEqual((answer.status, answer.body), (200, body))
            self.assertNotEqual(self.name_of(answer.hops[-1]), holder)

    def test_sites_change_without_a_failed_request(self):
        _, body = self.fill("/steady", os.urandom(10_000))
        loads = [Load(lambda n=name: self.at(n, "/steady"), lambda a: a.good and a.body == body)
                 for name in ENGINES]
        for minutes in (6, 7, 8, 5):
            self.farm.apply_site(self.site(f"ttl: {minutes}min"))
        self.assertEqual([a.status for load in loads for _, a in load.end()], [])

    def test_what_clients_asked_is_in_the_sites_log(self):
        holder, _ = self.fill("/logged", b"logged")
        self.at(holder, "/logged")
        log = self.farm.engine_folder(holder) / "log/films.access.log"
        wait_until(lambda: log.exists() and
                   log.read_text().count("/logged HTTP/1.1\" 200") == 2, "both are there")

    def test_all_members_have_the_same_table(self):
        for number in range(20):
            self.fill(f"/many/{number}", os.urandom(1000))
        self.check_equal()
        listed = self.farm.strata("content", "list")
        wait_until(lambda: self.uri("/many/7") in self.farm.strata("content", "list"), listed)

    def test_many_clients_of_a_slow_fill_ask_the_origin_once(self):
        body = self.write("/slow-for-many", os.urandom(1 << 20))
        self.origin.seconds["/slow-for-many"] = 3
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda _: self.get("/slow-for-many", timeout=60),
                                       range(CLIENTS)))
        self.assertEqual({(a.status, digest(a.body)) for a in answers}, {(200, digest(body))})
        self.assertEqual(self.origin.count("/slow-for-many"), 1)


class Ipv6TourTest(TourTest):
    """The same by IPv6."""

    family = 6
