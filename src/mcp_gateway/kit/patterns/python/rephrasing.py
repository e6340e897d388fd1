"""The commonest newer syntax said in older words by its form alone, so that `ast` of the running Python can read it.

`except A, B:` (3.14), type parameters and `type` statements (3.12). Lines stay, and so do columns behind type parameters. A text
in quotes that looks like one is changed too: for what is judged it does not matter.
"""

import re
from typing import Final

# Brackets with at most two more inside of each other.
_INNER: Final = r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]"
_PARAMETERS: Final = rf"\[(?:[^\[\]]|{_INNER})*\]"
_EXCEPT: Final = re.compile(r"^([ \t]*except\*?[ \t]+)([\w.]+(?:[ \t]*,[ \t]*[\w.]+)+)([ \t]*:)", re.MULTILINE)
_GENERIC: Final = re.compile(rf"^([ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+\w+)({_PARAMETERS})(?=[ \t]*[(:])", re.MULTILINE)
_ALIAS: Final = re.compile(rf"^([ \t]*)type[ \t]+(\w+)[ \t]*({_PARAMETERS})?[ \t]*=(?!=)", re.MULTILINE)
_SHOWN: Final = re.compile(r"[^\n]")


def rephrased(text: str) -> str:
    """The text, changed where it has such a form."""
    text = _EXCEPT.sub(r"\1(\2)\3", text)
    text = _GENERIC.sub(lambda found: found[1] + _blank(found[2]), text)
    return _ALIAS.sub(lambda found: f"{found[1]}{found[2]}{_blank(found[3] or '')} =", text)


def _blank(parameters: str) -> str:
    """As long, and on as many lines, which continue each other."""
    return _SHOWN.sub(" ", parameters).replace("\n", "\\\n")
