"""F-strings of newer Pythons (3.12) said in older words, so that `ast` of the running Python can read them.

Inside of braces the older ones bear neither the quotes of the text, nor backslashes, comments and, in single quotes, line breaks.
Lines stay; columns behind a change may be off by a few. What cannot be followed is left as it is.
"""

import re
from typing import Final

MAX_DEPTH: Final = 4
_START: Final = re.compile(r"""#[^\n]*|(?<!\w)([A-Za-z]{0,2})('''|\"{3}|'|")""")
_REST: Final = {
    quote: re.compile(rf"(?:[^\\{'' if len(quote) == 3 else chr(92) + 'n'}]|\\.)*?{quote}", re.DOTALL)
    for quote in ('"""', "'''", '"', "'")
}
_FORMATTED: Final = frozenset({"f", "fr", "rf"})
_ESCAPED: Final = re.compile(r"\\[^\n]")


class _Endless(Exception):
    """A text or its braces do not end, or stand too deep in each other."""


def unnested(source: str) -> str:
    """The source with such texts rewritten; as it was where one does not end."""
    pieces: list[str] = []
    at = 0
    try:
        while found := _START.search(source, at):
            pieces.append(source[at : found.start()])
            piece, at = _piece(source, found, 0)
            pieces.append(piece)
    except _Endless:
        return source
    return "".join(pieces) + source[at:]


def _piece(source: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """A comment or text that starts there, rewritten, and where it ends."""
    quote = found[2]
    if quote is None:
        return found[0], found.end()
    if found[1].lower() in _FORMATTED:
        return _formatted(source, found, depth)
    rest = _REST[quote].match(source, found.end())
    if rest is None:
        raise _Endless
    return found[0] + rest[0], rest.end()


def _formatted(source: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    if depth > MAX_DEPTH:
        raise _Endless
    quote, at = found[2], found.end()
    body: list[str] = []
    nested = False
    while not source.startswith(quote, at):
        char = source[at : at + 1]
        if not char or (char == "\n" and len(quote) == 1):
            raise _Endless
        size = 2 if char == "\\" or source.startswith(("{{", "}}"), at) else 1
        if source.startswith("\\N{", at):
            size = source.find("}", at) + 1 - at
        if char == "{" and size == 1:
            field, at = _field(source, at + 1, depth)
            nested = nested or quote in field or "\n" in field
            body.append("{" + field)
        else:
            body.append(source[at : at + max(size, 1)])
            at += max(size, 1)
    around = '"""' if nested and len(quote) == 1 else quote
    return f"{found[1]}{around}{''.join(body)}{around}", at + len(quote)


def _field(source: str, at: int, depth: int) -> tuple[str, int]:
    """What stands behind an opening brace, with the brace that closes it, and where that ends."""
    body: list[str] = []
    open_ones = 0
    while char := source[at : at + 1]:
        found = _START.match(source, at)
        if found is not None:
            piece, at = _piece(source, found, depth + 1)
            body.append("" if char == "#" else _ESCAPED.sub("__", piece))
            continue
        at += 1
        if char == ":" and not open_ones:
            spec, at = _spec(source, at, depth)
            return "".join(body) + char + spec, at
        body.append(" " if char == "\\" else char)
        if char in ")]}":
            if not open_ones:
                return "".join(body), at
            open_ones -= 1
        open_ones += char in "([{"
    raise _Endless


def _spec(source: str, at: int, depth: int) -> tuple[str, int]:
    """A format with fields of its own, with the brace that ends it."""
    if depth > MAX_DEPTH:
        raise _Endless
    body: list[str] = []
    while char := source[at : at + 1]:
        at += 1
        body.append(char)
        if char == "}":
            return "".join(body), at
        if char == "{":
            field, at = _field(source, at, depth + 1)
            body.append(field)
    raise _Endless
