"""One vocabulary from several servers': each word keeps the meaning of the server that may say it (`claims.py`)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from mcp_gateway.ask.claims import Item, claims_of, judge, key_of
from mcp_gateway.ask.ports import VocabularySource
from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term, Vocabulary

_Kept = TypeVar("_Kept", Entity, Term, Metric, Period)


def merge_vocabularies(sources: Sequence[VocabularySource]) -> Vocabulary:
    """The words of all sources, which come most trusted first; an item that lost all its words is left out."""
    if len(sources) == 1:
        return sources[0].vocabulary
    owners = {word: judge(claims).standing[0].source for word, claims in claims_of(sources).items()}

    def keeper(source: VocabularySource) -> Callable[[str], bool]:
        return lambda name: owners.get(key_of(name), source) is source

    entities: list[Entity] = []
    terms: list[Term] = []
    metrics: list[Metric] = []
    periods: list[Period] = []
    for source in sources:
        owns = keeper(source)
        entities.extend(_kept(source.vocabulary.entities, owns))
        terms.extend(_kept(source.vocabulary.terms, owns))
        metrics.extend(_kept(source.vocabulary.metrics, owns))
        periods.extend(_kept(source.vocabulary.periods, owns))
    return Vocabulary(entities=tuple(entities), terms=tuple(terms), metrics=tuple(metrics), periods=tuple(periods))


def _kept(items: Sequence[_Kept], owns: Callable[[str], bool]) -> list[_Kept]:
    kept: list[_Kept] = []
    for item in items:
        aliases = tuple(alias for alias in item.aliases if owns(alias))
        if not aliases and not _named_otherwise(item, owns):
            continue
        kept.append(item if aliases == item.aliases else replace(item, aliases=aliases))
    return kept


def _named_otherwise(item: Item, owns: Callable[[str], bool]) -> bool:
    return isinstance(item, Metric) and owns(item.name)
