"""What Bazel knows: which target has which sources, and which are pure."""

import dataclasses
import subprocess
import xml.etree.ElementTree

from findings import Finding

_SOURCE_LISTS = ("srcs", "hdrs", "data", "deps")
_OWNED_SUFFIXES = (".cc", ".h", ".proto")
_NATIVE_RULES = ("cc_library", "cc_binary", "cc_test")


@dataclasses.dataclass
class Target:
    label: str
    rule: str
    macro: str = ""
    testonly: bool = False
    tags: tuple = ()
    files: tuple = ()

    def package(self):
        return self.label[2:].split(":")[0]


def label_path(label):
    """//a/b:c/d.cc -> a/b/c/d.cc"""
    package, _, name = label[2:].partition(":")
    return f"{package}/{name}" if package else name


def parse(query_xml):
    """The targets in the answer of `bazel query --output=xml`."""
    targets = []
    for rule in xml.etree.ElementTree.fromstring(query_xml).iter("rule"):
        target = Target(rule.get("name"), rule.get("class"))
        files = []
        for node in rule:
            name = node.get("name")
            if name == "generator_function":
                target.macro = node.get("value")
            elif name == "testonly":
                target.testonly = node.get("value") == "true"
            elif name == "tags":
                target.tags = tuple(item.get("value") for item in node)
            elif name in _SOURCE_LISTS:
                files += [label_path(item.get("value")) for item in node
                          if item.get("value", "").startswith("//")]
        target.files = tuple(files)
        targets.append(target)
    return targets


def query():
    """Asks Bazel for all targets of this workspace."""
    command = ["bazel", "query", "--output=xml", "//..."]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"bazel query failed:\n{result.stderr}")
    return parse(result.stdout)


def pure_files(targets):
    return {path for target in targets
            if "strata_pure" in target.tags and not target.testonly
            for path in target.files if path.endswith((".cc", ".h"))}


def check_targets(targets, paths):
    """Files without a target, native rules in rooms, rooms without README."""
    owned = {path for target in targets for path in target.files}
    for path in sorted(paths):
        if path.endswith(_OWNED_SUFFIXES) and path not in owned:
            yield Finding("no-target", path, "no Bazel target has this file")
    rooms = set()
    for target in targets:
        package = target.package()
        if any(path.endswith(_OWNED_SUFFIXES) for path in target.files):
            rooms.add("/".join(package.split("/")[:2]))
            rooms.add(package.split("/")[0])
        native = target.rule in _NATIVE_RULES and not target.macro
        if native and package.split("/")[0] != "tools":
            message = f"{target.label}: use the strata_* macros, not {target.rule}"
            yield Finding("native-rule", f"{package}/BUILD.bazel", message)
    for room in sorted(rooms):
        readme = f"{room}/README.md"
        if room and readme not in paths:
            yield Finding("readme", readme, "a room says what it is for in its README.md")
