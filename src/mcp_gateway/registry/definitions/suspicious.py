"""Texts that try to steer the model reading them: characters nobody sees, orders, other tools, secrets, ways out.

A heuristic, measured on texts in the tests: what it finds is a reason for somebody to look, and what it does not find is no
promise.
"""

import re
import unicodedata
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final

import ahocorasick

from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.registry.definitions.blobs import hidden_texts
from mcp_gateway.registry.definitions.characters import hidden_message, look_at_characters, skeleton
from mcp_gateway.registry.definitions.findings import Finding, Severity, printable
from mcp_gateway.registry.definitions.phrase import Phrase
from mcp_gateway.registry.definitions.phrases_of_authority import OF_AUTHORITY
from mcp_gateway.registry.definitions.phrases_of_deeds import OF_DEEDS
from mcp_gateway.registry.definitions.texts import Text, texts_of

# Of one definition; what honest ones need, several times over. The rest is not read, and that alone is reason to look.
MAX_TEXT: Final = 60_000
MANY_TEXTS: Final = 5_000
_LONG_DESCRIPTION: Final = 12_000
_SPACE: Final = re.compile(r"\s+")
_SPACED: Final = re.compile(r"(?:(?<=\s)|^)(?:\w[ .\-_*]{1,2}){5,}\w(?=\W|$)")
# "Never sends your files to …" is a promise; "never forget to send" is not.
_DENIED: Final = re.compile(
    r"(?:\bnever|\bnot|n't|\bcannot|\bno)\s(?!forget|fail|omit|hesitate|skip|stop|worry|matter|longer)(?:[\w']+\s){0,8}$"
)
_PHRASES: Final = (*OF_AUTHORITY, *OF_DEEDS)
_BEFORE: Final = 60
_SHORTEST: Final = 8
# Texts whose findings are remembered, and how long one may be.
_KEPT, _KEPT_LENGTH = 4_096, 2_000
# A phrase shown, not said: in quotes, after a word that announces an example.
_SHOWN: Final = re.compile(
    r"(?:such as|like|e\.g\.|for example|example:?|detects?|detecting|tries to|phrases?|strings?|attempts? to|patterns?)"
    r"[^.;]{0,40}[\"'`\u201c\u2018]$"
    r"|(?:prompts?|texts?|messages?|attempts?) (?:that|which) $"
)
# An example of an encoding says hello; what is longer, or for a shell, is meant to be read by a model alone.
_LONG_MESSAGE: Final = 24
_SHELL: Final = re.compile(r"[~$|>&;]|\brm\b|/bin/|https?://")
_LEET: Final = str.maketrans("01345@$", "oieasas")
_SPLIT: Final = re.compile(r"(?<=[a-z])[-\u2010\u2011](?=[a-z])")
_LEET_WORD: Final = re.compile(r"[a-z][01345@$][a-z]|\b[01345@$][a-z]{2}")
_ABOUT_ANOTHER: Final = re.compile(
    r"(?:when(?:ever)?|if|before|after|while|each time|every time)\s(?:\w+\s){0,3}?(?:using|calling|invoking|use|call|invoke)"
    r"\s(?:the\s)?`?'?NAME|NAME`?'?(?:\stool)?\s(?:is|gets)\s(?:called|used|invoked)"
    r"|(?:instead of|rather than|do not use|don't use|never use|never call|do not call)\s(?:the\s)?`?'?NAME".replace(
        "NAME", r"([a-z][a-z0-9]*(?:_[a-z0-9]+)+)"
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """Names of the tools of the same server, and of all others: an honest tool speaks of the former."""

    own: Set[str] = frozenset()
    others: Set[str] = frozenset()


ALONE: Final = Surroundings()


def find_suspicious(item: JsonObject, around: Surroundings = ALONE) -> tuple[Finding, ...]:
    """Everything found in one definition, each once, in its order."""
    return tuple(dict.fromkeys(_look(item, around)))


def folded(text: str) -> str:
    """As a model reads it: nothing invisible, look-alikes resolved, letters with spaces between them as words, one case."""
    return _tidy(skeleton(text))


def _readings(text: str) -> Iterator[str]:
    yield folded(text)
    if not text.isascii():
        # In scripts of its own nothing is a look-alike.
        yield _tidy(unicodedata.normalize("NFKC", text).casefold())
    plain = skeleton(text)
    if _LEET_WORD.search(plain):
        yield _tidy(plain.translate(_LEET))
    if "-" in plain and _SPLIT.search(plain):
        yield _tidy(_SPLIT.sub("", plain))


def _tidy(text: str) -> str:
    plain = _SPACED.sub(lambda found: re.sub(r"[ .\-_*]{2,}", "\0", found.group()).translate(_UNSPACED), text)
    return _SPACE.sub(" ", plain.replace("\u2019", "'").replace("\u2018", "'"))


_UNSPACED: Final = {ord(" "): None, ord("."): None, ord("-"): None, ord("_"): None, ord("*"): None, 0: " "}


def _look(item: JsonObject, around: Surroundings) -> Iterator[Finding]:
    read = 0
    for count, text in enumerate(texts_of(item)):
        read += len(text.text)
        if read > MAX_TEXT or count > MANY_TEXTS:
            yield Finding(rule="too_long", severity="high", path=text.path, excerpt=f"more than {MAX_TEXT} characters of text")
            return
        yield from _look_at(text, around)
    name = item.get("name")
    if isinstance(name, str) and not name.isascii() and skeleton(name) in around.others:
        yield Finding(rule="look_alike_name", severity="high", path="name", excerpt=printable(name))


def _look_at(text: Text, around: Surroundings) -> Iterator[Finding]:
    path = text.path or "name"
    yield from look_at_characters(path, text.text, is_name=text.is_name)
    if len(text.text) < _SHORTEST:
        return
    if len(text.text) > _LONG_DESCRIPTION:
        yield Finding(rule="long_text", severity="medium", path=path, excerpt=f"{len(text.text)} characters")
    said = _what_is_said if len(text.text) <= _KEPT_LENGTH else _what_is_said.__wrapped__
    yield from (replace(finding, path=path) for finding in said(text.text))
    if "_" in text.text:
        yield from _look_for_others(path, folded(text.text), around)


@lru_cache(maxsize=_KEPT)
def _what_is_said(text: str) -> tuple[Finding, ...]:
    """Wherever it stands: the tools of a server say much alike, and two versions of one tool nearly everything."""
    found = [finding for plain in _readings(text) for finding in _look_for_phrases(plain)]
    for hidden in (hidden_message(text), *hidden_texts(text)):
        if len(hidden) < _SHORTEST:
            continue
        within = list(_look_for_phrases(folded(hidden)))
        severe = within or len(hidden) >= _LONG_MESSAGE or _SHELL.search(hidden)
        found.append(Finding(rule="encoded_text", severity="high" if severe else "low", path="", excerpt=printable(hidden)))
        found += within
    return tuple(found)


def _look_for_phrases(plain: str) -> Iterator[Finding]:
    for phrase in _possible(plain):
        for found in phrase.pattern.finditer(plain):
            before = plain[max(0, found.start() - _BEFORE) : found.start()]
            if _SHOWN.search(before) or (phrase.deniable and _DENIED.search(before)):
                continue
            excerpt = printable(plain, *found.span())
            yield Finding(rule=phrase.rule, severity=phrase.severity, path="", excerpt=excerpt, matched=found.group())
            break


def _possible(plain: str) -> list[Phrase]:
    """Those of which one of the words they need is there, in their order: one pass over the text for all of them."""
    numbers = {number for _, found in _words().iter(plain) for number in found}
    return [_PHRASES[number] for number in sorted(numbers)]


@cache
def _words() -> ahocorasick.Automaton:
    needing: dict[str, set[int]] = {}
    for number, phrase in enumerate(_PHRASES):
        for word in phrase.needs:
            needing.setdefault(word, set()).add(number)
    automaton = ahocorasick.Automaton()
    for word, numbers in needing.items():
        automaton.add_word(word, tuple(numbers))
    automaton.make_automaton()
    return automaton


def _look_for_others(path: str, plain: str, around: Surroundings) -> Iterator[Finding]:
    """Orders about tools that this server does not have."""
    for found in _ABOUT_ANOTHER.finditer(plain):
        name = next((group for group in found.groups() if group), "")
        if name in around.own:
            continue
        severity: Severity = "high" if name in around.others else "low"
        yield Finding(rule="speaks_of_other_tools", severity=severity, path=path, excerpt=printable(plain, *found.span()))
