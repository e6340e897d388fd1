"""Stretches of a question that name a column or a table: by stems, synonyms (trusted less), in any order, a few words missing."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import ColumnRef
from mcp_gateway.ask.engine.lexicon import ASK_WORDS, FILLERS, SOFT
from mcp_gateway.ask.engine.name_index import NameIndex
from mcp_gateway.ask.engine.schema_index import PreparedColumn, PreparedTable
from mcp_gateway.ask.engine.sketch import Choice, ColumnMention, TableMention
from mcp_gateway.ask.engine.synonyms import kin_of
from mcp_gateway.ask.engine.text import Token, stem_of

_BRIDGES = frozenset({"of", "the", "'s", "-", "in", "per", "a", "for", "'", "to", "_", "on"})
_MEASURES = frozenset({"minimum", "maximum", "averag", "total", "min", "max"})
_SUFFIXES = frozenset({"name", "code", "titl", "descript", "detail", "number", "type"})
_UNRENAMED = frozenset(
    {"number", "numbers", "count", "amount", "total", "quantity", "list", "name", "names", "id", "type", "one", "many", "time"}
)
_MAX_WORDS = 5
_DOER = re.compile(r"(?:er|or|ee)s?$")


def column_mentions(
    start: int, tokens: Sequence[Token], words: Sequence[tuple[tuple[str, float], ...]], names: NameIndex
) -> tuple[ColumnMention, ...]:
    """All stretches that begin at a token and name columns, longest first."""
    glued = _glued_columns(start, tokens, names)
    if _says_when(start, tokens) and tokens[start].low not in names.column_names:
        return tuple(mention for mention in columns_from(start, tokens, words, names) if mention.end > start + 1)
    if tokens[start].low in FILLERS and tokens[start].stem not in names.columns:
        return glued
    return longest_first((*columns_from(start, tokens, words, names), *_renamed_from(start, tokens, names), *glued))


def _says_when(start: int, tokens: Sequence[Token]) -> bool:
    """Whether "first" or "last" stands for no name: "hired last", not "first and last name"."""
    follower = tokens[start + 1].low if start + 1 < len(tokens) else ""
    return tokens[start].low in {"first", "last"} and follower not in {"and", "or", ",", "/", "&"}


def table_mentions(
    start: int, tokens: Sequence[Token], nouns: Sequence[tuple[tuple[str, float], ...]], names: NameIndex
) -> tuple[TableMention, ...]:
    """All stretches that begin at a token and name tables."""
    if tokens[start].low in FILLERS and tokens[start].stem not in names.columns:
        return ()
    return (*_glued_tables(start, tokens, names), *tables_from(start, tokens, nouns, names))


def _of_doers(choices: list[tuple[str, float]], token: Token) -> list[tuple[str, float]]:
    """What is done hardly names who does it: "borrowed" speaks of loans rather than of borrowers."""
    if _DOER.search(token.low):
        return choices
    return [(name, strength * scoring.DOER_BY_VERB if _does(name, token) else strength) for name, strength in choices]


def _does(table: str, token: Token) -> bool:
    """Whether a table's name is a word in -er or -or of the same stem."""
    name = re.split(r"[^a-z]+", table.lower())[-1]
    return bool(_DOER.search(name)) and stem_of(name) == token.stem and not _DOER.search(token.stem)


def longest_first(mentions: tuple[ColumnMention, ...]) -> tuple[ColumnMention, ...]:
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


def stems_for(token: Token, *, nouns_only: bool = False) -> tuple[tuple[str, float], ...]:
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

    @property
    def exact(self) -> bool:
        """Whether some word of the name was said itself, not by a synonym."""
        return any(trust >= scoring.TRUST_EXACT for _, trust in self.trusts)


def columns_from(
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
        linked = [(column.ref, _column_strength(column, part), part) for column, part in partials.values()]
        if end == start + 1 and any(strength >= 0.99 for _, strength, _ in linked):
            # A column called just so is not another one by a synonym alone.
            linked = [(ref, strength, part) for ref, strength, part in linked if part.exact]
        choices = [Choice(ref, strength) for ref, strength, _ in linked if strength > 0]
        if end == start + 1 and tokens[start].stem == "name":
            choices = _with_labels(choices, names)
        if end == start + 1:
            choices = _with_written_name(tokens[start], choices, names)
        least = _least(tokens[start:end], 0.6)
        choices = [choice for choice in choices if choice.strength >= least]
        if choices:
            best = sorted(choices, key=lambda choice: (-choice.strength, repr(choice.column)))[: scoring.MAX_CHOICES]
            if end > start + 1 and best[0].strength >= 0.99:
                # A name of several words found letter for letter is not meant for one that needs synonyms.
                best = [choice for choice in best if choice.strength >= 0.95]
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
        (token.low in ASK_WORDS and token.low != "name")
        or token.stem in {"list", "show", "give", "find"}
        or token.low.endswith(("ing", "ed"))
        for token in span
    )
    return 0.97 if asks else soft


def _is_bridge(token: Token) -> bool:
    return token.low in _BRIDGES


def _with_labels(choices: list[Choice], names: NameIndex) -> list[Choice]:
    """ "name" also means what shows people which row it is, where a table has no column of that name."""
    known = {choice.column.table for choice in choices if choice.strength >= scoring.LABEL_AS_NAME}
    labels = set(names.labels)
    choices = [
        replace(choice, strength=scoring.LABEL_AS_NAME)
        if choice.column in labels and choice.column.table not in known
        else choice
        for choice in choices
    ]
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
    covered = sum(
        column.weights[position] * trust
        for position, trust in matched.items()
        if not (part.owner and column.slots[position] in column.table_slots)
    )
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


def tables_from(
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
        if end == start + 1:
            choices = _of_doers(choices, tokens[start])
        least = _least(tokens[start:end], 0.5)
        if any(strength >= 0.99 for _, strength in choices):
            # A table called just so is not another one by a synonym or by half its name.
            least = max(least, 0.9)
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
