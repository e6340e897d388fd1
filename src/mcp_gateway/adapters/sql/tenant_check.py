"""Refuses a statement that would read or change rows of more than one tenant, whoever wrote it.

Every statement of the store's engine passes here before it runs. One on a table with a column `tenant` must hold that column to
one value, in every part of it, or insert it; else it raises, and the build's tests with it. Work that is meant for all tenants
says so: `across_tenants`. Each statement is looked at once: what SQLAlchemy remembers as compiled is remembered here as checked.

The audit trail's appenders go around SQLAlchemy; their few statements stand in one place each.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Delete, Insert, Select, Table, Update, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.compiler import Compiled, SQLCompiler
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList, ClauseElement, ColumnClause, Grouping
from sqlalchemy.sql.expression import Alias, FromClause, Join
from sqlalchemy.sql.visitors import ExternallyTraversible

from mcp_gateway.adapters.sql.schema import metadata

TENANT: Final = "tenant"
_SCOPED: Final = frozenset(name for name, table in metadata.tables.items() if TENANT in table.columns)
_SCOPED_WORD: Final = re.compile(rf"\b(?:{'|'.join(sorted(_SCOPED))})\b")
_reason: Final[ContextVar[str | None]] = ContextVar("across_tenants", default=None)
# What is wrong with each, "" for nothing.
_checked: Final[WeakKeyDictionary[Compiled, str]] = WeakKeyDictionary()


class TenantLeftOut(AssertionError):
    """A statement would have reached rows of several tenants. A fault of the program: it did not run."""


@contextmanager
def across_tenants(reason: str) -> Iterator[None]:
    """For work on the rows of all tenants, in a few words. A test lists every place that asks for it."""
    token = _reason.set(reason)
    try:
        yield
    finally:
        _reason.reset(token)


def watch_tenants(engine: Engine) -> None:
    """From now on every statement of this engine is checked."""
    event.listen(engine, "before_cursor_execute", _before)


def _before(
    _connection: Connection,
    _cursor: DBAPICursor,
    statement: str,
    _parameters: object,
    context: ExecutionContext | None,
    _many: bool,  # noqa: FBT001 - the signature is SQLAlchemy's
) -> None:
    compiled = context.compiled if context is not None else None
    if compiled is None:
        fault = _fault_of_text(statement)
    else:
        known = _checked.get(compiled)
        if known is None:
            known = _checked[compiled] = _fault_of(compiled)
        fault = known
    if fault and _reason.get() is None:
        raise TenantLeftOut(fault)


def _fault_of_text(statement: str) -> str:
    found = _SCOPED_WORD.search(statement)
    return f"SQL as text names {found.group()}; say which tenant with a statement of SQLAlchemy's" if found else ""


def _fault_of(compiled: Compiled) -> str:
    if not isinstance(compiled, SQLCompiler):
        return ""
    statement = compiled.statement
    parts = list(visitors.iterate(statement)) if statement is not None else []
    faults = (_fault_of_part(part, compiled) for part in parts)
    return next((fault for fault in faults if fault), "") or ("" if _is_made_of_tables(parts) else _fault_of_text(str(compiled)))


def _is_made_of_tables(parts: list[ExternallyTraversible]) -> bool:
    return any(isinstance(part, Select | Insert | Update | Delete) for part in parts)


def _fault_of_part(part: ExternallyTraversible, compiled: SQLCompiler) -> str:
    if isinstance(part, Select):
        sources = [source for final in part.get_final_froms() for source in _flat(final)]
        conditions = [
            *_conjuncts(part.whereclause),
            *(one for final in part.get_final_froms() for one in _join_conditions(final)),
        ]
        return _fault_of_sources(sources, conditions)
    if isinstance(part, Update | Delete):
        return _fault_of_sources(list(_flat(part.table)), list(_conjuncts(part.whereclause)))
    if isinstance(part, Insert) and isinstance(part.table, Table) and part.table.name in _SCOPED:
        given = any(name == TENANT or name.startswith(f"{TENANT}_") for name in compiled.binds)
        return "" if given or part.select is not None else f"an insert into {part.table.name} says no tenant"
    return ""


def _fault_of_sources(sources: list[FromClause], conditions: list[ClauseElement]) -> str:
    """Those held to one tenant, first by a value, then by being equal to one that is."""
    wanted = [source for source in sources if _name(source) in _SCOPED]
    held: set[FromClause] = set()
    while len(held) < len(wanted):
        more = {source for source in wanted if source not in held and any(_holds(one, source, held) for one in conditions)}
        if not more:
            missing = next(source for source in wanted if source not in held)
            return f"a statement on {_name(missing)} holds for more than one tenant"
        held |= more
    return ""


def _holds(condition: ClauseElement, source: FromClause, held: set[FromClause]) -> bool:
    if not isinstance(condition, BinaryExpression) or condition.operator is not operators.eq:
        return False
    sides = (condition.left, condition.right)
    for mine, other in (sides, sides[::-1]):
        if isinstance(mine, ColumnClause) and mine.name == TENANT and mine.table is source:
            return isinstance(other, BindParameter) or (
                isinstance(other, ColumnClause) and other.name == TENANT and other.table in held
            )
    return False


def _conjuncts(condition: Any) -> Iterator[ClauseElement]:
    """The parts that all must hold."""
    if isinstance(condition, Grouping):
        yield from _conjuncts(condition.element)
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for one in condition.clauses:
            yield from _conjuncts(one)
    elif condition is not None:
        yield condition


def _flat(source: object) -> Iterator[FromClause]:
    if isinstance(source, Join):
        yield from _flat(source.left)
        yield from _flat(source.right)
    elif isinstance(source, FromClause):
        yield source


def _join_conditions(source: FromClause) -> Iterator[ClauseElement]:
    """Of inner joins: what an outer one demands does not keep rows out."""
    if isinstance(source, Join):
        yield from _join_conditions(source.left)
        yield from _join_conditions(source.right)
        if not source.isouter and not source.full:
            yield from _conjuncts(source.onclause)


def _name(source: FromClause) -> str:
    table = source.element if isinstance(source, Alias) else source
    return table.name if isinstance(table, Table) else ""
