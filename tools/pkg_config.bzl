"""A repository with one cc_library per system library, found by pkg-config."""

_MISSING_BZL = """
def _missing_impl(ctx):
    fail("%s needs the Debian package '%s', which is not installed. %s" % (
        ctx.label,
        ctx.attr.package,
        "List it in deploy/packages.txt and run tools/install_packages.",
    ))

missing_package = rule(
    implementation = _missing_impl,
    attrs = {"package": attr.string(mandatory = True)},
)
"""

_LIBRARY = """
cc_library(
    name = {name},
    hdrs = {headers},
    defines = {defines},
    includes = {includes},
    linkopts = {linkopts},
)
"""

_MISSING = """
missing_package(
    name = {name},
    package = {package},
)
"""

# Flags that say nothing to us: NOMINMAX is for Windows, the language standard
# is ours to choose, and warnings stay under our own rules.
_DROPPED_DEFINES = ["NOMINMAX"]

def _pkg_config(repository_ctx, flag, modules):
    """The words pkg-config answers, or None when a module is missing."""
    if not modules:
        return []
    result = repository_ctx.execute(["/usr/bin/pkg-config", flag] + modules)
    if result.return_code != 0:
        return None
    return [word for word in result.stdout.replace("\n", " ").split(" ") if word]

def _include_directory(repository_ctx, path):
    """Links a header folder into the repository, so that the sandbox sees it."""
    link = "include/" + path.strip("/").replace("/", "_")
    if not repository_ctx.path(path).exists:
        return None
    if not repository_ctx.path(link).exists:
        repository_ctx.symlink(path, link)
    return link

def _compile_flags(repository_ctx, words):
    defines = []
    includes = []
    for word in words:
        if word.startswith("-D") and word[2:] not in _DROPPED_DEFINES:
            defines.append(word[2:])
        elif word.startswith("-I"):
            link = _include_directory(repository_ctx, word[2:])
            if link:
                includes.append(link)
    return defines, includes

def _unique_libraries(words):
    """Drops repetitions of -l flags that follow each other in Abseil's modules.

    The libraries are shared objects, so one mention of each is enough.
    """
    seen = {}
    kept = []
    for word in words:
        if word.startswith("-l"):
            if word in seen:
                continue
            seen[word] = True
        kept.append(word)
    return kept

def _library(repository_ctx, name, spec):
    package = spec[0]
    modules = []
    plain = []
    found = True
    for item in spec[1:]:
        if item.startswith("header:"):
            found = found and repository_ctx.path(item[len("header:"):]).exists
        elif item.startswith("-l"):
            plain.append(item)
        else:
            modules.append(item)
    compile_words = _pkg_config(repository_ctx, "--cflags", modules)
    link_words = _pkg_config(repository_ctx, "--libs", modules)
    if not found or compile_words == None or link_words == None:
        return _MISSING.format(name = repr(name), package = repr(package))
    defines, includes = _compile_flags(repository_ctx, compile_words)
    headers = "[]"
    if includes:
        headers = "glob([" + ", ".join([repr(i + "/**/*.h*") for i in includes]) + "])"
    return _LIBRARY.format(
        name = repr(name),
        headers = headers,
        defines = repr(defines),
        includes = repr(includes),
        linkopts = repr(plain + _unique_libraries(link_words)),
    )

def _pkg_config_repository_impl(repository_ctx):
    parts = [
        "load(\":missing.bzl\", \"missing_package\")",
        "package(default_visibility = [\"//visibility:public\"])",
    ]
    for name in sorted(repository_ctx.attr.libraries.keys()):
        parts.append(_library(repository_ctx, name, repository_ctx.attr.libraries[name]))
    repository_ctx.file("WORKSPACE", "")
    repository_ctx.file("missing.bzl", _MISSING_BZL)
    repository_ctx.file("BUILD.bazel", "\n".join(parts))

# local and configure: looked at again with each new Bazel server and by
# `bazel sync --configure`, which tools/install_packages runs.
pkg_config_repository = repository_rule(
    implementation = _pkg_config_repository_impl,
    attrs = {"libraries": attr.string_list_dict(mandatory = True)},
    local = True,
    configure = True,
)
