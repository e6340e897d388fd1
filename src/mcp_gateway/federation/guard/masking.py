"""Strikes kinds of data out of one JSON-RPC message, given and returned as bytes: the very same bytes when there is nothing.

Looked at: all text of `result`, `error` and `params`, in structured content names of members too. Not looked at: what is no text
(pictures, sound, `blob`), and what must come back as it was (URIs, names, cursors, request states, `_meta`). Data that is split
over several texts, or written in another encoding, is not found. A message that cannot be read is not passed on:
`AnswerNotMasked`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, parse_object, render
from mcp_gateway.federation.guard.errors import AnswerNotMasked
from mcp_gateway.federation.guard.personal_data import Span, cards_in, emails_in, is_card, phones_in
from mcp_gateway.federation.guard.secrets_found import SECRET_MEMBER, may_hold_secrets, secrets_in

# In this order: what two kinds find goes by the name of the first.
FINDERS: Final[Mapping[str, Callable[[str], Iterator[Span]]]] = {
    "secret": secrets_in,
    "email": emails_in,
    "card": cards_in,
    "phone": phones_in,
}
_MANY_DIGITS: Final = re.compile(rb"\d(?:(?:[ -]|\xc2\xa0)?\d){12}")
_SOME_DIGITS: Final = re.compile(rb"\d(?:(?:[ ().\-/]|\xc2\xa0){0,3}\d){6}")
# Without one of these in its bytes a message holds nothing of that kind, as long as it escapes no character.
_SIGNS: Final[Mapping[str, Callable[[bytes], bool]]] = {
    "secret": may_hold_secrets,
    "email": lambda message: b"@" in message,
    "card": lambda message: _MANY_DIGITS.search(message) is not None,
    "phone": lambda message: _SOME_DIGITS.search(message) is not None,
}
_ESCAPED: Final = re.compile(rb"\\u00[0-7]|\x00")
_PARTS: Final = ("result", "error", "params")
_LEFT_ALONE: Final = frozenset(
    {"_meta", "blob", "uri", "uriTemplate", "mimeType", "type", "name", "nextCursor", "requestState", "taskId", "progressToken",
     "resultType", "method", "role", "requestedSchema", "icons"}
)  # fmt: skip
_BINARY: Final = frozenset({"image", "audio"})
_STRUCTURED: Final = "structuredContent"


def mask(message: bytes, kinds: frozenset[str]) -> bytes:
    """`kinds` of `FINDERS`; others are nobody's. Raises `AnswerNotMasked`."""
    wanted = [kind for kind in FINDERS if kind in kinds]
    if not wanted or not (_ESCAPED.search(message) or any(_SIGNS[kind](message) for kind in wanted)):
        return message
    if b"\0" in message:
        # Not UTF-8, whatever a reader may make of it.
        raise AnswerNotMasked
    try:
        parsed = parse_object(message)
        masking = _Masking(wanted)
        masked = {key: masking.value(value, key) if key in _PARTS else value for key, value in parsed.items()}
    except (ValueError, RecursionError) as error:
        raise AnswerNotMasked from error
    if masking.found:
        return render(masked)
    # Of what is said twice under one name a reader may take either; here only one was looked at.
    return message if _says_each_thing_once(message) else render(masked)


def masked_text(text: str, kinds: frozenset[str]) -> str:
    """One text alone."""
    return _Masking([kind for kind in FINDERS if kind in kinds]).text(text)


def _says_each_thing_once(message: bytes) -> bool:
    def once(pairs: list[tuple[str, object]]) -> None:
        if len({name for name, _ in pairs}) != len(pairs):
            raise _SaidTwice

    try:
        json.loads(message, object_pairs_hook=once)
    except _SaidTwice:
        return False
    return True


class _SaidTwice(Exception):
    """An object has two members of one name."""


class _Masking:
    """`found`: whether anything was struck out."""

    def __init__(self, kinds: list[str]) -> None:
        self._kinds = kinds
        self.found = False

    def value(self, value: Json, key: str) -> Json:
        if key == _STRUCTURED:
            return self._structured(value, "")
        if isinstance(value, str):
            return value if key in _LEFT_ALONE else self.text(value)
        if isinstance(value, list):
            return [self.value(one, key) for one in value]
        if isinstance(value, dict):
            return value if key in _LEFT_ALONE else self._members(value)
        return value

    def _members(self, value: JsonObject) -> JsonObject:
        binary = value.get("type") in _BINARY
        return {key: one if binary and key == "data" else self.value(one, key) for key, one in value.items()}

    def _structured(self, value: Json, key: str) -> Json:
        if isinstance(value, str):
            if value and "secret" in self._kinds and SECRET_MEMBER.fullmatch(key):
                self.found = True
                return "[secret]"
            return self.text(value)
        if isinstance(value, list):
            return [self._structured(one, key) for one in value]
        if isinstance(value, dict):
            return {self.text(name): self._structured(one, name) for name, one in value.items()}
        if isinstance(value, int) and "card" in self._kinds and is_card(str(value)):
            self.found = True
            return "[card]"
        return value

    def text(self, text: str) -> str:
        """Each stretch by the name of its kind, in brackets."""
        spans = [(*span, order) for order, kind in enumerate(self._kinds) for span in FINDERS[kind](text) if span[0] < span[1]]
        if not spans:
            return text
        self.found = True
        spans.sort(key=lambda span: (span[0], span[2]))
        pieces, at = list[str](), 0
        for start, end, order in spans:
            if start >= at:
                pieces += (text[at:start], f"[{self._kinds[order]}]")
            # What begins within another goes with it.
            at = max(at, end)
        return "".join((*pieces, text[at:]))
