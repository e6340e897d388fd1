"""Tables whose rows point at other rows of the same table: employees and their managers, categories and their parents.

Each such key gives the table two parts to play besides its own: that of the row pointed at ("manager") and that of the rows
that point at one ("direct reports"). While a question is read, a part is a table of its own, called like no real one; a
finished form names it as a further use of the real table (`TableRef.instance`). Nothing here knows a question.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from mcp_gateway.ask.engine.form import ColumnRef, TableRef
from mcp_gateway.ask.engine.form_edit import rewritten
from mcp_gateway.ask.engine.form_json import Node, Part
from mcp_gateway.ask.engine.form_walk import nodes
from mcp_gateway.ask.engine.names import parts_of
from mcp_gateway.ask.engine.text import stem_of
from mcp_gateway.core.schema import Column, DatabaseSchema, Table

PartT = TypeVar("PartT", bound=Part)

_IDENTIFIES = frozenset({"id", "code", "key", "number", "no", "to", "by", "employe", "emp"})
_PEOPLE = frozenset(map(stem_of, "manager supervisor boss superior reports report mgr supervised managed".split()))
_ABOVE = ("manager", "boss", "supervisor", "superior", "line manager", "direct manager")
_BELOW = ("direct report", "subordinate", "underling", "direct subordinate")
_STAFF = frozenset(
    map(stem_of, "employee staff worker person people member user salesperson agent officer faculty personnel".split())
)
_NAMED_SO = frozenset(map(stem_of, "parent mentor predecessor successor spouse".split())) | _PEOPLE


@dataclass(frozen=True, slots=True)
class Role:
    """A part the rows of a table play for other rows of it.

    `above`: the row pointed at. `phrases` are what it is called, as stems. `name` stands for a table while a question is read.
    """

    name: str
    source: TableRef
    above: bool
    key: ColumnRef
    phrases: tuple[tuple[str, ...], ...]


def roles_in(schema: DatabaseSchema, slots: Mapping[ColumnRef, tuple[str, ...]]) -> dict[str, Role]:
    """The roles of every table that points at itself, by name. `slots` are the stems of each column's name."""
    found: dict[str, Role] = {}
    for table in schema.tables:
        for place, column in enumerate(_own_keys(table, schema, slots)):
            key = ColumnRef(table.name, column)
            for above, number in ((True, 2 * place + 1), (False, 2 * place + 2)):
                name = f"{table.name}#{number}"
                found[name] = Role(name, TableRef(table.name, number), above, key, _phrases(slots[key], above=above))
    return {name: role for name, role in found.items() if role.phrases}


def target_of(role: Role, schema: DatabaseSchema) -> ColumnRef | None:
    """The column of the real table that its key points at."""
    table = schema.table(role.key.table)
    if table is None:
        return None
    for key in table.foreign_keys:
        if key.target_table == table.name and key.columns == (role.key.column,):
            return ColumnRef(table.name, key.target_columns[0])
    return ColumnRef(table.name, table.primary_key[0]) if len(table.primary_key) == 1 else None


def _own_keys(table: Table, schema: DatabaseSchema, slots: Mapping[ColumnRef, tuple[str, ...]]) -> Iterable[str]:
    declared = [key.columns[0] for key in table.foreign_keys if key.target_table == table.name and len(key.columns) == 1]
    if declared or len(table.primary_key) != 1:
        return declared
    used = {column for key in table.foreign_keys for column in key.columns}
    own = table.column(table.primary_key[0])
    others = {part for other in schema.tables for part in stem_of(other.name).split("_")}
    return [
        column.name
        for column in table.columns
        if own is not None
        and column.name not in {own.name, *used}
        and _fits(column, own)
        and _calls_a_role(slots[ColumnRef(table.name, column.name)], others)
        and (slots[ColumnRef(table.name, column.name)][0] not in _PEOPLE or _is_staff(table))
    ]


def _is_staff(table: Table) -> bool:
    return any(stem_of(part) in _STAFF for part in parts_of(table.name))


def _fits(column: Column, own: Column) -> bool:
    numbers = {"integer", "number"}
    return column.kind == own.kind or {column.kind, own.kind} <= numbers


def _calls_a_role(slots: tuple[str, ...], taken: set[str]) -> bool:
    """ "manager_id", "reports_to", "parent_product_id": named after a role, and no other table is called so."""
    return len(slots) > 1 and slots[0] in _NAMED_SO and slots[-1] in _IDENTIFIES and slots[0] not in taken


def _phrases(slots: tuple[str, ...], *, above: bool) -> tuple[tuple[str, ...], ...]:
    kept = tuple(slot for slot in slots if slot not in _IDENTIFIES)
    if _PEOPLE.intersection(kept):
        return tuple(tuple(map(stem_of, phrase.split())) for phrase in (_ABOVE if above else _BELOW))
    if above:
        return tuple(dict.fromkeys((kept, kept[:1]) if kept else ()))
    return ((stem_of("child"),),) if kept[:1] == (stem_of("parent"),) else ()


def with_instances(part: PartT, roles: Mapping[str, Role]) -> PartT:
    """The part with every role as a use of the real table."""
    if not roles or not any(isinstance(node, TableRef | ColumnRef) and node.table in roles for node in _all(part)):
        return part

    def change(node: Node) -> Node | None:
        if isinstance(node, TableRef) and node.table in roles:
            return roles[node.table].source
        if isinstance(node, ColumnRef) and node.table in roles:
            source = roles[node.table].source
            return ColumnRef(source.table, node.column, source.instance)
        return None

    return rewritten(part, change)


def with_roles(part: PartT, roles: Mapping[str, Role]) -> PartT:
    """The other way round: further uses of a table as the roles they play."""
    names = {role.source: name for name, role in roles.items()}
    if not names or not any(isinstance(node, TableRef | ColumnRef) and node.instance for node in _all(part)):
        return part

    def change(node: Node) -> Node | None:
        if isinstance(node, TableRef) and node in names:
            return TableRef(names[node])
        if isinstance(node, ColumnRef) and node.source in names:
            return ColumnRef(names[node.source], node.column)
        return None

    return rewritten(part, change)


def _all(part: Part) -> Iterable[Node]:
    return nodes(part, into_queries=True)
