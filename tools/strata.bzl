"""The macros of which all BUILD files are made. tools/README.md shows their use."""

load("//tools:arrows.bzl", "PURE_TAG", "arrow_check")
load("//tools:rooms.bzl", "default_visibility")

COPTS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wextra-semi",
    "-Wimplicit-fallthrough",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wpointer-arith",
    "-Wundef",
    "-Wvla",
]

def _check(name, deps, pure = False, testonly = False, is_test = False):
    """Declares the check of a target's arrows; the target then depends on it."""
    check = name + ".arrows"
    arrow_check(
        name = check,
        of = "//%s:%s" % (native.package_name(), name),
        package = native.package_name(),
        deps = deps,
        is_test = is_test,
        pure = pure,
        tags = ["manual", PURE_TAG],
        testonly = testonly,
        visibility = ["//visibility:private"],
    )
    return [":" + check]

def _visibility(visibility):
    return default_visibility(native.package_name()) if visibility == None else visibility

def strata_pure_library(
        name,
        srcs = [],
        hdrs = [],
        deps = [],
        visibility = None,
        testonly = False,
        defines = [],
        tags = []):
    """A library without I/O, threads, clocks or hidden randomness."""
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = COPTS,
        defines = defines,
        tags = tags + [PURE_TAG],
        testonly = testonly,
        visibility = _visibility(visibility),
        deps = deps + _check(name, deps, pure = True, testonly = testonly),
    )

def strata_library(
        name,
        srcs = [],
        hdrs = [],
        deps = [],
        visibility = None,
        testonly = False,
        linkopts = []):
    """A library of an edge room."""
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = COPTS,
        linkopts = linkopts,
        testonly = testonly,
        visibility = _visibility(visibility),
        deps = deps + _check(name, deps, testonly = testonly),
    )

def strata_binary(
        name,
        srcs,
        deps = [],
        visibility = None,
        data = [],
        testonly = False,
        linkshared = False):
    """A program; all but its main() belongs into libraries. With linkshared a lib*.so."""
    native.cc_binary(
        name = name,
        srcs = srcs,
        copts = COPTS,
        data = data,
        linkopts = ["-ldl"] if linkshared else [],
        linkshared = linkshared,
        testonly = testonly,
        visibility = _visibility(visibility),
        deps = deps + _check(name, deps, testonly = testonly),
    )

def strata_test(
        name,
        srcs,
        deps = [],
        data = [],
        args = [],
        size = "small",
        tags = [],
        shard_count = None,
        timeout = None):
    """A GoogleTest program. The tag "netns" gives it the real machine, alone."""
    if not name.endswith("_test"):
        fail("the name of a test ends in _test: " + name)
    local_tags = ["exclusive", "local"] if "netns" in tags else []
    native.cc_test(
        name = name,
        size = size,
        timeout = timeout,
        srcs = srcs,
        args = args,
        copts = COPTS,
        data = data,
        shard_count = shard_count,
        tags = tags + local_tags,
        deps = deps + ["@debian//:gtest_main"] + select({
            "//tools:tsan": ["//tools:tsan_abseil"],
            "//conditions:default": [],
        }) + _check(name, deps, testonly = True, is_test = True),
    )

def strata_fuzz_test(name, srcs, deps = [], corpus = []):
    """A fuzz target: `name` fuzzes under --config=fuzz, else replays files.

    `name`_replay_test runs the corpus, one test case a file, in every build.
    """
    if not name.endswith("_fuzz"):
        fail("the name of a fuzz target ends in _fuzz: " + name)
    target = name + ".target"
    native.cc_library(
        name = target,
        testonly = True,
        srcs = srcs,
        copts = COPTS,
        alwayslink = True,
        visibility = ["//visibility:private"],
        deps = deps + _check(name, deps, testonly = True, is_test = True),
    )
    native.cc_binary(
        name = name,
        testonly = True,
        linkopts = select({
            "//tools:fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        visibility = ["//visibility:private"],
        deps = [":" + target] + select({
            "//tools:fuzz": [],
            "//conditions:default": ["//tools:fuzz_replay_main"],
        }),
    )
    native.filegroup(
        name = name + ".corpus",
        testonly = True,
        srcs = corpus,
    )
    native.cc_test(
        name = name + "_replay_test",
        size = "small",
        args = ["$(rootpaths :%s.corpus)" % name] if corpus else [],
        data = [":" + name + ".corpus"],
        tags = ["fuzz_replay"],
        deps = [":" + target, "//tools:fuzz_replay_main"],
    )

def strata_python_test(name, src, data = [], size = "small", tags = []):
    """A unittest file; `data` names the modules it imports, in its own folder."""
    if not name.endswith("_test"):
        fail("the name of a test ends in _test: " + name)
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//tools:xml_unittest.py"],
        args = ["$(rootpath %s)" % src],
        data = [src] + data,
        tags = tags + ["nosan"],
    )

def strata_benchmark(name, srcs, deps = []):
    """A Google Benchmark program; built with everything, run by hand."""
    native.cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        copts = COPTS,
        tags = ["benchmark"],
        visibility = ["//visibility:private"],
        deps = deps + ["@debian//:benchmark_main"] +
               _check(name, deps, testonly = True, is_test = True),
    )
