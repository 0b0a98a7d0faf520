"""What a lint rule reports, and the list of exceptions that may only shrink."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """One breach of one rule. `size` is set for rules that measure something."""

    rule: str
    path: str
    message: str
    symbol: str = ""
    line: int = 0
    size: int = 0

    def key(self):
        """What an exception must name to excuse this finding."""
        return (self.rule, f"{self.path}:{self.symbol}" if self.symbol else self.path)

    def __str__(self):
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message} [{self.rule}]"


def parse_exceptions(text):
    """Reads `rule place [size]` lines into {(rule, place): size}; `#` starts a reason."""
    exceptions = {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) not in (2, 3):
            raise ValueError(f"exceptions.txt: want 'rule place [size]', got '{line}'")
        exceptions[(words[0], words[1])] = int(words[2]) if len(words) == 3 else 0
    return exceptions


def apply_exceptions(findings, exceptions):
    """The findings that no exception excuses, and one for each exception out of date."""
    kept = []
    sizes = {}
    for finding in findings:
        limit = exceptions.get(finding.key())
        if limit is None or finding.size > limit:
            kept.append(finding)
        if limit is not None:
            sizes[finding.key()] = max(finding.size, sizes.get(finding.key(), 0))
    for key, limit in exceptions.items():
        rule, place = key
        if key not in sizes:
            message = f"the exception '{rule} {place}' is no longer needed: remove it"
            kept.append(Finding("exceptions", "tools/lint/exceptions.txt", message))
        elif sizes[key] < limit:
            message = f"lower the exception '{rule} {place}' to {sizes[key]}"
            kept.append(Finding("exceptions", "tools/lint/exceptions.txt", message))
    return kept
