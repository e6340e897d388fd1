"""Who may say what a word means: each server's words as claims, and which claim stands.

A word belongs to the most trusted server that explains it; among servers that explain it, one whose domains cover the thing goes
before one that strays outside its own. All meanings the chosen server gives stand; another server's different meaning is
a conflict and is passed over, the same meaning is not.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mcp_gateway.ask.engine.text import stem_of
from mcp_gateway.ask.ports import VocabularySource
from mcp_gateway.core.vocabulary import Entity, Expression, Metric, Period, Term

Item: TypeAlias = Entity | Term | Metric | Period

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: text[start:end], folded."""

    folded: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """One server's word for one item."""

    source: VocabularySource
    item: Item
    word: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`standing` are the claims that hold, `passed_over` those of other servers that mean something else."""

    standing: tuple[Claim, ...]
    passed_over: tuple[Claim, ...] = ()


def fold(text: str) -> str:
    """Letter case and accents aside."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def words_in(text: str) -> tuple[Word, ...]:
    """The words with their places in the text as given."""
    return tuple(Word(fold(match.group()), match.start(), match.end()) for match in _WORD.finditer(text))


def key_of(text: str) -> str:
    """What two spellings of the same words have in common."""
    return " ".join(word.folded for word in words_in(text))


def names_of(item: Item) -> tuple[str, ...]:
    """The words an item is called by."""
    return (item.name, *item.aliases) if isinstance(item, Metric) else item.aliases


def claims_of(sources: Iterable[VocabularySource]) -> dict[str, list[Claim]]:
    """Every claim by the folded word it is about, in the order of the sources."""
    found: dict[str, list[Claim]] = defaultdict(list)
    for source in sources:
        vocabulary = source.vocabulary
        items: tuple[Item, ...] = (*vocabulary.entities, *vocabulary.terms, *vocabulary.metrics, *vocabulary.periods)
        for item in items:
            for key in dict.fromkeys(key_of(name) for name in names_of(item)):
                if key:
                    found[key].append(Claim(source, item, key))
    return dict(found)


def judge(claims: Sequence[Claim]) -> Verdict:
    """Which of the claims on one word stand."""
    first = claims[0].source
    if all(claim.source is first for claim in claims):
        return Verdict(tuple(claims))
    chosen = min(claims, key=_rank).source
    standing = tuple(claim for claim in claims if claim.source is chosen)
    meanings = {meaning_of(claim.item) for claim in standing}
    others = tuple(claim for claim in claims if claim.source is not chosen and meaning_of(claim.item) not in meanings)
    return Verdict(standing, others)


def meaning_of(item: Item) -> Hashable:
    """Equal for two items that stand for the same thing."""
    match item:
        case Entity():
            return "entity", item.table.casefold(), item.column.casefold(), str(item.value).casefold()
        case Term():
            return "term", item.table.casefold(), (item.column or "").casefold(), _sql(item.condition)
        case Metric():
            return "metric", item.table.casefold(), _sql(item.expression), _sql(item.condition)
        case Period():
            return "period", _sql(item.start), _sql(item.end)


def _rank(claim: Claim) -> tuple[bool, int]:
    return not _in_domain(claim), claim.source.priority


def _in_domain(claim: Claim) -> bool:
    domains = claim.source.domains
    if not domains:
        return True
    covered = {_stems(domain) for domain in domains}
    return any(_stems(subject) in covered for subject in _subjects(claim.item))


def _subjects(item: Item) -> tuple[str, ...]:
    match item:
        case Entity():
            return item.kind, item.table, "aliases", "entities"
        case Term():
            return item.table, item.column or "tables", "terms", "mappings"
        case Metric():
            return item.table, item.name, "metrics"
        case Period():
            return "periods", "time"


def _stems(text: str) -> tuple[str, ...]:
    return tuple(stem_of(word) for word in key_of(text.replace("_", " ")).split())


def _sql(expression: Expression) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((dialect, " ".join(sql.split())) for dialect, sql in expression.items()))
