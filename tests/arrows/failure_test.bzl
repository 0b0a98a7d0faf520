"""Tests of the build itself: what must not build does not, and says why."""

load("//tools:rooms.bzl", "arrow_error", "floor_of")

_allow_failures = analysis_test_transition(
    settings = {"//command_line_option:allow_analysis_failures": "True"},
)

def _failure_test_impl(ctx):
    target = ctx.attr.target[0] if type(ctx.attr.target) == "list" else ctx.attr.target
    if AnalysisFailureInfo not in target:
        return [AnalysisTestResultInfo(success = False, message = "%s builds" % target.label)]
    causes = target[AnalysisFailureInfo].causes.to_list()
    message = "\n".join([cause.message for cause in causes])
    return [AnalysisTestResultInfo(
        success = ctx.attr.says in message,
        message = "wanted '%s', got '%s'" % (ctx.attr.says, message),
    )]

# Passes when `target` fails to be analysed, with `says` in its complaint.
failure_test = rule(
    implementation = _failure_test_impl,
    analysis_test = True,
    attrs = {
        "says": attr.string(mandatory = True),
        "target": attr.label(cfg = _allow_failures, mandatory = True),
    },
)

def _rooms_test_impl(ctx):
    wrong = []
    for arrow, allowed in ctx.attr.arrows.items():
        source, target = arrow.split(" -> ")
        error = arrow_error(source, target, ctx.attr.from_tests)
        if (error == None) != (allowed == "yes"):
            wrong.append("%s: wanted %s, got %s" % (arrow, allowed, error))
    for package, floor in ctx.attr.floors.items():
        if floor_of(package) != floor:
            wrong.append("%s is %s" % (package, floor_of(package)))
    return [AnalysisTestResultInfo(success = not wrong, message = "\n".join(wrong))]

# Compares tools/rooms.bzl with a table of arrows and floors.
rooms_test = rule(
    implementation = _rooms_test_impl,
    analysis_test = True,
    attrs = {
        "arrows": attr.string_dict(),
        "floors": attr.string_dict(),
        "from_tests": attr.bool(),
    },
)
