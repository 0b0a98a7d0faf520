"""The check behind every strata_* target: a wrong arrow fails to build."""

load("//tools:debian.bzl", "PURE_DEBIAN_LIBRARIES")
load("//tools:rooms.bzl", "arrow_error")

PURE_TAG = "strata_pure"

PurityInfo = provider(
    doc = "Says whether a target was declared by strata_pure_library.",
    fields = {"pure": "bool"},
)

def _purity_aspect_impl(target, ctx):
    return [PurityInfo(pure = PURE_TAG in ctx.rule.attr.tags)]

purity_aspect = aspect(implementation = _purity_aspect_impl)

def _third_party_error(dep):
    if dep.label.workspace_name != "debian" or dep.label.name in PURE_DEBIAN_LIBRARIES:
        return None
    return "@debian//:%s is not on the list of pure libraries in tools/debian.bzl" % dep.label.name

def _purity_error(dep):
    if dep.label.workspace_name:
        return _third_party_error(dep)
    if dep[PurityInfo].pure:
        return None
    return "%s is no strata_pure_library; a pure library may depend on pure ones only" % dep.label

def _arrow_check_impl(ctx):
    errors = []
    for dep in ctx.attr.deps:
        error = None
        if not dep.label.workspace_name:
            error = arrow_error(ctx.attr.package, dep.label.package, ctx.attr.is_test)
        if not error and ctx.attr.pure:
            error = _purity_error(dep)
        if error:
            errors.append("  %s -> %s: %s" % (ctx.attr.of, dep.label, error))
    if errors:
        fail("wrong arrow:\n" + "\n".join(errors))
    return [CcInfo()]

arrow_check = rule(
    doc = "Fails when a dependency goes against the house (tools/rooms.bzl).",
    implementation = _arrow_check_impl,
    attrs = {
        "deps": attr.label_list(aspects = [purity_aspect]),
        "is_test": attr.bool(),
        "of": attr.string(mandatory = True),
        "package": attr.string(mandatory = True),
        "pure": attr.bool(),
    },
)
