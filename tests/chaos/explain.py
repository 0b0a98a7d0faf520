"""Why a client's request failed: by which fault, or by none, which is a violation."""

import copy

PURGE_LATE_S = 30.0  # A purge that was not acknowledged may come to pass as much later.
FORWARDED = "/shop/"  # Contents that managers fetch for the client.
NOTICED_S = 4.0  # So long after it an engine may close because of a fault of others.
FLOATING = "floating address"  # Whoever leads has it.
PASSED_ON = (404, 500, 502, 503, 504)  # What a member answers when another one fails it.


class Spans:
    """When something was going on: purges of a path, which cut off what is on its way, or drains of
    an engine. Thread-safe enough."""

    def __init__(self):
        self.spans = {}  # Of what -> [(start, end)]

    def add(self, what, start, end):
        self.spans.setdefault(what, []).append((start, end))

    def over(self, what, start, end):
        return any(s <= end and start <= e for s, e in self.spans.get(what, []))


def _kinds(strikes):
    return ", ".join(sorted({s.fault.kind for s in strikes}))


def _is_out(engine, failure, history, drains):
    """Whether an engine may not have been there to serve."""
    span = failure.start, failure.end
    return (history.over(engine, *span) or history.unwell_since(engine, *span) is not None or
            drains is not None and drains.over(engine, *span))


def _nobody_serves(failure, history, members, drains):
    """A front end refuses if it has nobody to send to: each engine is drained, or has left the
    farm for a moment because of a fault, perhaps of others."""
    engines = [name for name in members if name.startswith("engine-")]
    if failure.status != 503 or failure.name in engines:
        return None
    before = [s for name in members
              for s in history.over(name, failure.start - NOTICED_S, failure.end)]
    if not before or not all(_is_out(engine, failure, history, drains) for engine in engines):
        return None
    return f"no engine could serve: {_kinds(before)}"


def explain_floating(failure, leaders, history, *args):
    """The same of a failure at a floating address. `leaders`: who led then, or shortly before."""
    for name in sorted(leaders):
        at_leader = copy.copy(failure)
        at_leader.name = name
        # Who closes, or is not well, lets go of the address.
        at_leader.status = failure.status or 503
        cause = explain(at_leader, history, *args)
        if cause:
            return f"{FLOATING}: {cause}"
    return None


def explain(failure, history, purges, members, holder=None, drains=None):
    """The cause in a few words, or None. `holder`: the only engine that has the content; `drains`:
    the spans in which engines were drained."""
    own = history.over(failure.name, failure.start, failure.end)
    if own:
        return f"asked a member under: {_kinds(own)}"
    if failure.broken and failure.status == 200 and purges.over(failure.path, failure.start,
                                                                failure.end):
        return "purged while it came"
    others = {name: history.over(name, failure.start, failure.end) for name in members}
    others = {name: strikes for name, strikes in others.items() if strikes}
    if holder in others:
        return f"its only holder was under: {_kinds(others[holder])}"
    if holder and failure.status == 404 and drains and drains.over(holder, failure.start,
                                                                   failure.end):
        return "its only holder was drained"
    kinds = _kinds([s for strikes in others.values() for s in strikes])
    closed = history.unwell_since(failure.name, failure.start, failure.end)
    if failure.status == 503 and closed is not None:
        before = [s for name in members if name != failure.name
                  for s in history.over(name, closed - NOTICED_S, closed)]
        if len({name for s in before for name in s.members}) > 1:
            return f"closed, since too few voters were in reach: {_kinds(before)}"
    nobody = _nobody_serves(failure, history, members, drains)
    if nobody or not others:
        return nobody
    if failure.status == 503 and len(others) > 1:
        return f"too few voters in reach: {kinds}"
    if failure.status == 503 and failure.path.startswith(FORWARDED):
        return f"the engine that it was forwarded to was under: {kinds}"
    waited = failure.status == 0 and failure.end - failure.start > 1
    passed_on = failure.status in PASSED_ON and (failure.status != 404 or holder is not None)
    if failure.broken and failure.status == 200 or waited or passed_on and failure.status != 503:
        return f"another member, asked by it, was under: {kinds}"
    return None
