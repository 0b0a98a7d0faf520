"""Reads the operator's guide: what it tells to type, on which machine, and what that answers.

    ```console                      commands: MACHINE# as root; other lines are answers,
    desk# strata engine list        in which numbers may differ, and `...` is anything
    ```
    ```yaml desk:/srv/a.yaml      a file of a machine
    ```text                         neither
"""

import dataclasses
import pathlib
import re

FOLDER = pathlib.Path("docs/operator")

_FENCE = re.compile(r"^( *)```(.*)$")
_PROMPT = re.compile(r"^([a-z]+(?:-\d+)?)# (.*)$")
# What has a number in it and is to be said as it is shown.
_NAME = re.compile(r"(?:sm|north|w)-\d[.,:;]?|192\.0\.2\.\S+|2001:db8:\S+")
_FILES = ("yaml", "ini")


class GuideError(Exception):
    """The guide has something that nobody would run."""


@dataclasses.dataclass
class Command:
    machine: str
    line: str
    shown: list
    where: str


@dataclasses.dataclass
class File:
    machine: str
    path: str
    text: str
    where: str


@dataclasses.dataclass
class Heading:
    text: str
    where: str


def _commands(lines, where):
    found = []
    going_on = False
    for line in lines:
        prompt = _PROMPT.match(line)
        if going_on:
            found[-1].line += "\n" + line
        elif prompt:
            found.append(Command(prompt[1], prompt[2], [], where))
        elif found:
            found[-1].shown.append(line)
        else:
            raise GuideError(f"{where}: an answer before the first command: {line}")
        going_on = (going_on or prompt is not None) and line.endswith("\\")
    return found


def block(info, lines, where):
    """What a fence holds: a list of commands, a file, or nothing to do."""
    language, _, target = info.partition(" ")
    if language == "console":
        return _commands(lines, where)
    if language in _FILES:
        machine, _, path = target.partition(":")
        if not path.startswith(("/", "~/")):
            raise GuideError(f"{where}: which file of which machine is this?")
        return [File(machine, path, "\n".join(lines) + "\n", where)]
    if language != "text" or any(_PROMPT.match(line) for line in lines):
        raise GuideError(f"{where}: a block that nobody runs: {info or 'without language'}")
    return []


def steps(page):
    """Headings, files and commands of a page, in its order."""
    found = []
    lines = (FOLDER / page).read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        where = f"{page}:{number + 1}"
        fence = _FENCE.match(line)
        if fence:
            indent = len(fence[1])
            end = next(n for n in range(number + 1, len(lines)) if lines[n].strip() == "```")
            found += block(fence[2], [text[indent:] for text in lines[number + 1:end]], where)
            number = end
        elif line.startswith("#"):
            found.append(Heading(line.lstrip("# "), where))
        number += 1
    return found


def inline(page):
    """The commands that the text of a page names, as (where, words)."""
    text = (FOLDER / page).read_text(encoding="utf-8")
    text = re.sub(r"^ *```.*?^ *```$", lambda block: "\n" * block[0].count("\n"), text,
                  flags=re.S | re.M)
    for span in re.finditer(r"`([^`\n]+(?:\n[^`\n]+)?)`", text):
        words = span[1].split()
        yield f"{page}:{text.count(chr(10), 0, span.start()) + 1}", words


def pattern(shown):
    """What an answer has to look like where the guide shows this line."""
    parts = []
    for word in shown.split():
        if word == "...":
            parts.append(".*")
        elif re.search(r"\d", word) and not _NAME.fullmatch(word):
            parts.append(r"\S+")
        else:
            parts.append(re.escape(word))
    return r"\s+".join(parts)


def fits(shown, said):
    """The first line that the guide shows and that was not said; None: all were, in their order."""
    at = 0
    for line in shown:
        if line.strip() in ("", "..."):
            continue
        found = re.compile(pattern(line)).search(said, at)
        if not found:
            return line
        at = found.end()
    return None
