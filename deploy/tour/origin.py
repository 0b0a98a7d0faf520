"""An origin server with real files, which counts what is asked of it and can be made slow."""

import collections
import email.utils
import hashlib
import http.server
import os
import pathlib
import socket
import sys
import threading
import time
import urllib.parse

PIECE = 64 * 1024


class Origin:
    """Serves a folder. Thread-safe."""

    def __init__(self, folder, address="127.0.83.2", port=8000):
        self.folder = pathlib.Path(folder)
        self.requests = collections.Counter()  # (method, path) -> number
        self.seconds = {}  # Path -> how long its body takes.
        self.answers = {}  # Path -> function(handler) instead of a file.
        self.lock = threading.Lock()
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                origin.answer(self)

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

            def handle_error(self, request, client_address):
                # Whoever kept a connection may be gone.
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(request, client_address)

        self.server = Server((address, port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def count(self, path, method="GET"):
        with self.lock:
            return self.requests[(method, path)]

    def answer(self, handler):
        target = urllib.parse.urlsplit(handler.path)
        path = urllib.parse.unquote(target.path)
        with self.lock:
            self.requests[(handler.command, path)] += 1
            special = self.answers.get(path)
            seconds = self.seconds.get(path, 0)
        try:
            if special:
                special(handler)
            else:
                self.send_file(handler, path, seconds)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

    def send_file(self, handler, path, seconds):
        file = (self.folder / path.lstrip("/")).resolve()
        if not file.is_file() or self.folder.resolve() not in file.parents:
            handler.send_error(404)
            return
        info = os.stat(file)
        version = f"{info.st_mtime_ns} {info.st_size}".encode()
        tag = f'"{hashlib.sha256(version).hexdigest()[:16]}"'
        if handler.headers.get("If-None-Match") == tag:
            handler.send_response(304)
            handler.send_header("ETag", tag)
            handler.end_headers()
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(info.st_size))
        handler.send_header("ETag", tag)
        handler.send_header("Last-Modified", email.utils.formatdate(info.st_mtime, usegmt=True))
        handler.end_headers()
        if handler.command == "HEAD":
            return
        self.send_body(handler, file, info.st_size, seconds)

    @staticmethod
    def send_body(handler, file, size, seconds):
        piece = max(1, min(PIECE, size // 50)) if seconds else PIECE
        pause = seconds / max(1, size // piece) if seconds else 0
        with open(file, "rb") as body:
            while data := body.read(piece):
                handler.wfile.write(data)
                if pause:
                    time.sleep(pause)
