"""Rules that look at one source file."""

import ast
import re

import cpp_source
from findings import Finding

FILE_LINES_MAX = 500
TEST_LINES_MAX = 800
FUNCTION_LINES_MAX = 60
COLUMNS_MAX = 100

CPP_SUFFIXES = (".cc", ".h")
CODE_SUFFIXES = CPP_SUFFIXES + (".proto", ".py", ".bzl", ".sh", "BUILD.bazel", "tests/run")

# (pattern, why)
_BANNED_EVERYWHERE = [
    (r"\bthrow\b", "our code throws nothing: return a Status"),
    (r"\busing\s+namespace\s+std\s*;", "name what you use"),
    (r"(?<![\w:])assert\s*\(", "STRATA_CHECK stays in release builds; assert does not"),
]
_BANNED_IN_UNIT_TESTS = [
    (r"\b(?:sleep_for|sleep_until|usleep|nanosleep|SleepFor)\b", "a unit test never sleeps"),
]
_ATOMIC = (r"\bstd::atomic\w*", "a pure room shares nothing with another thread")
# What threads read without waiting is made of atomics; it starts none, and locks nothing.
_SHARED_MEMORY_ROOM = "service_manager/directory/"
_BANNED_IN_PURE = [
    (r"\bstd::(?:this_thread|jthread|thread|(?:\w+_)?mutex|condition_variable\w*|async)\b",
     "no threads or locks in a pure room"),
    (r"\babsl::(?:Mutex\w*|CondVar|Notification)\b", "no locks in a pure room"),
    (r"\bthread_local\b", "no thread-bound state in a pure room"),
    (r"(?:_clock|Clock)::now\b|\babsl::(?:Now|SleepFor)\b|\b(?:clock_gettime|gettimeofday)\b"
     r"|\btime\s*\(\s*(?:0|NULL|nullptr)\s*\)", "a pure room takes `now` as an argument"),
    (r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b", "a pure room never waits"),
    (r"\bs?rand\s*\(|\bstd::(?:random_device|mt19937\w*|default_random_engine)\b",
     "a pure room draws from its RandomSource"),
    (r"\bstd::(?:cout|cerr|clog|cin)\b|\b(?:f|v|vf)?printf\s*\(|\b(?:perror|puts|putchar)\s*\("
     r"|\bf(?:open|write|read)\s*\(", "no I/O in a pure room"),
    (r"\b(?:secure_)?getenv\b", "no environment in a pure room"),
]

_PURE_BANNED_STANDARD = set(
    "<atomic> <barrier> <condition_variable> <csignal> <ctime> <filesystem> <fstream> "
    "<future> <iostream> <latch> <mutex> <random> <semaphore> <shared_mutex> <stop_token> "
    "<syncstream> <thread>".split())
_STANDARD = re.compile(r"<[a-z_0-9]+>")
_PURE_THIRD_PARTY = re.compile(
    r'["<](?:absl/(?:algorithm|base|cleanup|container|functional|hash|memory|meta|numeric|status'
    r'|strings|types|utility)/|openssl/|xxhash\.h)')
_THIRD_PARTY = re.compile(r'"(?:absl|openssl|grpcpp|google|spdlog|yaml-cpp|gtest|gmock)/')


def is_test(path):
    return path.endswith(("_test.cc", "_test.py"))


def _tokens(rule, path, code, banned):
    for pattern, why in banned:
        for match in re.finditer(pattern, code):
            line = code.count("\n", 0, match.start()) + 1
            word = re.sub(r"[\s(].*", "", match.group(0))
            yield Finding(rule, path, f"'{word}': {why}", symbol=word, line=line)


def file_length(path, text):
    limit = TEST_LINES_MAX if is_test(path) else FILE_LINES_MAX
    lines = text.count("\n")
    if lines > limit:
        yield Finding("file-length", path, f"{lines} lines, more than {limit}", size=lines)


def _python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def function_length(path, text):
    if path.endswith(CPP_SUFFIXES):
        found = cpp_source.functions(text)
    elif path.endswith(".py"):
        found = _python_functions(text)
    else:
        return
    for name, line, lines in found:
        if lines > FUNCTION_LINES_MAX:
            message = f"{name} has {lines} lines, more than {FUNCTION_LINES_MAX}"
            yield Finding("function-length", path, message, symbol=name, line=line, size=lines)


def layout(path, text):
    """Columns, tabs, stray spaces, the last newline."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS_MAX and "://" not in line:
            message = f"{len(line)} columns, more than {COLUMNS_MAX}"
            yield Finding("columns", path, message, line=number)
        if line != line.rstrip() or "\t" in line:
            yield Finding("whitespace", path, "tab or space at the end of a line", line=number)
    if text and not text.endswith("\n"):
        yield Finding("whitespace", path, "no newline at the end of the file")


def header_guard(path, text):
    if not path.endswith(".h"):
        return
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).strip()
    if not code.startswith("#pragma once"):
        yield Finding("header-guard", path, "a header starts with #pragma once")


def todos(path, text):
    for match in re.finditer(r"\b(TO[D]O|FIX[M]E)\b(?!\(#\d+\))", text):
        line = text.count("\n", 0, match.start()) + 1
        word = match.group(1)
        yield Finding("todo", path, f"{word} without an issue: {word}(#12)", line=line)


def machine_paths(path, text):
    for match in re.finditer(r"(?<![\w.>)}$])/(?:home|work|root)/\w+", text):
        line = text.count("\n", 0, match.start()) + 1
        yield Finding("machine-path", path, f"path of one machine: {match.group(0)}", line=line)


def banned_tokens(path, text):
    if not path.endswith(CPP_SUFFIXES):
        return
    code = cpp_source.code_only(text)
    yield from _tokens("token", path, code, _BANNED_EVERYWHERE)
    if path.endswith("_test.cc") and not path.startswith("tests/"):
        yield from _tokens("test-sleep", path, code, _BANNED_IN_UNIT_TESTS)
    for line, name in cpp_source.includes(text):
        if name.startswith(('".', "<bits/")):
            yield Finding("include", path, f"{name}: include by full path", symbol=name, line=line)


def _pure_include_error(path, name):
    if name == "<atomic>" and path.startswith(_SHARED_MEMORY_ROOM):
        return None
    if name in _PURE_BANNED_STANDARD:
        return f"{name} has no place in a pure room"
    if _STANDARD.fullmatch(name) or _PURE_THIRD_PARTY.match(name):
        return None
    if name.startswith('"') and not _THIRD_PARTY.match(name):
        return None  # Ours: Bazel holds the arrows.
    return f"{name} is not on the list of what a pure room may include"


def purity(path, text):
    """For the sources of pure libraries."""
    for line, name in cpp_source.includes(text):
        error = _pure_include_error(path, name)
        if error:
            yield Finding("pure-include", path, error, symbol=name, line=line)
    banned = list(_BANNED_IN_PURE)
    if not path.startswith(_SHARED_MEMORY_ROOM):
        banned.append(_ATOMIC)
    yield from _tokens("pure-token", path, cpp_source.code_only(text), banned)


TEXT_RULES = [todos, machine_paths]
CODE_RULES = [file_length, function_length, layout, header_guard, banned_tokens]


def check_file(path, text, pure):
    """All findings of one file."""
    rules = list(TEXT_RULES)
    if path.endswith(CODE_SUFFIXES):
        rules += CODE_RULES
    if pure:
        rules.append(purity)
    return [finding for rule in rules for finding in rule(path, text)]
