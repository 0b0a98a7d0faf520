"""Stand-ins for two repositories that Bazel would otherwise download."""

_RULES_CC_DEFS = """
# Debian's rules_cc does not fit Debian's Bazel; the native rules do.
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
fdo_prefetch_hints = native.fdo_prefetch_hints
fdo_profile = native.fdo_profile
objc_import = native.objc_import
objc_library = native.objc_library
"""

def _rules_cc_stub_impl(repository_ctx):
    repository_ctx.file("WORKSPACE", "workspace(name = \"rules_cc\")\n")
    repository_ctx.file("BUILD.bazel", "")
    repository_ctx.file("cc/BUILD.bazel", "exports_files([\"defs.bzl\"])\n")
    repository_ctx.file("cc/defs.bzl", _RULES_CC_DEFS)

rules_cc_stub = repository_rule(implementation = _rules_cc_stub_impl)

def _remote_coverage_tools_stub_impl(repository_ctx):
    repository_ctx.file("WORKSPACE", "workspace(name = \"remote_coverage_tools\")\n")
    repository_ctx.file(
        "BUILD.bazel",
        """filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
""",
    )

remote_coverage_tools_stub = repository_rule(implementation = _remote_coverage_tools_stub_impl)
