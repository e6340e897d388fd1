"""Which stretches of a question name a table, a column or a stored value, and how strongly.

A name matches by its words: stems, synonyms (trusted less), any order, a few missing. Nothing is decided here: each stretch
keeps every choice, and stretches may overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.lexicon import FILLERS
from mcp_gateway.ask.engine.schema_index import PreparedColumn, PreparedTable, SchemaIndex
from mcp_gateway.ask.engine.sketch import Choice, ColumnMention, TableMention, ValueChoice, ValueMention
from mcp_gateway.ask.engine.word_kin import synonyms_of
from mcp_gateway.ask.engine.text import Token, stem_of
from mcp_gateway.ask.model import ValueMatch

_BRIDGES = frozenset({"of", "the", "'s", "-", "in", "per", "a", "for", "'", "to", "_"})
_SUFFIXES = frozenset({"name", "code", "titl", "descript", "detail", "number", "type"})
_MAX_WORDS = 5


@dataclass(frozen=True, slots=True)
class Links:
    """Mentions by the token they begin at, longest first."""

    columns: dict[int, tuple[ColumnMention, ...]]
    tables: dict[int, tuple[TableMention, ...]]
    values: dict[int, tuple[ValueMention, ...]]


@dataclass(slots=True)
class NameIndex:
    """Stem -> names that have it. Made once per schema."""

    columns: dict[str, list[tuple[PreparedColumn, int]]] = field(default_factory=dict)
    tables: dict[str, list[tuple[PreparedTable, int]]] = field(default_factory=dict)
    column_names: dict[str, list[PreparedColumn]] = field(default_factory=dict)
    columns_of_table_word: dict[str, list[PreparedColumn]] = field(default_factory=dict)


def index_names(schema: SchemaIndex) -> NameIndex:
    """The look-up tables of a prepared schema."""
    index = NameIndex()
    for table in schema.tables.values():
        for position, slot in enumerate(table.slots):
            index.tables.setdefault(slot, []).append((table, position))
            index.columns_of_table_word.setdefault(slot, []).extend(table.columns)
        for column in table.columns:
            index.column_names.setdefault(column.column.name.lower(), []).append(column)
            for position, slot in enumerate(column.slots):
                index.columns.setdefault(slot, []).append((column, position))
    return index


def link(tokens: Sequence[Token], names: NameIndex, values: Iterable[ValueMatch]) -> Links:
    """All mentions in a question."""
    columns: dict[int, tuple[ColumnMention, ...]] = {}
    tables: dict[int, tuple[TableMention, ...]] = {}
    words = [_stems(token) for token in tokens]
    for start, token in enumerate(tokens):
        if token.kind != "word" or (token.low in FILLERS and token.stem not in names.columns):
            continue
        found_columns = _columns_from(start, tokens, words, names)
        if found_columns:
            columns[start] = found_columns
        found_tables = _tables_from(start, tokens, words, names)
        if found_tables:
            tables[start] = found_tables
    return Links(columns, tables, _values(tokens, values))


def measured_by(words: str, names: NameIndex) -> tuple[Choice, ...]:
    """The number and date columns an adjective speaks of: `words` name them, best first, "-" turns the order round."""
    choices: dict[ColumnRef, Choice] = {}
    for rank, word in enumerate(words.split()):
        reverse, plain = word.startswith("-"), stem_of(word.lstrip("-"))
        for column, position in names.columns.get(plain, ()):
            if not (column.is_numeric or column.is_temporal or column.is_year) or column.ref in choices:
                continue
            if column.is_key:
                continue
            head = 1.0 if position == len(column.slots) - 1 else 0.85
            share = column.weights[position] / sum(column.weights)
            choices[column.ref] = Choice(column.ref, (0.9 - 0.03 * rank) * head * (0.6 + 0.4 * share), reverse)
    return tuple(sorted(choices.values(), key=lambda choice: -choice.strength)[: scoring.MAX_CHOICES])


def _stems(token: Token) -> tuple[tuple[str, float], ...]:
    """The stems a word may match by, with the trust in each."""
    if token.kind == "number":
        return ((token.low, 1.0),)
    if token.kind != "word":
        return ()
    others = tuple((other, scoring.TRUST_SYNONYM) for other in synonyms_of(token.low) if other != token.stem)
    return ((token.stem, scoring.TRUST_EXACT), *others)


@dataclass(frozen=True, slots=True)
class _Partial:
    """Which slots of a name are matched so far, with what trust; `owner`: its table was named too."""

    trusts: tuple[tuple[int, float], ...]
    owner: bool = False


def _columns_from(
    start: int, tokens: Sequence[Token], words: Sequence[tuple[tuple[str, float], ...]], names: NameIndex
) -> tuple[ColumnMention, ...]:
    partials: dict[ColumnRef, tuple[PreparedColumn, _Partial]] = {}
    mentions: list[ColumnMention] = []
    for end, fresh in _grow(start, tokens):
        partials = _extend_columns(
            partials, words[end - 1], names, fresh=fresh, bridged=end - 1 > start and _is_bridge(tokens[end - 2])
        )
        if not partials:
            break
        choices = [
            Choice(column.ref, strength) for column, part in partials.values() if (strength := _column_strength(column, part)) > 0
        ]
        if end == start + 1:
            choices = _with_written_name(tokens[start], choices, names)
        choices = [choice for choice in choices if choice.strength >= scoring.MIN_STRENGTH]
        if choices:
            best = sorted(choices, key=lambda choice: (-choice.strength, repr(choice.column)))[: scoring.MAX_CHOICES]
            mentions.append(ColumnMention(start, end, tuple(best)))
    return tuple(reversed(mentions))


def _grow(start: int, tokens: Sequence[Token]) -> Iterable[tuple[int, bool]]:
    """Ends of stretches that begin at `start` and end with a content word; True for the first."""
    yield start + 1, True
    used, gap = 1, 0
    for position in range(start + 1, len(tokens)):
        token = tokens[position]
        if token.kind == "quoted" or used >= _MAX_WORDS:
            return
        if _is_bridge(token):
            gap += 1
            if gap > 2:
                return
            continue
        if token.kind == "mark" or (token.low in FILLERS and token.low not in {"is", "name", "report", "order"}):
            return
        used, gap = used + 1, 0
        yield position + 1, False


def _is_bridge(token: Token) -> bool:
    return token.low in _BRIDGES


def _with_written_name(token: Token, choices: list[Choice], names: NameIndex) -> list[Choice]:
    """Columns named in the question letter for letter ("sender_type")."""
    written = {column.ref for column in names.column_names.get(token.low, ())}
    others = [choice for choice in choices if choice.column not in written]
    return others + [Choice(ref, 1.0) for ref in sorted(written, key=repr)]


def _extend_columns(
    partials: dict[ColumnRef, tuple[PreparedColumn, _Partial]],
    stems: tuple[tuple[str, float], ...],
    names: NameIndex,
    *,
    fresh: bool,
    bridged: bool,
) -> dict[ColumnRef, tuple[PreparedColumn, _Partial]]:
    grown: dict[ColumnRef, tuple[PreparedColumn, _Partial]] = {}
    for stem, trust in stems:
        for column, position in names.columns.get(stem, ()):
            before = partials.get(column.ref)
            if (before is None and not fresh) or (before and any(position == slot for slot, _ in before[1].trusts)):
                continue
            earlier = before[1] if before else _Partial(())
            if column.ref not in grown:
                grown[column.ref] = (column, _Partial((*earlier.trusts, (position, trust)), earlier.owner))
        if trust < 1.0 and not fresh:
            continue
        for column in names.columns_of_table_word.get(stem, ()):
            before = partials.get(column.ref)
            if column.ref in grown or (before is None and not fresh) or bridged and not _possessive(before):
                continue
            earlier = before[1] if before else _Partial(())
            if not earlier.owner or fresh:
                grown[column.ref] = (column, _Partial(earlier.trusts, owner=True))
    return grown


def _possessive(before: tuple[PreparedColumn, _Partial] | None) -> bool:
    """Whether only the table was named so far, so that "singer's name" reads on."""
    return before is not None and not before[1].trusts


def _column_strength(column: PreparedColumn, part: _Partial) -> float:
    matched = dict(part.trusts)
    if not matched:
        return 0.0
    missing = [slot for position, slot in enumerate(column.slots) if position not in matched]
    if part.owner:
        missing = [slot for slot in missing if slot not in column.table_slots]
    if missing and all(column.slots[position] in column.table_slots for position in matched):
        return 0.0
    total = sum(
        weight
        for weight, slot in zip(column.weights, column.slots, strict=True)
        if not (part.owner and slot in column.table_slots)
    )
    covered = sum(column.weights[position] * trust for position, trust in matched.items())
    strength = min(1.0, covered / max(total, 0.01))
    if missing:
        strength = 0.35 + 0.65 * strength if _only_suffix_missing(column, missing) else strength
        strength *= _missing_factor(column, matched, missing)
    return strength + (0.05 if part.owner else 0.0)


def _only_suffix_missing(column: PreparedColumn, missing: list[str]) -> bool:
    return missing == [column.slots[-1]] and missing[0] in _SUFFIXES


def _missing_factor(column: PreparedColumn, matched: dict[int, float], missing: list[str]) -> float:
    if "id" in missing:
        return scoring.MISSING_ID
    if _only_suffix_missing(column, missing):
        return scoring.MISSING_SUFFIX
    if len(column.slots) - 1 not in matched:
        return scoring.MISSING_HEAD
    return 0.95


def _tables_from(
    start: int, tokens: Sequence[Token], words: Sequence[tuple[tuple[str, float], ...]], names: NameIndex
) -> tuple[TableMention, ...]:
    partials: dict[str, tuple[PreparedTable, dict[int, float]]] = {}
    mentions: list[TableMention] = []
    for end, fresh in _grow(start, tokens):
        grown: dict[str, tuple[PreparedTable, dict[int, float]]] = {}
        for stem, trust in words[end - 1]:
            for table, position in names.tables.get(stem, ()):
                before = partials.get(table.name)
                if table.name in grown or (before is None and not fresh) or (before and position in before[1]):
                    continue
                grown[table.name] = (table, {**(before[1] if before else {}), position: trust})
        partials = grown
        if not partials:
            break
        choices = [(table.name, _table_strength(table, matched)) for table, matched in partials.values()]
        choices = [choice for choice in choices if choice[1] >= scoring.MIN_STRENGTH]
        if choices:
            mentions.append(TableMention(start, end, tuple(sorted(choices, key=lambda c: (-c[1], c[0]))[:5])))
    return tuple(reversed(mentions))


def _table_strength(table: PreparedTable, matched: dict[int, float]) -> float:
    covered = sum(matched.values()) / len(table.slots)
    if len(matched) == len(table.slots):
        return covered
    head = len(table.slots) - 1 in matched
    return (0.3 + 0.5 * covered) * (1.0 if head else 0.8)


def _values(tokens: Sequence[Token], matches: Iterable[ValueMatch]) -> dict[int, tuple[ValueMention, ...]]:
    spans: dict[tuple[int, int], dict[ColumnRef, ValueChoice]] = {}
    for match in matches:
        inside = [n for n, token in enumerate(tokens) if token.start < match.end and token.end > match.start]
        if not inside:
            continue
        span = (inside[0], inside[-1] + 1)
        ref = ColumnRef(match.table, match.column)
        known = spans.setdefault(span, {}).get(ref)
        if known is None or match.score > known.strength:
            spans[span][ref] = ValueChoice(ref, match.value, match.score)
    mentions: dict[int, list[ValueMention]] = {}
    for (start, end), choices in spans.items():
        text = " ".join(token.text for token in tokens[start:end])
        best = sorted(choices.values(), key=lambda choice: (-choice.strength, repr(choice.column)))[: scoring.MAX_CHOICES]
        mentions.setdefault(start, []).append(ValueMention(start, end, text, tuple(best)))
    return {start: tuple(sorted(found, key=lambda mention: -mention.end)) for start, found in mentions.items()}
