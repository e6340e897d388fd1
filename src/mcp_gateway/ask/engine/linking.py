"""Which stretches of a question name a table, a column or a stored value, and how strongly.

A name matches by its words: stems, synonyms (trusted less), any order, a few missing. Nothing is decided here: each stretch
keeps every choice, and stretches may overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.business_words import BusinessLinks, GivenMention, MetricMention
from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.lexicon import ASK_WORDS, FILLERS, SOFT, number_word
from mcp_gateway.ask.engine.schema_index import PreparedColumn, PreparedTable, SchemaIndex
from mcp_gateway.ask.engine.sketch import Choice, ColumnMention, TableMention, ValueChoice, ValueMention
from mcp_gateway.ask.engine.synonyms import kin_of
from mcp_gateway.ask.engine.text import Token, stem_of
from mcp_gateway.ask.model import ValueMatch

_BRIDGES = frozenset({"of", "the", "'s", "-", "in", "per", "a", "for", "'", "to", "_", "on"})
_MEASURES = frozenset({"minimum", "maximum", "averag", "total", "min", "max"})
_SUFFIXES = frozenset({"name", "code", "titl", "descript", "detail", "number", "type"})
_UNRENAMED = frozenset(
    {"number", "numbers", "count", "amount", "total", "quantity", "list", "name", "names", "id", "type", "one", "many", "time"}
)
_MAX_WORDS = 5


@dataclass(frozen=True, slots=True)
class Links:
    """Mentions by the token they begin at, longest first."""

    columns: dict[int, tuple[ColumnMention, ...]]
    tables: dict[int, tuple[TableMention, ...]]
    values: dict[int, tuple[ValueMention, ...]]
    metrics: dict[int, tuple[MetricMention, ...]] = field(default_factory=dict)
    given: dict[int, tuple[GivenMention, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class NameIndex:
    """Stem -> names that have it. Made once per schema."""

    columns: dict[str, list[tuple[PreparedColumn, int]]] = field(default_factory=dict)
    tables: dict[str, list[tuple[PreparedTable, int]]] = field(default_factory=dict)
    column_names: dict[str, list[PreparedColumn]] = field(default_factory=dict)
    columns_of_table_word: dict[str, list[PreparedColumn]] = field(default_factory=dict)
    labels: list[ColumnRef] = field(default_factory=list)
    table_aliases: dict[str, list[PreparedTable]] = field(default_factory=dict)

    def add_alias(self, schema: SchemaIndex, table: PreparedTable, child: ColumnRef) -> None:
        """What a key that points at a table calls it ("student_id" calls its rows students)."""
        slots = schema.columns[child].slots
        taken = any(slots[0] in other.slots for other in schema.tables.values())
        if len(slots) == 2 and slots[1] in {"id", "code", "number"} and not taken:
            known = self.table_aliases.setdefault(slots[0], [])
            if table not in known:
                known.append(table)


def index_names(schema: SchemaIndex) -> NameIndex:
    """The look-up tables of a prepared schema."""
    index = NameIndex()
    for table in schema.tables.values():
        for position, slot in enumerate(table.slots):
            index.tables.setdefault(slot, []).append((table, position))
            if position == len(table.slots) - 1:
                index.columns_of_table_word.setdefault(slot, []).extend(table.columns)
        if table.labels and table.labels[0] not in table.key and not schema.column(table.labels[0]).is_key:
            index.labels.append(table.labels[0])
        for edge in schema.keys.edges_of.get(table.name, ()):
            if edge.parent[0].table == table.name:
                index.add_alias(schema, table, edge.child[0])
        for column in table.columns:
            index.column_names.setdefault(column.column.name.lower(), []).append(column)
            for position, slot in enumerate(column.slots):
                index.columns.setdefault(slot, []).append((column, position))
    return index


def link(
    tokens: Sequence[Token],
    names: NameIndex,
    values: Iterable[ValueMatch],
    business: BusinessLinks,
    implied: Iterable[ValueMention] = (),
) -> Links:
    """All mentions in a question; `implied` are values that words stand for."""
    columns: dict[int, tuple[ColumnMention, ...]] = {}
    tables: dict[int, tuple[TableMention, ...]] = {}
    words = [_stems(token) for token in tokens]
    nouns = [_stems(token, nouns_only=True) for token in tokens]
    for start, token in enumerate(tokens):
        if token.kind != "word":
            continue
        if token.low in FILLERS and token.stem not in names.columns:
            glued = _glued_columns(start, tokens, names)
            if glued:
                columns[start] = glued
            continue
        found_columns = _longest_first(
            (
                *_columns_from(start, tokens, words, names),
                *_renamed_from(start, tokens, names),
                *_glued_columns(start, tokens, names),
            )
        )
        if found_columns:
            columns[start] = found_columns
        found_tables = (*_glued_tables(start, tokens, names), *_tables_from(start, tokens, nouns, names))
        if found_tables:
            tables[start] = found_tables
    stored = _values(tokens, values)
    for start, many in business.columns.items():
        columns[start] = _longest_first((*many, *columns.get(start, ())))
    for start, named in business.tables.items():
        tables[start] = (*named, *tables.get(start, ()))
    for start, known in business.values.items():
        stored[start] = (*known, *(other for other in stored.get(start, ()) if other.end > known[0].end))
    for mention in implied:
        if not any(other.end >= mention.end for other in stored.get(mention.start, ())):
            stored[mention.start] = (mention, *stored.get(mention.start, ()))
    metrics = {start: tuple(many) for start, many in business.metrics.items()}
    for start, named_metrics in metrics.items():
        if start and tokens[start - 1].low in {"average", "mean", "avg"}:
            continue
        for place in range(start, named_metrics[0].end):
            columns[place] = tuple(m for m in columns.get(place, ()) if m.end > named_metrics[0].end)
            tables[place] = tuple(m for m in tables.get(place, ()) if m.end > named_metrics[0].end)
    return Links(columns, tables, stored, metrics, {start: tuple(many) for start, many in business.given.items()})


def _longest_first(mentions: tuple[ColumnMention, ...]) -> tuple[ColumnMention, ...]:
    """One mention a stretch, the longest stretch first."""
    by_end: dict[int, ColumnMention] = {}
    for mention in mentions:
        known = by_end.get(mention.end)
        by_end[mention.end] = mention if known is None else _merged(known, mention)
    return tuple(sorted(by_end.values(), key=lambda mention: -mention.end))


def _merged(first: ColumnMention, second: ColumnMention) -> ColumnMention:
    best: dict[ColumnRef, Choice] = {}
    for choice in (*first.choices, *second.choices):
        if choice.column not in best or best[choice.column].strength < choice.strength:
            best[choice.column] = choice
    ordered = sorted(best.values(), key=lambda choice: (-choice.strength, repr(choice.column)))
    return ColumnMention(first.start, first.end, tuple(ordered[: scoring.MAX_CHOICES]))


def _renamed_from(start: int, tokens: Sequence[Token], names: NameIndex) -> tuple[ColumnMention, ...]:
    """Columns whose name is another way to say a phrase of one to three words, where either has several words."""
    mentions = []
    for end in range(start + 1, min(start + 4, len(tokens) + 1)):
        if any(token.kind != "word" for token in tokens[start:end]):
            break
        choices: dict[ColumnRef, Choice] = {}
        for kin in kin_of(" ".join(token.low for token in tokens[start:end])):
            if (len(kin.stems) == 1 and end == start + 1) or kin.kind not in {"noun", "ask"}:
                continue
            for choice in _named_with(kin.stems, kin.trust, names):
                choices.setdefault(choice.column, choice)
        if choices:
            best = sorted(choices.values(), key=lambda choice: (-choice.strength, repr(choice.column)))
            mentions.append(ColumnMention(start, end, tuple(best[: scoring.MAX_CHOICES])))
    return tuple(mentions)


def _glued(start: int, tokens: Sequence[Token]) -> str | None:
    """Two words written as one ("high schoolers" for highschooler)."""
    if start + 1 >= len(tokens) or tokens[start].kind != "word" or tokens[start + 1].kind != "word":
        return None
    return stem_of(tokens[start].low + tokens[start + 1].low)


def _glued_tables(start: int, tokens: Sequence[Token], names: NameIndex) -> tuple[TableMention, ...]:
    found = names.tables.get(_glued(start, tokens) or "", ())
    return (TableMention(start, start + 2, tuple((table.name, 1.0 / len(table.slots)) for table, _ in found)),) if found else ()


def _glued_columns(start: int, tokens: Sequence[Token], names: NameIndex) -> tuple[ColumnMention, ...]:
    found = names.columns.get(_glued(start, tokens) or "", ())
    choices = tuple(Choice(column.ref, 1.0 / len(column.slots)) for column, _ in found[: scoring.MAX_CHOICES])
    return (ColumnMention(start, start + 2, choices),) if choices else ()


def _named_with(stems: tuple[str, ...], trust: float, names: NameIndex) -> Iterable[Choice]:
    """Columns that have all these words in their name."""
    for column, position in names.columns.get(stems[0], ()):
        places = [position, *(column.slots.index(stem) for stem in stems[1:] if stem in column.slots)]
        if len(places) == len(stems):
            strength = _column_strength(column, _Partial(tuple((place, trust) for place in dict.fromkeys(places))))
            if strength >= scoring.MIN_STRENGTH:
                yield Choice(column.ref, strength)


def measured_by(words: str, names: NameIndex) -> tuple[Choice, ...]:
    """The number and date columns an adjective speaks of: `words` name them, best first, "-" turns the order round."""
    choices: dict[ColumnRef, Choice] = {}
    for rank, word in enumerate(words.split()):
        reverse, plain = word.startswith("-"), stem_of(word.lstrip("-"))
        for column, position in names.columns.get(plain, ()):
            if not (column.is_numeric or column.is_temporal or column.is_year) or column.ref in choices:
                continue
            if column.is_key or ("birth" in column.slots and plain not in {"birth", "age"}):
                continue
            head = 1.0 if position == len(column.slots) - 1 else 0.85
            share = column.weights[position] / sum(column.weights)
            choices[column.ref] = Choice(column.ref, (0.9 - 0.03 * rank) * head * (0.6 + 0.4 * share), reverse)
    return tuple(sorted(choices.values(), key=lambda choice: -choice.strength)[: scoring.MAX_CHOICES])


def named_by(words: str, names: NameIndex) -> tuple[Choice, ...]:
    """The columns of any kind that one of the words names, best first."""
    choices: dict[ColumnRef, Choice] = {}
    for rank, word in enumerate(words.split()):
        for column, position in names.columns.get(stem_of(word), ()):
            if column.ref not in choices and not column.is_key:
                head = 1.0 if position == len(column.slots) - 1 else 0.85
                choices[column.ref] = Choice(column.ref, (0.9 - 0.05 * rank) * head)
    return tuple(sorted(choices.values(), key=lambda choice: -choice.strength)[: scoring.MAX_CHOICES])


def _stems(token: Token, *, nouns_only: bool = False) -> tuple[tuple[str, float], ...]:
    """The stems a word may match by, with the trust in each."""
    if token.kind == "number":
        return ((token.low, 1.0),)
    if token.kind != "word":
        return ()
    found = {token.stem: scoring.TRUST_EXACT}
    for kin in () if token.low in _UNRENAMED else kin_of(token.low):
        if len(kin.stems) == 1 and kin.kind in (("noun", "verb") if nouns_only else ("noun",)):
            found.setdefault(kin.stems[0], kin.trust)
    return tuple(found.items())


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
        if not partials and not (fresh and tokens[start].low in names.column_names):
            break
        choices = [
            Choice(column.ref, strength) for column, part in partials.values() if (strength := _column_strength(column, part)) > 0
        ]
        if end == start + 1 and tokens[start].stem == "name":
            choices = _with_labels(choices, names)
        if end == start + 1:
            choices = _with_written_name(tokens[start], choices, names)
        least = _least(tokens[start:end], 0.6)
        choices = [choice for choice in choices if choice.strength >= least]
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


def _least(span: Sequence[Token], soft: float) -> float:
    """How strong a name must be: more when all its words are such as questions are full of anyway."""
    if not all(token.low in FILLERS or token.low in SOFT for token in span):
        return scoring.MIN_STRENGTH
    asks = any(
        token.low in ASK_WORDS or token.stem in {"list", "show", "give", "find"} or token.low.endswith(("ing", "ed"))
        for token in span
    )
    return 0.97 if asks else soft


def _is_bridge(token: Token) -> bool:
    return token.low in _BRIDGES


def _with_labels(choices: list[Choice], names: NameIndex) -> list[Choice]:
    """ "name" also means what shows people which row it is, where a table has no column of that name."""
    known = {choice.column.table for choice in choices if choice.strength >= scoring.LABEL_AS_NAME}
    return choices + [
        Choice(ref, scoring.LABEL_AS_NAME)
        for ref in names.labels
        if ref.table not in known and all(c.column != ref for c in choices)
    ]


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
            if column.ref in grown or (before is None and not fresh) or (bridged and not _possessive(before)):
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
    if _MEASURES.intersection(missing):
        return scoring.MISSING_MEASURE
    if all(slot in column.table_slots for slot in missing):
        return 0.97
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
        if not partials and not fresh:
            break
        choices = [
            (table.name, _table_strength(table, matched))
            for table, matched in partials.values()
            if len(matched) == len(table.slots) or max(matched.values()) > scoring.VERB_TRUST
        ]
        if fresh:
            known = {name for name, _ in choices}
            aliases = names.table_aliases.get(tokens[start].stem, ())
            choices += [(table.name, scoring.TABLE_ALIAS) for table in aliases if table.name not in known]
        least = _least(tokens[start:end], 0.5)
        choices = [choice for choice in choices if choice[1] >= least]
        if choices:
            mentions.append(TableMention(start, end, tuple(sorted(choices, key=lambda c: (-c[1], c[0]))[:5])))
    return tuple(reversed(mentions))


def _table_strength(table: PreparedTable, matched: dict[int, float]) -> float:
    covered = sum(matched.values()) / len(table.slots)
    if len(matched) == len(table.slots):
        return covered
    head = len(table.slots) - 1 in matched
    return (0.3 + 0.5 * covered) * (1.0 if head else 0.8)


def _value_strength(span: Sequence[Token], match: ValueMatch) -> float:
    """How far a stored value may be trusted to be meant: plain words and half matches less than names and quoted text."""
    first = span[0]
    if all(token.low in FILLERS or token.kind == "mark" for token in span) and not any(token.kind == "quoted" for token in span):
        return 0.0 if len(span) > 1 or first.low == first.text or len(first.text) < 2 else 0.4
    marked = any(token.kind in {"quoted", "number"} or token.text[:1].isupper() for token in span)
    strength = match.score
    if match.how in {"prefix", "contains", "fuzzy"}:
        strength *= 0.85 if marked else 0.0
    if len(span) == 1 and (first.kind == "number" or number_word(first.low) is not None):
        return strength * 0.6
    if len(span) == 1 and not marked and first.low in SOFT:
        return strength * 0.5
    return strength if marked else strength * 0.95


def _values(tokens: Sequence[Token], matches: Iterable[ValueMatch]) -> dict[int, tuple[ValueMention, ...]]:
    spans: dict[tuple[int, int], dict[ColumnRef, ValueChoice]] = {}
    for match in matches:
        inside = [n for n, token in enumerate(tokens) if token.start < match.end and token.end > match.start]
        if not inside:
            continue
        span = (inside[0], inside[-1] + 1)
        ref = ColumnRef(match.table, match.column)
        strength = _value_strength(tokens[span[0] : span[1]], match)
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
