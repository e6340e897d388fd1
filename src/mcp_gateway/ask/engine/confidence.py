"""How likely a reading is right: a few signals weighed by fixed numbers, fitted once on development databases.

A content word that the reading makes no use of (a noun, name, number, denial or comparison) keeps the confidence below
`scoring.THRESHOLD`, whatever else speaks for it. The numbers stand in `scoring.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.form import Aggregate, ColumnRef, Comparison, DateRange, Query, Select, Truncation
from mcp_gateway.ask.engine.form_walk import nodes
from mcp_gateway.ask.engine.grammar.doers import asks_what_somebody_did
from mcp_gateway.ask.engine.grammar.reader import Reader, State
from mcp_gateway.ask.engine.lexicon import COMPARATORS
from mcp_gateway.ask.engine.people import people_tables, shows_people
from mcp_gateway.ask.engine.schema_index import SchemaIndex

_BEFORE_A_NOUN = frozenset("the all our my their of many every each any no list show find count me and or".split())


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known about a reading. Weights are in content words (`scoring.WEIGHT_CONTENT`).

    `lead`: by how much it beats the next different form, 0..1. `unused`: content words left over that must not be.
    `loose`: the weight of all words left over; `words`: of the whole question. `mean`: average strength of the links.
    `business`: the glossary knows words of the question.
    `gain`: the reading's score for each content word. `joins`, `parts`: size of the form.
    """

    lead: float
    unused: int
    loose: float
    mean: float
    gain: float
    joins: int
    parts: int
    words: float
    business: bool = False


def signals_of(reader: Reader, state: State, query: Query, *, lead: float, score: float) -> Signals:
    """The signals of one reading with its score and its lead before the next."""
    strengths = state.strengths or (0.0,)
    selects = _selects(query)
    words = sum(reader.weights)
    return Signals(
        lead=min(lead, 1.0),
        unused=len(unused_words(reader, state)) + (1 if is_amiss(reader, query) else 0),
        loose=sum(reader.weights[position] for position in state.unexplained) + scoring.PASSED_OVER * state.passed,
        mean=sum(strengths) / len(strengths),
        gain=min(score / max(words, 0.5), 2.5),
        joins=sum(len(select.joins) for select in selects),
        parts=sum(len(s.where) + len(s.having) + len(s.group_by) + len(s.order_by) + len(s.targets) for s in selects),
        words=words,
        business=bool(reader.links.metrics or reader.links.given),
    )


def unused_words(reader: Reader, state: State) -> tuple[int, ...]:
    """The positions of content words a reading leaves over: all but verbs and words that questions are full of."""
    left = tuple(position for position in state.unexplained if _matters(reader, position))
    asked = any(wanted.position == 0 for wanted in state.sketch.wanted)
    begun = state.sketch.limit is not None and not state.sketch.rankings
    if 0 not in left and ((reader.low(0) in {"where", "when"} and not asked) or begun):
        return (0, *left)
    return left


def _matters(reader: Reader, position: int) -> bool:
    """Whether a word may not be left over; a verb may not where it says what a number is about ("weighing over 3")."""
    if reader.weights[position] >= scoring.MUST_BE_USED or reader.is_cue(position) or _narrows(reader, position):
        return True
    after = COMPARATORS.at(reader.tokens, position + 1)
    return reader.is_verb(position) and (after is not None or reader.number_at(position + 1) is not None)


def _narrows(reader: Reader, position: int) -> bool:
    """Whether a participle says which rows are meant: "churned customers", "the number of cancelled orders"."""
    begins = position == 0 or reader.low(position - 1) in _BEFORE_A_NOUN
    return begins and reader.low(position).endswith("ed") and position + 1 in reader.links.tables


def counts_itself(query: Query, schema: SchemaIndex) -> bool:
    """Whether rows are counted within groups of one row each, so that every count is 1."""
    if not isinstance(query, Select) or query.joins or not query.group_by:
        return False
    counted = [*(target.expression for target in query.targets), *(order.expression for order in query.order_by)]
    key = schema.tables[query.base.table].key
    alone = bool(key) and set(key) <= set(query.group_by)
    return alone and any(isinstance(each, Aggregate) and each.function == "count" for each in counted)


