"""The step "resolve": what the words of a question stand for, by whose word, and which stored values stand in it.

Business words are looked up in all servers' vocabularies (`word_index.py`), and who may say what a word means is `claims.py`; a
conflict between servers is written to the log. Values come from the database's server (`find_values.py`).
"""

from dataclasses import dataclass

import structlog

from mcp_gateway.ask.claims import Claim, Item, claims_of, judge, key_of
from mcp_gateway.ask.documents import Remembered
from mcp_gateway.ask.engine.text import stem_of
from mcp_gateway.ask.errors import UpstreamToolError
from mcp_gateway.ask.find_values import find_values
from mcp_gateway.ask.model import Resolution, ResolvedEntity, ValueMatch
from mcp_gateway.ask.ports import Gathered
from mcp_gateway.ask.servers import Servers
from mcp_gateway.ask.word_index import Found, WordIndex
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Entity, Expression, Metric, Period, Term

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Words:
    """Everything sayable, prepared. `gathered` keeps alive what the key's identities stand for."""

    claims: dict[str, list[Claim]]
    index: WordIndex
    ordinary: frozenset[str]
    gathered: Gathered


class WordResolver:
    """Implements `ask.ports.Resolver`. With `fail_fast` a search for values that fails fails the question."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._prepared: Remembered[_Words] = Remembered()

    async def resolve(self, question: str, gathered: Gathered) -> Resolution:
        entities = self.find_entities(question, gathered)
        strict = self._servers.orchestration.fail_fast
        values, warnings, missing = await _search_values(question, gathered, strict=strict)
        return Resolution(values=values, entities=entities, warnings=warnings, missing_servers=missing)

    def find_entities(self, question: str, gathered: Gathered) -> tuple[ResolvedEntity, ...]:
        """The business words in the question, by place; several for a word to which its server gives several meanings."""
        if not gathered.sources:
            return ()
        words = self._words(gathered)
        dialect = gathered.schema.dialect
        entities: list[ResolvedEntity] = []
        for found in words.index.find(question, ordinary=words.ordinary):
            verdict = judge(words.claims[found.key])
            if verdict.passed_over:
                _log_conflict(verdict.standing[0], verdict.passed_over)
            entities.extend(_entity(question, found, claim, dialect) for claim in verdict.standing)
        return tuple(entities)

    def _words(self, gathered: Gathered) -> _Words:
        def prepare() -> _Words:
            claims = claims_of(gathered.sources)
            return _Words(claims, WordIndex(claims), _ordinary_words(gathered.schema), gathered)

        return self._prepared.get((id(gathered.sources), id(gathered.schema)), prepare)


async def _search_values(
    question: str, gathered: Gathered, *, strict: bool
) -> tuple[tuple[ValueMatch, ...], tuple[str, ...], tuple[str, ...]]:
    """The values, warnings, and the server's name where it could not be reached."""
    database = gathered.database
    try:
        values, complete = await find_values(database, question)
    except UpstreamToolError as error:
        log.warning("values_not_searched", server=database.name, code=error.reported_code or error.code)
        return (), (f"Stored values were not searched: {error.message}",), ()
    except GatewayError as error:
        log.warning("values_not_searched", server=database.name, code=error.code)
        if strict:
            raise
        return (), (f"Stored values were not searched: {error.message}",), (database.name,)
    return values, () if complete else ("Not every stored value was searched; a name in the question may be missed.",), ()


def _entity(question: str, found: Found, claim: Claim, dialect: str) -> ResolvedEntity:
    item = claim.item
    return ResolvedEntity(
        original_term=question[found.start : found.end],
        start=found.start,
        end=found.end,
        kind=_kind(item),
        server=claim.source.server,
        priority=claim.source.priority,
        score=found.score,
        label=_label(item, claim.word, dialect),
        table=None if isinstance(item, Period) else item.table,
        column=item.column if isinstance(item, Entity | Term) else None,
        value=item.value if isinstance(item, Entity) else None,
        expression=_expression(item, dialect),
    )


def _kind(item: Item) -> str:
    match item:
        case Entity():
            return "entity"
        case Term():
            return "condition" if item.condition else "column" if item.column else "table"
        case Metric():
            return "metric"
        case Period():
            return "period"


def _label(item: Item, word: str, dialect: str) -> str:
    match item:
        case Entity():
            return item.label
        case Term():
            place = f"{item.table}.{item.column}" if item.column else item.table
            return item.description or _sql(item.condition, dialect) or place
        case Metric():
            return item.name
        case Period():
            return item.description or word


def _expression(item: Item, dialect: str) -> str | None:
    """What the item calculates, in words of SQL for people to read; drafting starts from the item itself."""
    match item:
        case Entity():
            return None
        case Term():
            return _sql(item.condition, dialect)
        case Metric():
            condition = _sql(item.condition, dialect)
            return f"{_sql(item.expression, dialect)} where {condition}" if condition else _sql(item.expression, dialect)
        case Period():
            return f"{_sql(item.start, dialect)} to {_sql(item.end, dialect)}"


def _sql(expression: Expression, dialect: str) -> str | None:
    return expression.get(dialect) or expression.get("default")


def _ordinary_words(schema: DatabaseSchema) -> frozenset[str]:
    """The stems of the schema's own names: a question that says them means them."""
    names = [table.name for table in schema.tables] + [column.name for table in schema.tables for column in table.columns]
    return frozenset(stem_of(word) for name in names for word in key_of(name.replace("_", " ")).split(" "))


def _log_conflict(standing: Claim, passed_over: tuple[Claim, ...]) -> None:
    log.info(
        "entity_conflict",
        word=standing.word,
        chosen=standing.source.server,
        chosen_priority=standing.source.priority,
        passed_over=sorted({claim.source.server for claim in passed_over}),
    )
