"""Reads docs/operator/metrics.md, and what a process tells at /metrics."""

import pathlib
import re

PAGE = pathlib.Path("docs/operator/metrics.md")


def rows(without=()):
    """[(metric, what it is, what is normal)] of the page; without the sections in whose titles one
    of these texts is, such as `light engine`: the titles say who has the metrics."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = []
    for section in sections:
        title = section.partition("\n")[0]
        if not any(text in title for text in without):
            found += re.findall(r"^\| `(strata_\w+)` \| (.*?) \| (.*?) \|$", section, re.MULTILINE)
    return found


def told(without=()):
    """{metric: what it is} of the page, without those sections."""
    return {name: meaning for name, meaning, _ in rows(without)}


def exported(text):
    """{metric: its help} of a page in Prometheus' text format."""
    return dict(re.findall(r"^# HELP (strata_\w+) (.*)$", text, re.MULTILINE))
