"""What the grammar's rules read from and write to: the tokens with their links, and a reading half way through the question.

A rule takes a `Reader` and a `State` and gives the states one step further; it never changes either.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal as OneOf

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.business_words import GivenMention, MetricMention
from mcp_gateway.ask.engine.form import Literal
from mcp_gateway.ask.engine.key_graph import KeyEdge, Tree
from mcp_gateway.ask.engine.lexicon import CUES, FILLERS, IRREGULAR_VERBS, SOFT, number_word
from mcp_gateway.ask.engine.linking import Links
from mcp_gateway.ask.engine.name_index import NameIndex
from mcp_gateway.ask.engine.periods import FoundPeriod, Times
from mcp_gateway.ask.engine.schema_index import PreparedColumn, SchemaIndex
from mcp_gateway.ask.engine.sketch import Clause, ColumnMention, Said, Sketch, TableMention, ValueMention
from mcp_gateway.ask.engine.text import Token

_FIRST_YEAR, _LAST_YEAR = 1000, 2200


@dataclass(frozen=True, slots=True)
class State:
    """A reading of tokens[:position].

    `phase` "ask": names are things wanted; "where": they are things said about rows. `negated`: what follows is denied;
    `denial` is the denying word while nothing has been denied yet, else -1.
    `column` and `entity` are what was named last, for "its", "whose" and bare predicates. `passed` counts columns named
    without effect.
    """

    position: int
    sketch: Sketch
    score: float = 0.0
    phase: OneOf["ask", "where"] = "ask"
    negated: bool = False
    denial: int = -1
    connector: OneOf["and", "or"] = "and"
    column: ColumnMention | None = None
    entity: TableMention | None = None
    unexplained: tuple[int, ...] = ()
    strengths: tuple[float, ...] = ()
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Reader:
    """The question with everything that was found in it."""

    tokens: tuple[Token, ...]
    links: Links
    schema: SchemaIndex
    names: NameIndex
    times: Times
    weights: tuple[float, ...]
    today: date | None = None
    trees: dict[frozenset[str], Tree | None] = field(default_factory=dict)
    prices: dict[KeyEdge, float] = field(default_factory=dict)
    cues: dict[int, bool] = field(default_factory=dict)
    numbers: dict[int, Literal | None] = field(default_factory=dict)

    def distance(self, left: str, right: str) -> float:
        """The cost of joining two tables; 6 when they do not hang together."""
        found = self.schema.distance(left, right)
        return 6.0 if found is None else found

    def tree(self, tables: frozenset[str]) -> Tree | None:
        """The smallest tree of joins over the tables, remembered; keys that the question speaks of are preferred."""
        if tables not in self.trees:
            self.trees[tables] = self._likeliest_tree(tables)
        return self.trees[tables]

    def _likeliest_tree(self, tables: frozenset[str]) -> Tree | None:
        """The smallest tree, or a somewhat larger one that joins nothing only over what both sides point at."""
        tree = self.schema.keys.smallest_tree(sorted(tables), self.price)
        between = meeting_points(tree, tables) if tree is not None else frozenset()
        if tree is None or not between:
            return tree

        def dearer(edge: KeyEdge) -> float:
            return self.price(edge) + (scoring.DETOUR if edge.parent[0].table in between else 0.0)

        other = self.schema.keys.smallest_tree(sorted(tables), dearer)
        if other is None or meeting_points(other, tables):
            return Tree(tree.cost + scoring.MEETING * len(between), tree.edges)
        return other

    def price(self, edge: KeyEdge) -> float:
        """A key whose column is named in the question costs a little less than its twin."""
        if edge not in self.prices:
            child = self.schema.column(edge.child[0])
            named = sum(1 for slot in child.slots if slot not in child.table_slots and any(t.stem == slot for t in self.tokens))
            self.prices[edge] = edge.cost - 0.05 * min(named, 2)
        return self.prices[edge]

    def low(self, position: int) -> str:
        """The folded word at a position; empty beyond the end."""
        return self.tokens[position].low if 0 <= position < len(self.tokens) else ""

    def columns_at(self, position: int) -> tuple[ColumnMention, ...]:
        return self.links.columns.get(position, ())

    def tables_at(self, position: int) -> tuple[TableMention, ...]:
        return self.links.tables.get(position, ())

    def values_at(self, position: int) -> tuple[ValueMention, ...]:
        return self.links.values.get(position, ())

    def prepared(self, mention: ColumnMention) -> PreparedColumn:
        """The likeliest column of a mention."""
        return self.schema.column(mention.choices[0].column)

    def skip(self, position: int, words: Iterable[str], most: int = 3) -> int:
        """The position after up to `most` of these words."""
        allowed = frozenset(words)
        end = position
        while end < len(self.tokens) and end - position < most and self.low(end) in allowed:
            end += 1
        return end

    def metrics_at(self, position: int) -> tuple[MetricMention, ...]:
        return self.links.metrics.get(position, ())

    def given_at(self, position: int) -> tuple[GivenMention, ...]:
        return self.links.given.get(position, ())

    def periods_at(self, position: int) -> tuple[FoundPeriod, ...]:
        return self.times.periods.get(position, ())

    def number_at(self, position: int) -> Literal | None:
        """The number at a position, in digits or as a word."""
        if position not in self.numbers:
            self.numbers[position] = self._number_at(position)
        return self.numbers[position]

    def _number_at(self, position: int) -> Literal | None:
        if position >= len(self.tokens):
            return None
        token = self.tokens[position]
        if token.kind == "number" and token.number is not None:
            return Literal(token.number, "number")
        word = number_word(token.low) if token.kind == "word" else None
        return None if word is None else Literal(word, "number")

    def weight(self, start: int, end: int) -> float:
        """How much the words of a stretch weigh."""
        return sum(self.weights[start:end])

    def is_cue(self, position: int) -> bool:
        """Whether a word compares, ranks, aggregates or denies."""
        if position not in self.cues:
            self.cues[position] = any(phrases.at(self.tokens, position) is not None for phrases in CUES)
        return self.cues[position]

    def is_verb(self, position: int) -> bool:
        """Whether a word has the form of a verb in the past or going on."""
        word = self.low(position)
        return word.endswith(("ed", "ing")) or word in IRREGULAR_VERBS

    def numeric(self, mention: ColumnMention) -> ColumnMention | None:
        """The mention with the choices left that can be compared with a number."""
        return self._only(mention, lambda column: column.is_numeric or column.is_year)

    def measures(self, mention: ColumnMention) -> ColumnMention | None:
        """The mention with the choices left that can be summed and averaged."""
        return self._only(mention, lambda column: column.is_numeric and not column.is_key)

    def ordered(self, mention: ColumnMention) -> ColumnMention | None:
        """The mention with the choices left that have a natural largest and smallest: numbers, years, dates."""
        return self._only(
            mention, lambda column: (column.is_numeric and not column.is_key) or column.is_year or column.is_temporal
        )

    def aged(self, mention: ColumnMention) -> ColumnMention | None:
        """The mention with the choices left that an age can be compared with: numbers, and when something began."""
        kept = tuple(c for c in mention.choices if (p := self.schema.column(c.column)).is_numeric or p.is_year or c.reverse)
        return replace(mention, choices=kept) if kept else None

    def comparable(self, mention: ColumnMention, number: Literal) -> ColumnMention | None:
        """The mention with the choices left that this number may be compared with: a date only with a year."""
        fitting = self.ordered(mention)
        if fitting is None or (isinstance(number.value, int) and _FIRST_YEAR <= number.value <= _LAST_YEAR):
            return fitting
        return self._only(fitting, lambda column: not column.is_temporal)

    def _only(self, mention: ColumnMention, fits: Callable[[PreparedColumn], bool]) -> ColumnMention | None:
        kept = tuple(choice for choice in mention.choices if fits(self.schema.column(choice.column)))
        return replace(mention, choices=kept) if kept else None


def meeting_points(tree: Tree, asked: frozenset[str]) -> frozenset[str]:
    """Tables nobody asked for at which two others meet that only point there: all students of a course's department."""
    ways: dict[str, int] = {}
    for edge in tree.edges:
        ways[edge.parent[0].table] = ways.get(edge.parent[0].table, 0) + 1
        ways[edge.child[0].table] = ways.get(edge.child[0].table, 0) - 10
    return frozenset(table for table, count in ways.items() if count > 1 and table not in asked)


