"""Calls of engines and operators, by name: what is recorded of a version, and replayed."""

import re
import subprocess

MANAGER = "strata.manager.v1"
INSTANCE = r"\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020"

# (who, service, method, request as text), in the order in which a fresh manager answers them.
CALLS = [
    ("engine", "Registration", "Register",
     f'protocol: 1 version: "0.1.0" instance: "{INSTANCE}" clients: "10.77.0.6:8080" '
     'peers: "10.77.0.6:8081" capacity {bandwidth_in: 1000 bandwidth_out: 1000}'),
    ("engine", "Registration", "Renew", f'instance: "{INSTANCE}" registration: 1'),
    ("engine", "Registration", "TellUris", 'uris: "http://films.example/recorded.ts"'),
    ("engine", "Registration", "FindHolders",
     r'key: "\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020"'),
    ("admin", "Administration", "ShowFarm", ""),
    ("admin", "Administration", "ApplySite",
     'file_name: "site.yaml" yaml: "name: songs\\nhosts: [songs.example]\\n'
     "origins: [{host: '10.77.0.5', port: 8000}]\\n\""),
    ("admin", "Administration", "ListSites", ""),
    ("admin", "Administration", "GetSite", 'name: "songs"'),
    ("admin", "Administration", "Locate", 'uri: "http://songs.example/a.ts"'),
    ("admin", "Administration", "ListContent", 'site: "songs"'),
    ("admin", "Administration", "PurgeContent", 'uris: "http://songs.example/a.ts"'),
    ("admin", "Administration", "DrainEngine", 'engine: "north-1" draining: true'),
    ("admin", "Administration", "DrainEngine", 'engine: "north-1"'),
    ("admin", "Administration", "ApplySite",
     'file_name: "site.yaml" yaml: "name: songs\\nhosts: [songs.example]\\nttl: 9s\\n'
     "origins: [{host: '10.77.0.5', port: 8000}]\\n\""),
    ("admin", "Administration", "RollbackSite", 'name: "songs"'),
    ("admin", "Administration", "RemoveSite", 'name: "songs"'),
    ("admin", "Administration", "VerifyFarm", ""),
    ("admin", "Administration", "ListAudit", "limit: 100"),
    ("admin", "Administration", "FollowEvents", "recent: 100"),
    ("admin", "Administration", "RemoveEngine", 'engine: "guest-1"'),
]

# Messages whose names do not follow from their method's.
_ANSWERS = {"RollbackSite": "ApplySiteReply", "ListContent": "Content", "FollowEvents": "Event"}


def request_type(method):
    return f"{MANAGER}.{method}Request"


def answer_type(method):
    return f"{MANAGER}.{_ANSWERS.get(method, method + 'Reply')}"


def _protoc(what, message, data):
    return subprocess.run(["protoc", f"--{what}={message}", "proto/manager.proto"], input=data,
                          capture_output=True, check=True).stdout


def encode(message, text):
    return _protoc("encode", message, text.encode())


def decode(message, data):
    return _protoc("decode", message, data).decode()


def unknown_fields(text):
    """Lines of protoc's text that have a number in the place of a name."""
    return [line for line in text.splitlines() if re.match(r"\s*\d+\s*[:{]", line)]


def call(program, address, folder, wrap, calls):
    """[(code, [answers])] of [(service, method, request)]; the answers as bytes."""
    lines = "".join(f"/{MANAGER}.{service}/{method} {request.hex() or '-'}\n"
                    for service, method, request in calls)
    done = subprocess.run([*wrap, program, address, str(folder)], input=lines, text=True,
                          capture_output=True, check=True)
    results = []
    for line in done.stdout.splitlines():
        code, *words = line.split(" ")
        good = code == "0"
        results.append((int(code), [bytes.fromhex("" if word == "-" else word) for word in words]
                        if good else [" ".join(words)]))
    return results
