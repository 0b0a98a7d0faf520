"""Calls of members and operators, by name: what is recorded of a version, and replayed."""

import re
import subprocess

INSTANCE = r"\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020"

# Who calls: role and name of the certificate; none of these members runs. "admin" is the operator.
CALLERS = {"engine": "guest-1", "manager": "sm-9", "witness": "witness-1", "admin": "admin"}

# Service: package and definitions.
_SERVICES = {
    "Registration": ("strata.manager.v1", "manager"),
    "Administration": ("strata.manager.v1", "manager"),
    "Mirroring": ("strata.manager.mirror.v1", "mirror"),
    "Location": ("strata.manager.locate.v1", "locate"),
    "Hierarchy": ("strata.manager.hierarchy.v1", "hierarchy"),
}
DEFINITIONS = sorted({file for _, file in _SERVICES.values()})

# (who, service, method, request as text), in the order in which a fresh manager answers them.
CALLS = [
    ("engine", "Registration", "Register",
     f'protocol: 1 version: "0.2.0" instance: "{INSTANCE}" clients: "10.77.0.6:8080" '
     'peers: "10.77.0.6:8081" capacity {bandwidth_in: 1000 bandwidth_out: 1000} '
     'purged {key: "films" value: 2}'),
    ("engine", "Registration", "Renew", f'instance: "{INSTANCE}" registration: 1'),
    ("engine", "Registration", "TellUris", 'uris: "http://films.example/recorded.ts"'),
    ("engine", "Registration", "FindHolders",
     r'key: "\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020"'),
    ("engine", "Registration", "ExchangeCopies", "takes: true free_bytes: 1000000"),
    ("witness", "Registration", "Attend",
     f'protocol: 1 version: "0.2.0" instance: "{INSTANCE}"'),
    ("engine", "Registration", "FindPlace",
     'protocol: 1 version: "0.2.0" member_id: 1 group_id: 1'),
    ("manager", "Mirroring", "Follow",
     'protocol: 1 version: "0.2.0" position {} address: "10.77.0.6:7400"'),
    ("manager", "Hierarchy", "Attach",
     'hello {protocol: 1 version: "0.2.0" scope: "cdn-one/lan-a" level: 1 epoch: 1}'),
    ("admin", "Hierarchy", "Tree", ""),
    ("admin", "Hierarchy", "Policy", ""),
    ("admin", "Administration", "ListManagers", ""),
    ("admin", "Administration", "PromoteManager", 'name: "sm-1"'),
    ("admin", "Administration", "ShowFarm", ""),
    ("admin", "Administration", "ApplySite",
     'file_name: "site.yaml" yaml: "name: songs\\nhosts: [songs.example]\\n'
     "origins: [{host: '10.77.0.5', port: 8000}]\\n\""),
    ("admin", "Administration", "ListSites", ""),
    ("admin", "Administration", "GetSite", 'name: "songs"'),
    ("admin", "Administration", "Locate", 'uri: "http://songs.example/a.ts"'),
    ("manager", "Location", "Locate", 'hops_left: 1 time_left_us: 1000000'),
    ("admin", "Location", "Trace", 'uri: "http://songs.example/a.ts" trace: true'),
    ("admin", "Administration", "ListContent", 'site: "songs"'),
    ("admin", "Administration", "PurgeContent", 'uris: "http://songs.example/a.ts"'),
    ("admin", "Administration", "DrainEngine", 'engine: "north-1" draining: true'),
    ("admin", "Administration", "ShowFarm", ""),
    ("admin", "Administration", "DrainEngine", 'engine: "north-1"'),
    ("admin", "Administration", "ApplySite",
     'file_name: "site.yaml" yaml: "name: songs\\nhosts: [songs.example]\\nttl: 9s\\n'
     "origins: [{host: '10.77.0.5', port: 8000}]\\n\""),
    ("admin", "Administration", "RollbackSite", 'name: "songs"'),
    ("admin", "Administration", "RemoveSite", 'name: "songs"'),
    ("admin", "Administration", "VerifyFarm", ""),
    ("admin", "Administration", "CreateBackup", ""),
    ("admin", "Administration", "ListAudit", "limit: 100"),
    ("admin", "Administration", "FollowEvents", "recent: 100"),
    ("admin", "Administration", "RemoveEngine", 'engine: "guest-1"'),
    ("admin", "Administration", "RemoveManager", 'name: "sm-9"'),
]

# Messages whose names do not follow from their method's.
_ANSWERS = {"RollbackSite": "ApplySiteReply", "ListContent": "Content", "FollowEvents": "Event",
            "CreateBackup": "BackupChunk"}
# What a farm that serves refuses, with the gRPC code: who asks for his place is to register, only
# managers of other scopes are neighbours, and it has neither children nor a parent.
_REFUSED = {("Registration", "FindPlace"): 14, ("Location", "Locate"): 7,
            ("Hierarchy", "Attach"): 7, ("Hierarchy", "Policy"): 9}
# Streams that have no end: so many answers are of interest.
_ENDLESS = {"Follow": 3}


def code_of(service, method):
    """The gRPC code with which a call of CALLS ends."""
    return _REFUSED.get((service, method), 0)


def request_type(service, method):
    return f"{_SERVICES[service][0]}.{method}Request"


def answer_type(service, method):
    return f"{_SERVICES[service][0]}.{_ANSWERS.get(method, method + 'Reply')}"


def _protoc(what, message, data):
    file = next(file for package, file in _SERVICES.values() if message.startswith(package + "."))
    return subprocess.run(["protoc", f"--{what}={message}", f"proto/{file}.proto"], input=data,
                          capture_output=True, check=True).stdout


def encode(message, text):
    return _protoc("encode", message, text.encode())


def decode(message, data):
    return _protoc("decode", message, data).decode()


def unknown_fields(text):
    """Lines of protoc's text that have a number in the place of a name."""
    return [line for line in text.splitlines() if re.match(r"\s*\d+\s*[:{]", line)]


def call(program, address, folder, service, method, request):
    """(code, answers) of a call, the answers as bytes; the error's text is the only answer of one
    that failed."""
    line = f"/{_SERVICES[service][0]}.{service}/{method} {request.hex() or '-'}"
    if method in _ENDLESS:
        line += f" {_ENDLESS[method]}"
    done = subprocess.run([program, address, str(folder)], input=line + "\n", text=True,
                          capture_output=True, check=True)
    code, *words = done.stdout.rstrip("\n").split(" ")
    if code != "0":
        return int(code), [" ".join(words)]
    return 0, [bytes.fromhex("" if word == "-" else word) for word in words]
