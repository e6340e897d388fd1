"""Characters that a model reads and a person does not see, or takes for others."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from mcp_gateway.registry.definitions.findings import Finding, printable

_TAG: Final = re.compile(r"[\U000e0000-\U000e007f]+")
# The flags of England, Scotland and Wales: a black flag, and letters of tags up to the end of them.
_TAGGED_FLAG: Final = re.compile(r"\U0001f3f4[\U000e0061-\U000e007a]{3,6}\U000e007f")
_OVERRIDE: Final = re.compile(r"[\u202a-\u202e]")
_ISOLATE: Final = re.compile(r"[\u2066-\u2069\u200e\u200f\u061c]")
_ZERO_WIDTH: Final = re.compile(r"[\u200b\u200c\u200d\u2060-\u2064\ufeff\u180e\u115f\u1160\u3164\uffa0\u2800\u034f\u00ad]+")
_JOINERS: Final = frozenset("\u200c\u200d")
_SELECTORS: Final = re.compile(r"[\U000e0100-\U000e01ef]|[\ufe00-\ufe0f]{2,}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9a\x9c-\x9f]|[\ue000-\uf8ff]|[\U000f0000-\U0010fffd]")
_ANSI: Final = re.compile(r"\x1b|\x9b|\\(?:x1b|u001b|033|e)\s?\[", re.IGNORECASE)
_FAR: Final = re.compile(r"(?:[^\S\n]{120,}|(?:[^\S\n]*\n){25,})\S")
_RIGHT_TO_LEFT: Final = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
# Scripts whose spelling needs joiners: Arabic and its kin, and those of India and around.
_JOINING: Final = re.compile(r"[\u0600-\u08ff\u0900-\u0dff\u0e00-\u109f\u1780-\u17ff\ufb50-\ufdff]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LOOKS_LATIN: Final = re.compile(r"[\u0370-\u03ff\u0400-\u052f\u13a0-\u13ff\u0561-\u0587]")
_WIDE: Final = re.compile(r"[\uff01-\uff5e\u2460-\u24ff\U0001d400-\U0001d7ff\u1d00-\u1d7f\u2100-\u214f]")
_UNITS: Final = frozenset("µΩΔαβγδεθλμπρσστφχψω℃℉℠™№ℓ")

# What else looks like a Latin letter, after compatibility forms are resolved.
LOOK_ALIKES: Final = str.maketrans(
    "аеорсухіјѕԁһӏԛԝАВЕКМНОРСТХІЈЅҮαοερνικτυχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧոսօցհ",
    "aeopcyxijsdhlqwABEKMHOPCTXIJSYaoepvikruxyABEZHIKMNOPTYXnuogh",
)
_INVISIBLE: Final = re.compile(
    r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u180e\u00ad\u034f\u115f\u1160\u3164\uffa0\ufe00-\ufe0f\x00-\x08\x0b-\x1f\x7f"
    r"\U000e0000-\U000e01ef]"
)


def skeleton(text: str) -> str:
    """What it looks like: nothing invisible, look-alikes as the letters they pass for, in lower case."""
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    return plain.translate(LOOK_ALIKES).casefold() if not plain.isascii() else plain.lower()


def hidden_message(text: str) -> str:
    """What tag characters and supplementary variation selectors spell, "" for nothing."""
    found = []
    for character in _TAGGED_FLAG.sub("", text):
        number = ord(character)
        if 0xE0020 <= number <= 0xE007E:
            found.append(chr(number - 0xE0000))
        elif 0xE0100 <= number <= 0xE01EF and 32 <= number - 0xE0100 + 16 < 127:
            found.append(chr(number - 0xE0100 + 16))
    return "".join(found)


def look_at_characters(path: str, text: str, *, is_name: bool) -> Iterator[Finding]:
    if text.isascii() and text.isprintable() and "\\" not in text and "   " not in text:
        return
    plain = _TAGGED_FLAG.sub("", text)
    for rule, pattern in (("tag_characters", _TAG), ("bidi_override", _OVERRIDE), ("hidden_selectors", _SELECTORS),
                          ("control_characters", _CONTROL), ("terminal_escape", _ANSI)):  # fmt: skip
        yield from _first(rule, path, plain, pattern)
    if _RIGHT_TO_LEFT.search(text) is None:
        yield from _first("bidi_control", path, plain, _ISOLATE)
    yield from _zero_width(path, plain)
    yield from _first("text_far_away", path, text, _FAR)
    yield from (_odd_name(path, text) if is_name else _mixed_words(path, text))


def _first(rule: str, path: str, text: str, pattern: re.Pattern[str]) -> Iterator[Finding]:
    found = pattern.search(text)
    if found is not None:
        excerpt = printable(text, found.start(), found.end())
        yield Finding(rule=rule, severity="high", path=path, excerpt=excerpt, matched=found.group())


def _zero_width(path: str, text: str) -> Iterator[Finding]:
    for found in _ZERO_WIDTH.finditer(text):
        if not _is_spelling(text, found.start(), found.end()):
            yield Finding(rule="zero_width", severity="high", path=path, excerpt=printable(text, found.start(), found.end()))
            return


def _is_spelling(text: str, start: int, end: int) -> bool:
    """A joiner in scripts that need it, and between the parts of one emoji; a mark of byte order at the very beginning."""
    if end - start != 1:
        return False
    before, mark, after = text[start - 1 : start], text[start], text[end : end + 1]
    if mark == "\ufeff":
        return start == 0
    if mark not in _JOINERS:
        return mark == "\u00ad" and before.isalpha() and after.isalpha()
    if mark == "\u200d" and before and after and ord(before) > 0x2000 and ord(after) > 0x2000:
        return True
    return bool(before and after and _JOINING.match(before) and _JOINING.match(after))


def _odd_name(path: str, name: str) -> Iterator[Finding]:
    """A name that looks like Latin letters and is not."""
    if name.isascii() or skeleton(name) == unicodedata.normalize("NFC", name).casefold():
        return
    if skeleton(name).isascii() or (_LATIN.search(name) and _LOOKS_LATIN.search(name)):
        yield Finding(rule="look_alike_name", severity="high", path=path, excerpt=_spelt(name))


def _mixed_words(path: str, text: str) -> Iterator[Finding]:
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        odd = [character for character in word if _LOOKS_LATIN.match(character) and character not in _UNITS]
        if odd and _LATIN.search(word):
            yield Finding(rule="look_alike_letters", severity="high", path=path, excerpt=_spelt(word))
            return
        if len(word) > 3 and len(_WIDE.findall(word)) > 3:
            yield Finding(rule="look_alike_letters", severity="medium", path=path, excerpt=_spelt(word))
            return


def _spelt(word: str) -> str:
    return "".join(
        character if character.isascii() and character.isprintable() else f"<U+{ord(character):04X}>" for character in word
    )[:240]
