"""An empty result may mean that a value is spelt otherwise in the database: look each one up, and say what was read for what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from mcp_gateway.ask.errors import UpstreamToolError
from mcp_gateway.ask.model import QueryRows
from mcp_gateway.ask.names import Names
from mcp_gateway.ask.nearest import similarity
from mcp_gateway.ask.ports import UpstreamServer
from mcp_gateway.ask.recovery.patient import Proposal
from mcp_gateway.ask.scopes import selects
from mcp_gateway.ask.structure import column_of, compared_literals
from mcp_gateway.core.errors import Json, TimedOut

# A likeness below this is another thing, not another spelling.
_SAME_THING = 0.74
_MOST_LOOKUPS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    table: str
    column: str
    value: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A text in the query, and the column it is compared with."""

    text: str
    table: str
    column: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueRepair:
    """`proposal` is None when no other spelling was found; `missing` says which texts are stored nowhere."""

    proposal: Proposal | None
    missing: tuple[str, ...]


def looks_empty(rows: QueryRows) -> bool:
    """No rows, or a single one of totals over none."""
    if not rows.rows:
        return True
    return len(rows.rows) == 1 and all(value is None or value == 0 for value in rows.rows[0])


async def respell_values(tree: exp.Query, names: Names, database: UpstreamServer) -> ValueRepair:
    """Look up the texts the query compares with and put in the stored spelling where one is clearly meant."""
    respelt = tree.copy()
    done: list[str] = []
    missing: list[str] = []
    for asked in list(dict.fromkeys(_asked(respelt, names)))[:_MOST_LOOKUPS]:
        stored = await _look_up(asked, respelt, names, database)
        if stored is None or any(one.value == asked.text and _is_same_column(one, asked) for one in stored):
            continue
        words = _put_in(respelt, names, asked, stored)
        (done if words else missing).append(words or f"nothing stored in {asked.table}.{asked.column} is {asked.text!r}")
    proposal = Proposal(sql=respelt.sql(dialect=names.schema.dialect), repair="; ".join(done)) if done else None
    return ValueRepair(proposal=proposal, missing=tuple(missing))


def _asked(tree: exp.Expr, names: Names) -> Iterator[_Asked]:
    for select in selects(tree, names.schema):
        for node in select.columns:
            known = column_of(node, select)
            source = (
                select.source(node.table)
                if node.table
                else next((s for s in select.sources if s.table and s.table.column(node.name)), None)
            )
            if known is None or known.kind != "text" or source is None or source.table is None:
                continue
            for literal in compared_literals(node):
                if literal.is_string:
                    yield _Asked(text=literal.this, table=source.table.name, column=known.name)


async def _look_up(asked: _Asked, tree: exp.Expr, names: Names, database: UpstreamServer) -> list[_Stored] | None:
    """What is stored like it in the tables of the query; None when that cannot be found out."""
    tables = sorted(
        {asked.table, *(table.name for table in names.schema.tables if tree.find(exp.Table) and _reads(tree, table.name))}
    )
    arguments: dict[str, Json] = {"text": asked.text, "tables": list(tables), "limit": 20}
    try:
        result = await database.call_tool("find_values", arguments)
    except (UpstreamToolError, TimedOut):
        return None
    matches = result.get("matches")
    return [stored for match in matches if (stored := _stored(match, asked.text))] if isinstance(matches, list) else None


def _reads(tree: exp.Expr, table: str) -> bool:
    return any(node.name.casefold() == table.rpartition(".")[2].casefold() for node in tree.find_all(exp.Table))


def _stored(match: Json, text: str) -> _Stored | None:
    """A match over the whole text; one of its words alone is another thing."""
    if not isinstance(match, Mapping):
        return None
    table, column, value = match.get("table"), match.get("column"), match.get("value")
    start, end = match.get("start"), match.get("end")
    if not (isinstance(table, str) and isinstance(column, str) and isinstance(value, str)):
        return None
    if isinstance(start, int) and isinstance(end, int) and end - start < len(text.strip()) * 0.8:
        return None
    return _Stored(table=table, column=column, value=value, score=similarity(text.strip(), value.strip()))


def _is_same_column(stored: _Stored, asked: _Asked) -> bool:
    return (stored.table.casefold(), stored.column.casefold()) == (asked.table.casefold(), asked.column.casefold())


def _put_in(tree: exp.Expr, names: Names, asked: _Asked, stored: list[_Stored]) -> str | None:
    """Put the nearest stored value in place, its own column first; say how, or None when none is near enough."""
    own = sorted((one for one in stored if _is_same_column(one, asked)), key=lambda one: -one.score)
    if own and own[0].score >= _SAME_THING and (len(own) == 1 or own[1].score < own[0].score or _folds_to(own[0], asked)):
        _replace(tree, names, asked, own[0], same_column=True)
        return f"read {asked.text!r} as {own[0].value!r}"
    others = {(one.table, one.column): one for one in stored if not _is_same_column(one, asked) and _folds_to(one, asked)}
    same_table = [one for one in others.values() if one.table.casefold() == asked.table.casefold()]
    if not own and len(same_table) == 1:
        _replace(tree, names, asked, same_table[0], same_column=False)
        return f"looked for {asked.text!r} in {same_table[0].table}.{same_table[0].column} instead of {asked.column}"
    return None


def _folds_to(stored: _Stored, asked: _Asked) -> bool:
    return stored.value.strip().casefold() == asked.text.strip().casefold()


def _replace(tree: exp.Expr, names: Names, asked: _Asked, stored: _Stored, *, same_column: bool) -> None:
    for select in selects(tree, names.schema):
        for node in select.columns:
            known = column_of(node, select)
            if known is None or known.name != asked.column:
                continue
            for literal in compared_literals(node):
                if literal.is_string and literal.this == asked.text:
                    literal.replace(exp.Literal.string(stored.value))
                    if not same_column:
                        node.set("this", exp.to_identifier(stored.column))
