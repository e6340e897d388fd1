"""Values that are not in the index, asked of the database itself: every column that the index could not take whole.

Three questions per column, each only when it is still needed: is a stretch of the text a value (equality, without case)? Does a
value contain one of its telling words? Which values begin like a word that may be misspelt? What comes back is judged by the same
search as everything else.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlglot import exp

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Column, Table
from mcp_gateway.tables.model import Limits, ValueMatch
from mcp_gateway.tables.ports import Database
from mcp_gateway.tables.statements import column_ref, table_ref
from mcp_gateway.tables.values.index import ValueIndex
from mcp_gateway.tables.values.search import Query, search
from mcp_gateway.tables.values.words import COMMON_WORDS, STOP_WORDS, fold, stem

_log = structlog.get_logger(__name__)

_MAX_STRETCHES: Final = 200
_LONGEST_STRETCH: Final = 8
_MAX_TELLING_WORDS: Final = 6
_LONGEST_TELLING: Final = 60
_MAX_VALUES: Final = 200
_MAX_BEGINNINGS: Final = 2_000
# A longer text is no value anybody filters by; it is found by searching the column in SQL.
_LONGEST_VALUE: Final = 2_000
_CELL_BYTES: Final = 4 * _LONGEST_VALUE
_AT_A_TIME: Final = 3
# Enough for what three columns give back; thrown away after the search.
_SMALL_INDEX_BYTES: Final = 8 * 1024 * 1024
_ESCAPE: Final = "!"


@dataclass(frozen=True, slots=True)
class Place:
    """A text column to look in."""

    table: Table
    column: Column


async def look_up(
    database: Database, clock: Clock, places: Sequence[Place], query: Query, *, seconds: float
) -> tuple[list[ValueMatch], bool]:
    """Matches from these columns, and whether every one of them answered within `seconds`."""
    deadline = clock.monotonic() + seconds
    turns = asyncio.Semaphore(_AT_A_TIME)

    async def one(place: Place) -> tuple[list[ValueMatch], bool]:
        async with turns:
            left = deadline - clock.monotonic()
            if left <= 0:
                return [], False
            try:
                return await _look_in(database, clock, place, query, deadline), True
            except GatewayError as error:
                _log.info("value_look_up_failed", table=place.table.name, column=place.column.name, code=error.code)
                return [], False

    results = await asyncio.gather(*(one(place) for place in places))
    return [match for matches, _ in results for match in matches], all(complete for _, complete in results)


async def _look_in(database: Database, clock: Clock, place: Place, query: Query, deadline: float) -> list[ValueMatch]:
    values: dict[str, None] = {}
    telling = _telling_words(query)
    for condition, most in (
        (_is_a_stretch(place, query, database.dialect), _MAX_VALUES),
        (_contains(place, telling), _MAX_VALUES),
        (_begins_like(place, telling), _MAX_BEGINNINGS),
    ):
        if condition is None:
            continue
        values.update(dict.fromkeys(await _values_where(database, place, condition, most, deadline - clock.monotonic())))
        matches = _judge(place, values, query)
        spoken_for = {word for match in matches for word in _words_in(query, match)}
        telling = [word for word in telling if word not in spoken_for]
        if not telling:
            return matches
    return _judge(place, values, query)


def _judge(place: Place, values: dict[str, None], query: Query) -> list[ValueMatch]:
    index = ValueIndex(_SMALL_INDEX_BYTES, longest_value=_LONGEST_VALUE)
    index.add_column(place.table.name, place.column.name, values, complete=False)
    index.prepare()
    return search(index, query)


async def _values_where(database: Database, place: Place, condition: exp.Expr, most: int, seconds: float) -> list[str]:
    statement = (
        exp.select(column_ref(place.column.name))
        .distinct()
        .from_(table_ref(place.table.name, database.dialect))
        .where(condition)
        .limit(most)
    )
    limits = Limits(max_rows=most, max_cell_bytes=_CELL_BYTES, timeout_seconds=max(seconds, 0.01))
    raw = await database.run(statement.sql(dialect=database.dialect), limits)
    return [row[0] for row in raw.rows if isinstance(row[0], str) and len(row[0]) <= _LONGEST_VALUE]


def _is_a_stretch(place: Place, query: Query, dialect: str) -> exp.Expr | None:
    stretches: dict[str, None] = {}
    words = query.words
    for length in range(min(_LONGEST_STRETCH, len(words)), 0, -1):
        for first in range(len(words) - length + 1):
            edges = first, first + length - 1
            if not query.is_term and any(words[edge].folded in STOP_WORDS and not query.is_named(edge) for edge in edges):
                continue
            for written in _spellings(query.text, words[first].start, words[first + length - 1].end):
                stretches[fold(written) if dialect == "duckdb" else written.lower()] = None
    if not stretches:
        return None
    values: list[exp.Expr] = [exp.Literal.string(text) for text in list(stretches)[:_MAX_STRETCHES]]
    return exp.In(this=_folded(place, dialect), expressions=values)


def _spellings(text: str, start: int, end: int) -> set[str]:
    """The stretch, and the same with the signs around it ("C++", "(none)")."""
    wide_start, wide_end = start, end
    while wide_start > 0 and not text[wide_start - 1].isspace() and not text[wide_start - 1].isalnum():
        wide_start -= 1
    while wide_end < len(text) and not text[wide_end].isspace() and not text[wide_end].isalnum():
        wide_end += 1
    return {text[start:end], text[wide_start:wide_end], text[start:wide_end], text[wide_start:wide_end].rstrip(".,;:?!")}


def _contains(place: Place, words: Sequence[str]) -> exp.Expr | None:
    return _any_like([(f"%{_escaped(word)}%") for word in words], place)


def _begins_like(place: Place, words: Sequence[str]) -> exp.Expr | None:
    """The first three letters of the value or of a later word of it."""
    starts = [_escaped(word[:3]) for word in words]
    return _any_like([pattern for start in starts for pattern in (f"{start}%", f"% {start}%")], place)


def _any_like(patterns: Sequence[str], place: Place) -> exp.Expr | None:
    if not patterns:
        return None
    conditions: list[exp.Expr] = [
        exp.Escape(
            this=exp.Like(this=_folded(place, ""), expression=exp.Literal.string(pattern)), expression=exp.Literal.string(_ESCAPE)
        )
        for pattern in patterns
    ]
    return exp.or_(*conditions)


def _folded(place: Place, dialect: str) -> exp.Expr:
    """The column in lower case; without accents where the engine can."""
    text = exp.cast(column_ref(place.column.name), exp.DataType.Type.TEXT)
    lower = exp.Lower(this=text)
    return exp.Anonymous(this="strip_accents", expressions=[lower]) if dialect == "duckdb" else lower


def _escaped(word: str) -> str:
    return "".join(_ESCAPE + letter if letter in "%_!" else letter for letter in word)


def _telling_words(query: Query) -> list[str]:
    """The longest words that are no everyday word and no name of the schema."""
    words = {
        word.folded
        for word in query.words
        if 4 <= len(word.folded) <= _LONGEST_TELLING
        and (
            query.is_term
            or not (word.folded in COMMON_WORDS or word.folded in query.schema_words or stem(word.folded) in query.schema_words)
        )
    }
    return sorted(words, key=lambda word: (-len(word), word))[:_MAX_TELLING_WORDS]


def _words_in(query: Query, match: ValueMatch) -> list[str]:
    return [word.folded for word in query.words if match.start <= word.start and word.end <= match.end]
