"""Reads docs/operator/metrics.md, and what a process tells at /metrics."""

import pathlib
import re

PAGE = pathlib.Path("docs/operator/metrics.md")


def rows():
    """[(metric, what it is, what is normal)] of the page."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^\| `(strata_\w+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)


def told():
    """{metric: what it is} of the page."""
    return {name: meaning for name, meaning, _ in rows()}


def exported(text):
    """{metric: its help} of a page in Prometheus' text format."""
    return dict(re.findall(r"^# HELP (strata_\w+) (.*)$", text, re.MULTILINE))