def token_weight(token: Token, *, known: bool, first: bool, asked: bool = False) -> float:
    """How much must be explained of a token; `known`: something links to it; `asked`: it stands after "how"."""
    if token.kind == "mark":
        return 0.0
    if token.kind == "quoted":
        return scoring.WEIGHT_QUOTED
    if token.kind == "number":
        return scoring.WEIGHT_NUMBER
    if token.text.isupper() and len(token.text) > 1 and not first:
        return scoring.WEIGHT_PROPER
    if token.low in FILLERS and not known:
        return 0.0
    if token.low in SOFT and not known:
        return scoring.WEIGHT_SOFT
    if token.low in FILLERS or token.low in SOFT:
        return 0.4 if token.low in FILLERS else 0.6
    if asked:
        return scoring.WEIGHT_CONTENT
    if token.text[:1].isupper() and not first:
        return scoring.WEIGHT_PROPER
    if not known and token.low.endswith(("ed", "ing")):
        return scoring.WEIGHT_VERB
    return scoring.WEIGHT_CONTENT


def step(reader: Reader, state: State, end: int, sketch: Sketch, *, strength: float, cue: float = 0.0) -> State:
    """The state after tokens up to `end` were explained with this strength; `cue` is gained besides."""
    long = sum(1 for weight in reader.weights[state.position : end] if weight > 0) - 1
    gain = (
        reader.weight(state.position, end) * strength + cue + (scoring.LONG_NAME * long if strength >= 0.8 and long > 0 else 0.0)
    )
    grown = len(sketch.clauses) > len(state.sketch.clauses)
    connector = "and" if grown else state.connector
    denial = -1 if grown and state.negated else state.denial
    return State(  # spelled out, since `replace` takes several times as long and this is called most
        end,
        sketch,
        state.score + gain,
        state.phase,
        state.negated,
        denial,
        connector,
        state.column,
        state.entity,
        state.unexplained,
        (*state.strengths, strength),
        state.passed,
    )


def affirmed(state: State) -> State:
    """The state with denial ended; a denying word that denied nothing is left over and paid for."""
    if state.denial < 0:
        return replace(state, negated=False)
    unexplained = (*state.unexplained, state.denial)
    return replace(state, negated=False, denial=-1, unexplained=unexplained, score=state.score - scoring.COST_DENIAL)


def said(state: State, what: Said, position: int, *, negated: bool | None = None) -> Sketch:
    """The sketch with one more clause, tied on as the state says."""
    clause = Clause(what, position, state.connector, state.negated if negated is None else negated)
    return replace(state.sketch, clauses=(*state.sketch.clauses, clause))
