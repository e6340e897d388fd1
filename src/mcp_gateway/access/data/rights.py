"""Which tables, columns and rows of a database a caller may read, from the policy. Reads no database and decides no query.

Computed once per policy, caller and schema, and then found again. A policy that says nothing of tables, columns or rows for a
caller gives no rights object at all, and costs nothing from then on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mcp_gateway.access.data.kept import Kept
from mcp_gateway.access.data.model import DataRights, TableRights
from mcp_gateway.access.data.narrow import narrow
from mcp_gateway.access.data.row_limits import deciding_values, limit_for
from mcp_gateway.access.errors import NotAllowed
from mcp_gateway.access.policy.decide import decide
from mcp_gateway.access.policy.model import Action, Grant, Policy, Rule, Target
from mcp_gateway.access.policy.row_filters import filters_of, row_conditions
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema import DatabaseSchema, Table

# A rule that names tools beside tables speaks of the tool through which the data are had.
TOOL_OF: Final[Mapping[Action, str]] = {"ask": "ask", "run_query": "execute_query", "read_schema": "describe_table"}
_MOST_CALLERS: Final = 1_024
_MOST_SCHEMAS: Final = 64


@dataclass(frozen=True, slots=True)
class _Found:
    """`rights` None: nothing is withheld. `schema` is the whole one, kept alive with its identity."""

    rights: DataRights | None
    schema: DatabaseSchema


class PolicyRights:
    """The rights that a policy gives. `current` says which policy holds now."""

    def __init__(self, current: Callable[[], Policy]) -> None:
        self._current = current
        self._found: Kept[_Found] = Kept(_MOST_CALLERS)
        # By what is hidden or limited, not by caller: callers of a role share one narrowed schema and what is prepared on it.
        self._schemas: Kept[tuple[DatabaseSchema, DatabaseSchema]] = Kept(_MOST_SCHEMAS)
        self._speaks: Kept[bool] = Kept(2)

    @property
    def is_silent(self) -> bool:
        """Whether the policy says nothing of tables, columns or rows, whoever asks."""
        policy = self._current()
        return not self._speaks.get(policy.version, lambda: speaks_of_data(policy))

    def rights(self, caller: Caller, action: Action, schema: DatabaseSchema, *, server: str = "") -> DataRights | None:
        """None when all of the database may be read. `server` is the name rules know it by.

        Raises `NotAllowed` when the caller may not do this at all.
        """
        policy = self._current()
        if not decide(policy, caller, action).allowed:
            raise NotAllowed(f"You may not do this here: {action}.", action=action)
        if self.is_silent:
            return None
        key = (
            policy.version, caller.tenant, caller.subject, caller.roles, caller.scopes, action, server, id(schema),
            deciding_values(filters_of(policy, caller.tenant), caller),
        )  # fmt: skip
        return self._found.get(key, lambda: _Found(self._compute(policy, caller, action, schema, server), schema)).rights

    def _compute(self, policy: Policy, caller: Caller, action: Action, schema: DatabaseSchema, server: str) -> DataRights | None:
        tables = {}
        for table in schema.tables:
            rights = _table_rights(policy, caller, action, table, server)
            if rights is not None:
                tables[table.name] = rights
        if len(tables) == len(schema.tables) and all(one.whole for one in tables.values()):
            return None
        columns = {name: one.columns for name, one in tables.items()}
        limited = frozenset(name for name, one in tables.items() if one.limits)
        shape = (id(schema), tuple(columns.items()), limited)
        _, seen = self._schemas.get(shape, lambda: (schema, narrow(schema, columns, limited)))
        return DataRights(schema=seen, tables=tables, withheld=_withheld(schema, tables))


def speaks_of_data(policy: Policy) -> bool:
    """Whether any rule, role or filter of it is about tables, columns or rows."""
    about: list[Rule | Grant] = [*policy.rules, *(grant for role in policy.roles for grant in role.allow)]
    # A rule of tools or servers may leave out the very tool that data are had through.
    return bool(policy.row_filters) or any(
        one.tables or one.columns or one.servers or one.tools for one in about if not one.actions.isdisjoint(TOOL_OF)
    )


def _table_rights(policy: Policy, caller: Caller, action: Action, table: Table, server: str) -> TableRights | None:
    """None when the table does not exist for this caller: it is denied, or every column of it is."""
    tool = TOOL_OF.get(action, "")

    def may_read(column: str = "") -> bool:
        return decide(policy, caller, action, Target(server=server, tool=tool, table=table.name, column=column)).allowed

    if not may_read():
        return None
    columns = tuple(column.name for column in table.columns if may_read(column.name))
    if not columns:
        return None
    limits = tuple(limit_for(said, table) for said in row_conditions(policy, caller, table.name))
    return TableRights(name=table.name, columns=columns, limits=limits, whole=not limits and len(columns) == len(table.columns))


def _withheld(schema: DatabaseSchema, tables: dict[str, TableRights]) -> frozenset[str]:
    """Folded words that no error of a database may tell this caller."""
    every = {word for table in schema.tables for word in _words(table.name, (column.name for column in table.columns))}
    seen = {word for table in tables.values() for word in _words(table.name, table.columns)}
    values = {str(value).casefold() for table in tables.values() for limit in table.limits for value in limit.values}
    return frozenset((every - seen) | values)


def _words(table: str, columns: Iterable[str]) -> set[str]:
    return {table.casefold(), table.rpartition(".")[2].casefold(), *(name.casefold() for name in columns)}
