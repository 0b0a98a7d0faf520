import unittest

import source_rules

_HEADER = "#pragma once\n"
_FLAW = "TO" + "DO"


def rules(path, text, pure=False):
    """The names of the rules that a file breaks."""
    return sorted({finding.rule for finding in source_rules.check_file(path, text, pure)})


class SizeTest(unittest.TestCase):

    def test_allows_500_lines_and_800_in_a_test(self):
        self.assertEqual(rules("a/b.cc", "\n" * 500), [])
        self.assertEqual(rules("a/b.cc", "\n" * 501), ["file-length"])
        self.assertEqual(rules("a/b_test.cc", "\n" * 800), [])
        self.assertEqual(rules("a/b_test.cc", "\n" * 801), ["file-length"])

    def test_allows_functions_of_60_lines(self):
        body = "  F();\n"
        self.assertEqual(rules("a/b.cc", "void G() {\n" + body * 58 + "}\n"), [])
        self.assertEqual(rules("a/b.cc", "void G() {\n" + body * 59 + "}\n"), ["function-length"])

    def test_measures_python_functions_too(self):
        self.assertEqual(rules("a/b.py", "def g():\n" + "    f()\n" * 60), ["function-length"])

    def test_allows_100_columns_and_long_links(self):
        self.assertEqual(rules("a/b.cc", "/" * 100 + "\n"), [])
        self.assertEqual(rules("a/b.cc", "/" * 101 + "\n"), ["columns"])
        self.assertEqual(rules("a/b.cc", "// https://" + "a" * 100 + "\n"), [])


class TextTest(unittest.TestCase):

    def test_refuses_tabs_trailing_spaces_and_a_missing_newline(self):
        for text in ("\tF();\n", "F(); \n", "F();"):
            self.assertEqual(rules("a/b.cc", text), ["whitespace"])

    def test_wants_an_issue_behind_a_promise(self):
        self.assertEqual(rules("a/b.cc", f"// {_FLAW}: later\n"), ["todo"])
        self.assertEqual(rules("docs/a.md", f"{_FLAW}(me)\n"), ["todo"])
        self.assertEqual(rules("a/b.cc", f"// {_FLAW}(#12): later\n"), [])

    def test_refuses_paths_of_one_machine(self):
        self.assertEqual(rules("README.md", "see /" + "home/me\n"), ["machine-path"])
        self.assertEqual(rules("README.md", "see a/" + "work/b and ${X}/" + "work/b\n"), [])

    def test_wants_pragma_once_first(self):
        self.assertEqual(rules("a/b.h", "// A comment.\n" + _HEADER), [])
        self.assertEqual(rules("a/b.h", "#ifndef A\n#define A\n#endif\n"), ["header-guard"])


class TokenTest(unittest.TestCase):

    def test_refuses_throw_and_assert_but_not_in_comments(self):
        self.assertEqual(rules("a/b.cc", "int x = F() ? 1 : throw 2;\n"), ["token"])
        self.assertEqual(rules("a/b.cc", "assert(x);\n"), ["token"])
        self.assertEqual(rules("a/b.cc", "static_assert(x);  // throw\n"), [])

    def test_refuses_to_sleep_in_a_unit_test_only(self):
        text = "std::this_thread::sleep_for(s);\n"
        self.assertEqual(rules("a/b_test.cc", text), ["test-sleep"])
        self.assertEqual(rules("tests/integration/b_test.cc", text), [])
        self.assertEqual(rules("a/b.cc", text), [])

    def test_refuses_relative_includes(self):
        self.assertEqual(rules("a/b.cc", '#include "../c.h"\n'), ["include"])


class PurityTest(unittest.TestCase):

    def refused(self, line, rule):
        self.assertEqual(rules("farm/a.cc", line + "\n", pure=True), [rule], line)
        self.assertEqual(rules("farm/a.cc", line + "\n", pure=False), [], line)

    def allowed(self, line):
        self.assertEqual(rules("farm/a.cc", line + "\n", pure=True), [], line)

    def test_refuses_includes_that_bring_the_world_in(self):
        for name in ("<thread>", "<mutex>", "<iostream>", "<random>", "<sys/socket.h>",
                     "<unistd.h>", "<grpcpp/grpcpp.h>", '"absl/synchronization/mutex.h"',
                     '"absl/time/clock.h"', "<time.h>", '"spdlog/spdlog.h"'):
            self.refused(f"#include {name}", "pure-include")

    def test_allows_the_pure_part_of_the_libraries(self):
        for name in ("<chrono>", "<vector>", '"absl/status/statusor.h"', "<openssl/evp.h>",
                     "<xxhash.h>", '"common/time.h"', '"absl/container/btree_map.h"'):
            self.allowed(f"#include {name}")

    def test_refuses_threads_locks_clocks_and_randomness(self):
        for line in ("std::mutex mu;", "std::atomic<int> n;", "std::thread t(F);",
                     "absl::Mutex mu;", "auto t = std::chrono::steady_clock::now();",
                     "auto t = Clock::now();", "int r = rand();", "std::random_device device;",
                     "std::mt19937_64 engine;", 'const char* e = std::getenv("A");',
                     "clock_gettime(CLOCK_MONOTONIC, &t);", "usleep(1);",
                     "thread_local int n;", "time_t t = time(nullptr);"):
            self.refused(line, "pure-token")

    def test_allows_atomics_in_the_room_that_threads_read(self):
        for line in ("#include <atomic>", "std::atomic<int> n;", "std::atomic_ref<int> n(m);"):
            self.assertEqual(rules("service_manager/directory/a.cc", line + "\n", pure=True), [])
        text = "#include <thread>\nstd::mutex mu;\n"
        self.assertEqual(rules("service_manager/directory/a.cc", text, pure=True),
                         ["pure-include", "pure-token"])

    def test_refuses_output(self):
        for line in ("std::cout << 1;", 'std::printf("a");', 'fprintf(stderr, "a");'):
            self.refused(line, "pure-token")

    def test_allows_words_that_only_look_alike(self):
        for line in ("snprintf(b, n, f);", "Random random(seed_);", "F(now);", "// std::mutex",
                     "core.OnTimer(clock.now());", 'Put("std::mutex");'):
            self.allowed(line)


if __name__ == "__main__":
    unittest.main()
