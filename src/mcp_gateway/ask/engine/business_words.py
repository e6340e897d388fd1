"""Words of the glossary in a question: entities, terms, metrics and periods, as links that are trusted more than names.

The vocabulary is prepared once (`prepare_words`). What the pipeline has already resolved to one server's meaning wins where
the same words have several.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from mcp_gateway.ask.engine.form import ColumnRef, RawCondition, RawExpression
from mcp_gateway.ask.engine.sketch import Choice, ColumnMention, TableMention, ValueChoice, ValueMention
from mcp_gateway.ask.engine.text import Token, stem_of, tokenize
from mcp_gateway.ask.model import ResolvedEntity
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Entity, Expression, Metric, Period, Term, Vocabulary

_TRUST = 1.1
_MAX_WORDS = 10
_METRIC_VERBS = frozenset(
    stem_of(word) for word in ("sold", "returned", "refunded", "shipped", "paid", "made", "earned", "ordered", "held")
)
_PREPOSITIONS = frozenset({"of", "on", "in", "for", "to", "by", "from", "with", "out"})
Texts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MetricMention:
    """tokens[start:end] name a metric."""

    start: int
    end: int
    metric: RawExpression
    table: str


@dataclass(frozen=True, slots=True)
class GivenMention:
    """tokens[start:end] name the rows of a table for which a condition holds; `names_rows`: also the rows themselves."""

    start: int
    end: int
    condition: RawCondition
    table: str
    names_rows: bool


@dataclass(frozen=True, slots=True)
class NamedPeriod:
    """tokens[start:end] are a period of the glossary."""

    start: int
    end: int
    name: str
    first: Texts
    last: Texts


@dataclass(slots=True)
class BusinessLinks:
    """By the token they begin at, longest first. `used` are tokens that belong to a name begun elsewhere."""

    columns: dict[int, list[ColumnMention]] = field(default_factory=dict)
    tables: dict[int, list[TableMention]] = field(default_factory=dict)
    values: dict[int, list[ValueMention]] = field(default_factory=dict)
    metrics: dict[int, list[MetricMention]] = field(default_factory=dict)
    given: dict[int, list[GivenMention]] = field(default_factory=dict)
    periods: dict[int, list[NamedPeriod]] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)


Item = Entity | Term | Metric | Period
Words = Mapping[tuple[str, ...], tuple[Item, ...]]


def prepare_words(vocabulary: Vocabulary) -> Words:
    """The vocabulary by the stems of its words, most trusted first."""
    found: dict[tuple[str, ...], list[Item]] = {}
    items: Iterable[Item] = (*vocabulary.entities, *vocabulary.terms, *vocabulary.metrics, *vocabulary.periods)
    for item in items:
        for alias in _said(item):
            stems = tuple(token.stem or token.low for token in tokenize(alias) if token.kind != "mark" or token.low == "&")
            if stems and item not in found.setdefault(stems, []):
                found[stems].append(item)
    return {stems: tuple(many) for stems, many in found.items()}


def _said(item: Item) -> tuple[str, ...]:
    if isinstance(item, Metric):
        return (item.name, *item.aliases)
    if isinstance(item, Entity):
        return (item.label, *item.aliases)
    return item.aliases


def business_links(
    tokens: Sequence[Token], words: Words, schema: DatabaseSchema, resolved: Sequence[ResolvedEntity]
) -> BusinessLinks:
    """All business words in a question."""
    links = BusinessLinks()
    for place, far, metric in _scattered(tokens, words):
        table = schema.table(metric.table)
        if table is not None:
            links.metrics.setdefault(place, []).append(MetricMention(place, place + 1, _metric(metric, schema), table.name))
            links.used.add(far)
    for start, end, items in _spans(tokens, words):
        if end == start + 1 and not any(_spelled(item, tokens[start].low) for item in items):
            continue
        standing = [item for item in items if _agrees(item, tokens[start], tokens[end - 1], resolved)] or list(items)
        for item in standing[:3]:
            _add(links, item, start, end, " ".join(token.text for token in tokens[start:end]), schema)
    return links


def _scattered(tokens: Sequence[Token], words: Words) -> Iterator[tuple[int, int, Metric]]:
    """Two-word metrics whose words stand apart ("how many units of X did we sell"): both places, the noun's first."""
    places = {_stem(token): n for n, token in enumerate(tokens) if token.kind == "word"}
    for stems, items in words.items():
        metric = next((item for item in items if isinstance(item, Metric)), None)
        if metric is None or len(stems) != 2 or stems[0] not in places or stems[1] not in places:
            continue
        noun, verb = places[stems[0]], places[stems[1]]
        if abs(noun - verb) > 1 and verb != noun + 1 and stems[1] in _METRIC_VERBS:
            yield noun, verb, metric


