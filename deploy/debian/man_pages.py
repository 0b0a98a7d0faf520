#!/usr/bin/env python3
"""Makes the man pages of what the programs say of themselves: their --help and the reference tables
of their settings. So no page can say what its program does not do."""

import argparse
import dataclasses
import pathlib
import re
import subprocess


def escape(text):
    """Text that roff sets as it stands."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti")
    text = text.replace("^", "\\(ha").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\\&" + text if text.startswith(".") else text


def marked(text):
    """The same for a sentence: what stands in backquotes is bold."""
    parts = re.split(r"`([^`]*)`", text)
    for i, part in enumerate(parts):
        parts[i] = f"\\fB{escape(part)}\\fR" if i % 2 else escape(part)
    return "".join(parts)


@dataclasses.dataclass
class Help:
    """What a command says at --help."""

    about: list = dataclasses.field(default_factory=list)  # Paragraphs
    usage: str = ""
    sections: dict = dataclasses.field(default_factory=dict)  # Title -> [(term, text)]
    footer: list = dataclasses.field(default_factory=list)


def parse_help(text):
    found = Help()
    section = None
    for line in text.splitlines():
        item = re.match(r"  (\S.*?)(?:\s{2,}(\S.*))?$", line)
        more = re.match(r"\s{10,}(\S.*)$", line)
        if line.startswith("Usage: "):
            found.usage = line.removeprefix("Usage: ")
        elif line in ("Options:", "Subcommands:", "Positionals:"):
            section = found.sections.setdefault(line[:-1], [])
        elif section and more:
            term, before = section[-1]
            section[-1] = (term, f"{before} {more[1]}".strip())
        elif section is not None and item:
            section.append((item[1], item[2] or ""))
        elif line and not found.usage:
            found.about.append(line)
        elif line:
            found.footer.append(line)
    return found


def help_of(program, *words):
    done = subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True)
    return parse_help(done.stdout)


def header(name, section, about):
    return [f".TH {escape(name).upper()} {section} \"\" Strata \"Strata\"", ".SH NAME",
            f"{escape(name)} \\- {escape(about)}"]


def sentence(text):
    return text if not text or text[-1] in ".!?" else text + "."


def items(pairs):
    lines = []
    for term, text in pairs:
        words = term.replace(" REQUIRED", "").replace(" ...", "...")
        lines += [".TP", f".B {escape(words)}",
                  marked(sentence(text) + (" Required." if "REQUIRED" in term else ""))]
    return lines


def paragraphs(title, texts):
    lines = [f".SH {title}"]
    for text in texts:
        lines += [".PP", marked(text)]
    return lines


def see_also(*pages):
    return [".SH SEE ALSO", ",\n".join(f".BR {escape(n)} ({s})" for n, s in pages).replace(
        ",\n", " ,\n")]


# ---- Pages of programs.

_DAEMONS = {
    "strata-sm": ("manager", "Service Manager of a content delivery farm",
                  "Where clients ask, engines register, and what is in /metrics, is told in "
                  "`strata-manager.yaml`(5); with `--witness` the settings are those of "
                  "`strata-witness.yaml`(5)."),
    "strata-se": ("engine", "Service Engine of a content delivery farm, with its nginx",
                  "The nginx is a child of this program: it is configured, started, reloaded, "
                  "started again when it dies, and ended by it. An nginx of the system's own must "
                  "not listen on the same addresses."),
}


def daemon_page(name, program):
    role, about, more = _DAEMONS[name]
    told = help_of(program)
    lines = header(name, 8, about)
    lines += [".SH SYNOPSIS", f".B {escape(name)}", "\\-\\-config", ".I FILE", "[\\-\\-check]"]
    lines += paragraphs("DESCRIPTION", [*told.about, more])
    lines += [".SH OPTIONS", *items(told.sections["Options"])]
    lines += [".SH SIGNALS", *items([
        ("SIGTERM, SIGINT", "Ends it in order, within five seconds."),
        ("SIGHUP", "Reads again what can change while it runs: certificates, revocations and "
         "settings; its log names what needs a restart.")])]
    lines += [".SH EXIT STATUS", *items([
        ("0", "It was told to end, or the settings are good."),
        ("1", "It could not start or go on; standard error says why."),
        ("2", "The command line is wrong.")])]
    lines += [".SH FILES", *items([
        (f"/etc/strata/{role}.yaml", f"Settings of the service `strata-{role}`."),
        (f"/etc/strata/{role}/", "Certificates: `ca.pem`, `certificate.pem`, `key.pem`, and "
         "`crl.pem` once there are revoked ones."),
        (f"/var/lib/strata/{role}/", "What it must not forget"
         + (", cache, library and logs." if role == "engine" else "."))])]
    return lines + see_also(("strata", 1), (f"strata-{role}.yaml", 5), ("systemctl", 1))


def commands_of(program, *words):
    """Every command that does something, with its help: [(words, Help)]."""
    told = help_of(program, *words)
    below = told.sections.get("Subcommands", [])
    if not below:
        return [(words, told)]
    return [found for name, _ in below for found in commands_of(program, *words, name)]


def command_page(program):
    told = help_of(program)
    lines = header("strata", 1, "shows and changes a content delivery farm")
    lines += [".SH SYNOPSIS", ".B strata", "[OPTIONS] COMMAND ..."]
    lines += paragraphs("DESCRIPTION", told.about)
    lines += [".SH OPTIONS", *items(told.sections["Options"]), ".SH COMMANDS"]
    for words, verb in commands_of(program):
        lines += [f".SS strata {escape(' '.join(words))}", marked(sentence(" ".join(verb.about)))]
        own = [item for item in verb.sections.get("Options", []) if "--help" not in item[0]]
        # "uri URI ..." is a name for programmers and what is typed.
        typed = [(term.partition(" ")[2], text)
                 for term, text in verb.sections.get("Positionals", [])]
        lines += items(typed + own)
    lines += paragraphs("EXIT STATUS", [" ".join(told.footer)])
    lines += [".SH ENVIRONMENT", *items([
        ("STRATA_CONFIG", "Settings file, if `--config` names none.")])]
    lines += [".SH FILES", *items([
        ("~/.config/strata/cli.yaml", "Your settings; see `strata-cli.yaml`(5)."),
        ("/etc/strata/cli.yaml", "Those of who has none.")])]
    return lines + see_also(("strata-cli.yaml", 5), ("strata-site", 5), ("strata-topology", 5),
                            ("strata-sm", 8), ("strata-se", 8))


# ---- Pages of settings.

_FILES = {
    "strata-manager.yaml": ("settings of a Service Manager", "/etc/strata/manager.yaml",
                            ("strata-sm", 8)),
    "strata-witness.yaml": ("settings of a witness", "/etc/strata/witness.yaml", ("strata-sm", 8)),
    "strata-engine.yaml": ("settings of a Service Engine", "/etc/strata/engine.yaml",
                           ("strata-se", 8)),
    "strata-cli.yaml": ("settings of the command strata", "/etc/strata/cli.yaml", ("strata", 1)),
    "strata-site": ("a site of a content delivery farm", "A file for `strata site apply`",
                    ("strata", 1)),
    "strata-topology": ("the processes of a federation, planned in one file",
                        "A file for `strata topology`", ("strata", 1)),
}
# Files of commands: no service has to be told that they changed.
_OF_COMMANDS = ("strata-site", "strata-topology")


def parse_tables(text):
    """The rows of each table: {name: [(key, accepts, default, when, meaning)]}."""
    tables = {}
    for line in text.splitlines():
        if line.startswith("# "):
            rows = tables.setdefault(line[2:], [])
        elif line.startswith("| `"):
            cells = re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |"))
            rows.append(tuple(cell.replace("\\|", "|").strip() for cell in cells))
    return tables


def settings_page(name, rows):
    about, where, program = _FILES[name]
    lines = header(name, 5, about)
    lines += paragraphs("DESCRIPTION", [
        f"{where if ' ' in where else '`' + where + '`'} is a YAML file. A key that is not known, "
        "a value out of its range and a missing one that is required are errors that name the "
        "line. A dot stands between a section and a key in it, `[]` for each item of a list. Sizes "
        "are such as `10GiB`, durations such as `500ms`, `10s` or `5min`."])
    lines.append(".SH KEYS")
    for key, accepts, default, when, meaning in rows:
        restarts = when == "at restart" and name not in _OF_COMMANDS
        lines += [".TP", f".B {escape(key.strip('`'))}", marked(meaning)]
        facts = [fact for fact in (
            f"Value: {accepts}." if accepts else "",
            "Required." if default == "required" else f"Default: {default}." if default else "",
            "A change takes a restart." if restarts else "",
        ) if fact]
        if facts:
            lines += [".br", marked(" ".join(facts))]
    return lines + see_also(program)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("manager", "engine", "strata", "tables", "out"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    tables = parse_tables(subprocess.run([options.tables], check=True, capture_output=True,
                                         text=True).stdout)
    pages = {"strata.1": command_page(options.strata),
             "strata-sm.8": daemon_page("strata-sm", options.manager),
             "strata-se.8": daemon_page("strata-se", options.engine)}
    for name, rows in tables.items():
        pages[f"{name}.5"] = settings_page(name, rows)
    for name, lines in pages.items():
        (out / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
