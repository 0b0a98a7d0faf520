"""A rough reading of C++ sources: blanked comments, includes, lengths of functions.

Good for code laid out by clang-format; not a parser.
"""

import re

_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<raw>[^(\s]*)\(.*?\)(?P=raw)"'
    r'|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"][^>"]+[>"])', re.MULTILINE)
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
_SCOPE = re.compile(r"(?:^|\s|>)(?:namespace|class|struct|union|enum)\b|^extern\b")
_FUNCTION_END = re.compile(
    r"\)\s*(?:(?:const|override|final|mutable|&&?|noexcept(?:\([^()]*\))?|ABSL_\w+\([^()]*\)"
    r"|requires\b[^{]*|->[^{}=]*)\s*)*$"
)
_INITIALIZED = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:)")
_ACCESS = ("public", "private", "protected")
_NAME = re.compile(r"(operator[^\w\s]+|operator\s+\w+|[\w:~]+)\s*\(")
_TEST_NAME = re.compile(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)|^TYPED_TEST(?:_P)?\((\w+),\s*(\w+)\)")


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def includes(text):
    """The include lines outside comments: (line, "<name>" or '"name"')."""
    without_comments = re.sub(
        r"//[^\n]*|/\*.*?\*/", _blank, text, flags=re.DOTALL)
    for match in _INCLUDE.finditer(without_comments):
        yield text.count("\n", 0, match.start(1)) + 1, match.group(1)


def code_only(text):
    """The text with comments, literals and preprocessor lines blanked, lines kept."""
    return _PREPROCESSOR.sub(_blank, _TOKENS.sub(_blank, text))


def comments_only(text):
    """(line, comment) for each comment."""
    for match in _TOKENS.finditer(text):
        if match.group(0).startswith(("//", "/*")):
            yield text.count("\n", 0, match.start()) + 1, match.group(0)


def _closing(code, start):
    """Index of the brace that closes the one at `start`, or the end."""
    depth = 0
    for i in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[i], 0)
        if depth == 0:
            return i
    return len(code) - 1


def _kind(head):
    """What a brace opens after `head`: a scope, a function or an initializer."""
    head = head.strip()
    if _INITIALIZED.search(head) and not head.startswith(("class", "struct")):
        return "function" if head[-1] in ")}" else "initializer"
    if _FUNCTION_END.search(head) and "=" not in head.split("operator")[0].split("(")[0]:
        return "function"
    if _SCOPE.search(head) or not head:
        return "scope"
    return "initializer"


def _function_name(head):
    head = head.strip()
    test = _TEST_NAME.match(head)
    if test:
        return ".".join(part for part in test.groups() if part)
    name = _NAME.search(re.sub(r"ABSL_\w+\([^()]*\)|\[\[.*?\]\]", "", head))
    return name.group(1) if name else "?"


def functions(text):
    """(name, first line, number of lines) of each function, outermost ones only."""
    code = code_only(text)
    found = []
    head = ""
    start = None
    parentheses = 0
    i = 0
    while i < len(code):
        c = code[i]
        parentheses += {"(": 1, ")": -1}.get(c, 0)
        if c == "{":
            kind = "initializer" if parentheses else _kind(head)
            if kind == "scope":
                head, start = "", None
            else:
                end = _closing(code, i)
                if kind == "function":
                    first = code.count("\n", 0, start) + 1
                    last = code.count("\n", 0, end) + 1
                    found.append((_function_name(head), first, last - first + 1))
                    head, start = "", None
                else:
                    head += "{}"
                i = end
        elif (c in "};" or c == ":" and head in _ACCESS) and not parentheses:
            head, start = "", None
        else:
            if start is None and not c.isspace():
                start = i
            if start is not None:
                head += c
        i += 1
    return found