def _spans(tokens: Sequence[Token], words: Words) -> Iterator[tuple[int, int, tuple[Item, ...]]]:
    """The longest known phrase at each position."""
    for start in range(len(tokens)):
        for end in range(min(len(tokens), start + _MAX_WORDS), start, -1):
            if tokens[start].kind == "mark" or tokens[end - 1].kind == "mark":
                continue
            stems = tuple(_stem(token) for token in tokens[start:end] if token.kind != "mark" or token.low == "&")
            items = words.get(stems)
            if items is not None:
                yield start, end, items
                break


def _spelled(item: Item, word: str) -> bool:
    """Whether one word is an alias but for a plural ending: "took" is not "takings"."""
    return any(alias.lower() in {word, word + "s", word.removesuffix("s"), word.removesuffix("es")} for alias in _said(item))


def _stem(token: Token) -> str:
    return token.stem or stem_of(token.low)


def _agrees(item: Item, first: Token, last: Token, resolved: Sequence[ResolvedEntity]) -> bool:
    """Whether the pipeline took these words to mean this item."""
    here = [entity for entity in resolved if entity.start == first.start and entity.end == last.end]
    if not here or isinstance(item, Period):
        return not here or any(entity.kind == "period" for entity in here)
    if isinstance(item, Metric):
        return any(entity.kind == "metric" and entity.label == item.name for entity in here)
    if isinstance(item, Entity):
        return any((entity.table, entity.column, entity.value) == (item.table, item.column, item.value) for entity in here)
    return any((entity.table, entity.column) == (item.table, item.column) for entity in here)


def _add(links: BusinessLinks, item: Item, start: int, end: int, text: str, schema: DatabaseSchema) -> None:
    match item:
        case Entity():
            ref = _column(schema, item.table, item.column)
            if ref is not None:
                choice = ValueChoice(ref, item.value, _TRUST, label=item.label)
                links.values.setdefault(start, []).append(ValueMention(start, end, text, (choice,)))
        case Term() if item.condition:
            _add_condition(links, item, start, end, text, schema)
        case Term() if item.column is not None:
            ref = _column(schema, item.table, item.column)
            if ref is not None:
                links.columns.setdefault(start, []).append(ColumnMention(start, end, (Choice(ref, _TRUST),)))
        case Term():
            table = schema.table(item.table)
            if table is not None:
                links.tables.setdefault(start, []).append(TableMention(start, end, ((table.name, _TRUST),)))
        case Metric():
            table = schema.table(item.table)
            if table is not None:
                links.metrics.setdefault(start, []).append(MetricMention(start, end, _metric(item, schema), table.name))
        case Period():
            links.periods.setdefault(start, []).append(NamedPeriod(start, end, text, _texts(item.start), _texts(item.end)))


def _add_condition(links: BusinessLinks, term: Term, start: int, end: int, text: str, schema: DatabaseSchema) -> None:
    table = schema.table(term.table)
    if table is None:
        return
    texts = _texts(term.condition)
    condition = RawCondition(text, texts, _tables_in(texts, schema) or (table.name,))
    words = [stem_of(word) for word in text.split()]
    rows = {stem_of(word) for word in (*table.name.split("_"), *_row_words(term))}
    names_rows = len(words) > 1 and words[-1] in rows and words[-2] not in _PREPOSITIONS
    links.given.setdefault(start, []).append(GivenMention(start, end, condition, table.name, names_rows))


def _row_words(term: Term) -> set[str]:
    """Last words that several aliases of a condition share with the name of its rows ("churned customer", "active buyers")."""
    last = Counter(stem_of(alias.split()[-1]) for alias in term.aliases if len(alias.split()) > 1)
    return {word for word, times in last.items() if times > 1}


def _column(schema: DatabaseSchema, table: str, column: str) -> ColumnRef | None:
    found = schema.table(table)
    known = found.column(column) if found is not None else None
    return ColumnRef(found.name, known.name) if found is not None and known is not None else None


def _metric(metric: Metric, schema: DatabaseSchema) -> RawExpression:
    texts = _texts(metric.expression)
    tables = _tables_in(texts, schema) or (metric.table,)
    condition = None
    if metric.condition:
        limits = _texts(metric.condition)
        condition = RawCondition(metric.name, limits, _tables_in(limits, schema) or (metric.table,))
    return RawExpression(metric.name, texts, tuple(dict.fromkeys((metric.table, *tables))), condition=condition)


def _texts(expression: Expression) -> Texts:
    return tuple(sorted(expression.items()))


def _tables_in(texts: Texts, schema: DatabaseSchema) -> tuple[str, ...]:
    """The tables whose columns an expression names outside its sub-queries."""
    by_dialect = dict(texts)
    dialect = schema.dialect if schema.dialect in by_dialect else None
    try:
        tree = parse_one(by_dialect.get(schema.dialect, by_dialect.get("default", "")), dialect=dialect)
    except SqlglotError:
        return ()
    found: dict[str, None] = {}
    for column in tree.find_all(exp.Column):
        table = schema.table(column.table) if column.table and column.find_ancestor(exp.Select) is None else None
        if table is not None:
            found[table.name] = None
    return tuple(found)
