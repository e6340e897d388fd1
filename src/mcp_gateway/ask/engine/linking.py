"""Which stretches of a question name a table, a column, a stored value or a business word, and how strongly.

Nothing is decided here: each stretch keeps every choice, and stretches may overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.business_words import BusinessLinks, GivenMention, MetricMention
from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.lexicon import FILLERS, SOFT, number_word
from mcp_gateway.ask.engine.name_index import NameIndex
from mcp_gateway.ask.engine.name_links import column_mentions, longest_first, stems_for, table_mentions
from mcp_gateway.ask.engine.sketch import ColumnMention, TableMention, ValueChoice, ValueMention
from mcp_gateway.ask.engine.text import Token
from mcp_gateway.ask.model import ValueMatch


@dataclass(frozen=True, slots=True)
class Links:
    """Mentions by the token they begin at, longest first."""

    columns: dict[int, tuple[ColumnMention, ...]]
    tables: dict[int, tuple[TableMention, ...]]
    values: dict[int, tuple[ValueMention, ...]]
    metrics: dict[int, tuple[MetricMention, ...]] = field(default_factory=dict)
    given: dict[int, tuple[GivenMention, ...]] = field(default_factory=dict)


def link(
    tokens: Sequence[Token],
    names: NameIndex,
    values: Iterable[ValueMatch],
    business: BusinessLinks,
    implied: Iterable[ValueMention] = (),
) -> Links:
    """All mentions in a question; `implied` are values that words stand for."""
    words = [_known_words(token, names) for token in tokens]
    nouns = [stems_for(token, nouns_only=True) for token in tokens]
    starts = [start for start, token in enumerate(tokens) if token.kind == "word"]
    columns = {start: column_mentions(start, tokens, words, names) for start in starts}
    tables = {start: table_mentions(start, tokens, nouns, names) for start in starts}
    stored = _values(tokens, values, frozenset(names.labels))
    for mention in implied:
        if not any(other.end >= mention.end for other in stored.get(mention.start, ())):
            stored[mention.start] = (mention, *stored.get(mention.start, ()))
    _add_business(business, columns, tables, stored)
    metrics = {start: tuple(many) for start, many in business.metrics.items()}
    for start, named in metrics.items():
        if not (start and tokens[start - 1].low in {"average", "mean", "avg"}):
            _give_way(columns, tables, start, named[0].end)
    return Links(columns, tables, stored, metrics, {start: tuple(many) for start, many in business.given.items()})


def _known_words(token: Token, names: NameIndex) -> tuple[tuple[str, float], ...]:
    """The stems a word may match names of columns by: only its own where a table is called just so."""
    found = stems_for(token)
    exact = any(table.slots == (token.stem,) for table, _ in names.tables.get(token.stem, ()))
    return found[:1] if exact else found


def _add_business(
    business: BusinessLinks,
    columns: dict[int, tuple[ColumnMention, ...]],
    tables: dict[int, tuple[TableMention, ...]],
    stored: dict[int, tuple[ValueMention, ...]],
) -> None:
    """The glossary's words before the schema's own."""
    for start, many in business.columns.items():
        columns[start] = longest_first((*many, *columns.get(start, ())))
    for start, named in business.tables.items():
        tables[start] = (*named, *tables.get(start, ()))
    for start, known in business.values.items():
        stored[start] = (*known, *(other for other in stored.get(start, ()) if other.end > known[0].end))


def _give_way(
    columns: dict[int, tuple[ColumnMention, ...]], tables: dict[int, tuple[TableMention, ...]], start: int, end: int
) -> None:
    """Names inside a metric's words are not meant by themselves."""
    for place in range(start, end):
        columns[place] = tuple(mention for mention in columns.get(place, ()) if mention.end > end)
        tables[place] = tuple(mention for mention in tables.get(place, ()) if mention.end > end)


def _value_strength(span: Sequence[Token], match: ValueMatch) -> float:
    """How far a stored value may be trusted to be meant: plain words and half matches less than names and quoted text."""
    first = span[0]
    if all(token.low in FILLERS or token.kind == "mark" for token in span) and not any(token.kind == "quoted" for token in span):
        return 0.0 if len(span) > 1 or first.low == first.text or len(first.text) < 2 else 0.4
    marked = any(token.kind in {"quoted", "number"} or token.text[:1].isupper() for token in span)
    strength = match.score
    if match.how in {"prefix", "contains", "fuzzy"} and all(token.kind == "number" for token in span):
        return 0.0
    if match.how in {"prefix", "contains", "fuzzy"}:
        strength *= 0.85 if marked else 0.0
    if len(span) == 1 and (first.kind == "number" or number_word(first.low) is not None):
        return strength * 0.45
    if len(span) == 1 and not marked and first.low in SOFT:
        return strength * 0.5
    return strength if marked else strength * 0.95


def _is_plain(token: Token) -> bool:
    """Whether a word is written and used as one that questions are full of: no name of a row ("tracks that belong to")."""
    return token.kind == "word" and token.low in SOFT and token.text == token.low


def _values(
    tokens: Sequence[Token], matches: Iterable[ValueMatch], labels: frozenset[ColumnRef]
) -> dict[int, tuple[ValueMention, ...]]:
    spans: dict[tuple[int, int], dict[ColumnRef, ValueChoice]] = {}
    for match in matches:
        inside = [n for n, token in enumerate(tokens) if token.start < match.end and token.end > match.start]
        if not inside:
            continue
        span = (inside[0], inside[-1] + 1)
        ref = ColumnRef(match.table, match.column)
        strength = _value_strength(tokens[span[0] : span[1]], match)
        if ref in labels and span[1] == span[0] + 1 and _is_plain(tokens[span[0]]):
            continue
        known = spans.setdefault(span, {}).get(ref)
        if strength > 0 and (known is None or strength > known.strength):
            spans[span][ref] = ValueChoice(ref, match.value, strength, match.how in {"prefix", "contains"})
    mentions: dict[int, list[ValueMention]] = {}
    for (start, end), choices in spans.items():
        if not choices:
            continue
        text = " ".join(token.text for token in tokens[start:end])
        best = sorted(choices.values(), key=lambda choice: (-choice.strength, repr(choice.column)))[: scoring.MAX_CHOICES]
        mentions.setdefault(start, []).append(ValueMention(start, end, text, tuple(best)))
    return {start: tuple(sorted(found, key=lambda mention: -mention.end)) for start, found in mentions.items()}
