"""Words of nearly the same meaning, from the list in synonyms.txt. General knowledge, trusted less than the database's own
names; one step only, never synonyms of synonyms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, cast

from mcp_gateway.ask.engine.text import stem_of

KinKind = Literal["noun", "verb", "adj", "ask"]
# How far a word of each kind may be trusted to mean the other, beside 1 for the word itself.
_TRUST: Mapping[KinKind, float] = MappingProxyType({"noun": 0.8, "verb": 0.65, "adj": 0.65, "ask": 0.6})


@dataclass(frozen=True, slots=True)
class Kin:
    """Another way to say a phrase: `stems` are its words' stems in order; `trust` is 0..1.

    "noun": the same thing. "verb", "adj" and "ask": the name of the thing or attribute the phrase speaks of.
    """

    stems: tuple[str, ...]
    kind: KinKind
    trust: float


def kin_of(phrase: str) -> tuple[Kin, ...]:
    """What a phrase of up to three words may also be called; the likeliest first; empty when nothing is known."""
    return _all_kin().get(_stems(phrase), ())


def words_like(word: str) -> tuple[str, ...]:
    """The single-word stems among the kin of one word."""
    return tuple(dict.fromkeys(kin.stems[0] for kin in kin_of(word) if len(kin.stems) == 1))


@lru_cache(maxsize=1)
def _all_kin() -> Mapping[tuple[str, ...], tuple[Kin, ...]]:
    found: dict[tuple[str, ...], dict[tuple[str, ...], Kin]] = {}
    for kind, left, right in _read_groups():
        for said in left:
            known = found.setdefault(said, {})
            for place, meant in enumerate(right):
                # Earlier words of a group are nearer its centre.
                kin = Kin(meant, kind, round(_TRUST[kind] - 0.01 * min(place, 10), 2))
                if meant != said and (meant not in known or known[meant].trust < kin.trust):
                    known[meant] = kin
    return MappingProxyType({said: tuple(sorted(kin.values(), key=lambda each: -each.trust)) for said, kin in found.items()})


def _read_groups() -> Iterator[tuple[KinKind, list[tuple[str, ...]], list[tuple[str, ...]]]]:
    text = files(__package__).joinpath("synonyms.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, _, group = line.partition(":")
        left, _, right = group.partition(">")
        said = [_stems(phrase) for phrase in left.split(",")]
        yield cast("KinKind", kind), said, [_stems(phrase) for phrase in right.split(",")] if right else said


def _stems(phrase: str) -> tuple[str, ...]:
    return tuple(stem_of(word) for word in phrase.split())
