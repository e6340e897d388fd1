"""Whether a generated file is still as it was made: its own fingerprint, in its second line, over all other lines."""

import hashlib
import re
from typing import Final

_MARK: Final = "# Fingerprint of all other lines: "
_LINE: Final = re.compile(r"^# Fingerprint of all other lines: ([0-9a-f]{32})$", re.MULTILINE)
_HEAD_CHARACTERS: Final = 1_000


def sealed(code: str) -> str:
    """With its fingerprint behind the first line."""
    first, _, rest = code.partition("\n")
    return f"{first}\n{_MARK}{_digest(code)}\n{rest}"


def is_generated(text: str) -> bool:
    """Whether it was made by `sealed` once, changed or not."""
    return _LINE.search(text.replace("\r\n", "\n"), 0, _HEAD_CHARACTERS) is not None


def is_untouched(text: str) -> bool:
    """Whether nobody has changed what `sealed` made. Line ends are not looked at."""
    text = text.replace("\r\n", "\n")
    found = _LINE.search(text, 0, _HEAD_CHARACTERS)
    if found is None:
        return False
    return found[1] == _digest(text[: found.start()] + text[found.end() + 1 :])


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()[:32]
