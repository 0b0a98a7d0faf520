"""Contents whose every byte follows from path and generation, and the origin that has them."""

import functools
import random
import threading

SIZES = (200, 5_000, 40_000, 200_000)


@functools.lru_cache(maxsize=400)
def body_of(path, generation):
    """The bytes of a content; the first line says which it is."""
    chance = random.Random(f"{path} {generation}")
    size = chance.choice(SIZES) + chance.randrange(100)
    return f"{path} {generation}\n".encode() + chance.randbytes(size)


def read_generation(body):
    """Path and generation of an answer; None if it does not say so."""
    words = body[:200].split(b"\n", 1)[0].split()
    if len(words) != 2 or not words[1].isdigit():
        return None
    return words[0].decode(errors="replace"), int(words[1])


def judge(path, body, floor):
    """What is wrong with a body that came for a path, or None. An answer older than `floor` was
    purged before it was asked for."""
    found = read_generation(body)
    if found is None or found[0] != path:
        return f"not the content of {path}: {body[:60]!r}"
    expected = body_of(path, found[1])
    if body != expected:
        at = next((i for i, (a, b) in enumerate(zip(body, expected)) if a != b),
                  min(len(body), len(expected)))
        return (f"wrong bytes of {path} generation {found[1]}: {len(body)} of {len(expected)}, "
                f"the first at {at}")
    if found[1] < floor:
        return f"purged content of {path}: generation {found[1]}, purged up to {floor - 1}"
    return None


class Generations:
    """Which generation the origin has of a path, and from which on clients have to get it.
    Thread-safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.present = {}
        self.floors = {}

    def change(self, path):
        with self.lock:
            self.present[path] = self.present.get(path, 1) + 1
            return self.present[path]

    def purged(self, path, generation):
        """Acknowledged: nothing older from now on."""
        with self.lock:
            self.floors[path] = max(self.floors.get(path, 0), generation)

    def floor(self, path):
        with self.lock:
            return self.floors.get(path, 0)

    def body(self, path):
        with self.lock:
            generation = self.present.get(path, 1)
        return body_of(path, generation)

    def answer(self, handler, path):
        """As an origin's special answer (deploy/tour/origin.py)."""
        body = self.body(path)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("ETag", f'"{read_generation(body)[1]}"')
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