def is_amiss(reader: Reader, query: Query) -> bool:
    """Whether a reading cannot be what was asked, although it uses every word."""
    amiss = shows_nobody(reader, query) or counts_nothing(query, reader.schema) or says_back(query) or _groups_all(query)
    return amiss or _picks_a_date(reader, query) or _hides_the_moment(reader, query)


def _groups_all(query: Query) -> bool:
    """Whether every column of grouped rows is to be shown, which most databases refuse."""
    return isinstance(query, Select) and not query.targets and bool(query.group_by)


def _hides_the_moment(reader: Reader, query: Query) -> bool:
    """Whether "when" is answered without any date, year or time."""
    if reader.low(0) != "when" or not isinstance(query, Select):
        return False
    refs = (node for target in query.targets for node in nodes(target.expression) if isinstance(node, ColumnRef))
    return not any((column := reader.schema.column(ref)).is_temporal or column.is_year for ref in refs)


def _picks_a_date(reader: Reader, query: Query) -> bool:
    """Whether figures go by one of several dates of a table that the question does not speak of."""
    moments = {
        node.operand
        for node in nodes(query)
        if isinstance(node, Truncation | DateRange) and isinstance(node.operand, ColumnRef) and node.operand.instance == 0
    }
    spoken = {name for many in reader.links.tables.values() for mention in many for name, _ in mention.choices}
    stems = {token.stem for token in reader.tokens}
    for moment in moments - {None}:
        table = reader.schema.tables[moment.table]
        dates = [column for column in table.columns if column.is_temporal]
        metric = any(moment.table in found.metric.tables for many in reader.links.metrics.values() for found in many)
        said = stems.intersection(reader.schema.column(moment).slots)
        if len(dates) > 1 and moment.table not in spoken and not said and not metric:
            return True
    return False


def says_back(query: Query) -> bool:
    """Whether nothing is shown but what the question itself says ("the names of those called Kyle")."""
    if not isinstance(query, Select) or query.group_by or not query.targets:
        return False
    given = {each.left for each in query.where if isinstance(each, Comparison) and each.operator == "="}
    said = {each for each in given if isinstance(each, ColumnRef)}
    return all(target.expression in said for target in query.targets)


def counts_nothing(query: Query, schema: SchemaIndex) -> bool:
    """Whether groups of one row each are kept by how many rows they have."""
    if not isinstance(query, Select) or query.joins or not query.having:
        return False
    key = schema.tables[query.base.table].key
    counts = any(isinstance(node, Aggregate) and node.operand is None for node in nodes(query.having))
    return counts and bool(key) and set(key) <= set(query.group_by)


def shows_nobody(reader: Reader, query: Query) -> bool:
    """Whether a question for somebody is answered with nobody's name, or one for what they took with rows about that."""
    if asks_what_somebody_did(reader):
        return isinstance(query, Select) and not query.targets
    if reader.low(0) not in {"who", "whom"} or not people_tables(reader.schema):
        return False
    return not shows_people(query, reader.schema, {token.stem for token in reader.tokens})


def _selects(query: Query) -> Sequence[Select]:
    if isinstance(query, Select):
        return (query,)
    return (*_selects(query.left), *_selects(query.right))


def confidence(signals: Signals) -> float:
    """0..1; below the threshold for certain when a content word was left over."""
    total = (
        scoring.CONFIDENCE_BASE
        + scoring.CONFIDENCE_LEAD * signals.lead
        - scoring.CONFIDENCE_LOOSE * signals.loose
        + scoring.CONFIDENCE_MEAN * signals.mean
        + scoring.CONFIDENCE_GAIN * signals.gain
        - scoring.CONFIDENCE_JOINS * signals.joins
        - scoring.CONFIDENCE_PARTS * signals.parts
        - scoring.CONFIDENCE_WORDS * signals.words
        + (scoring.CONFIDENCE_BUSINESS if signals.business else 0.0)
    )
    plain = 1.0 / (1.0 + exp(-total))
    return plain if not signals.unused else min(plain, scoring.THRESHOLD * 0.9) * 0.8 ** (signals.unused - 1)
