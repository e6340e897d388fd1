"""Commands in the protocol's form, and Lua scripts by name."""

import hashlib
from typing import TypeAlias

import hiredis

Word: TypeAlias = bytes | str | int | float


def pack(*words: Word) -> bytes:
    """One command as RESP bytes."""
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # the stub writes a tuple of one word
    return packed


class Script:
    """`text` is run by its SHA-1, as EVALSHA wants it, and sent whole only when the server does not know it."""

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
