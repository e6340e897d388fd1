"""The rights of one caller over one schema, as values. Who has which is decided in `rights.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from mcp_gateway.access.policy.model import Operator, Scalar
from mcp_gateway.core.schema import Column, DatabaseSchema

# The schemas a name without one means; `DatabaseSchema` leaves them out.
DEFAULT_SCHEMAS = frozenset({"main", "public", "dbo"})
# Shown with every answer over a table with limited rows: that something is left out, never what or why.
ROWS_LIMITED = "Rows are limited by a rule of your organisation."


@dataclass(frozen=True, kw_only=True, slots=True)
class RowLimit:
    """A row filter as it holds for this caller: only rows whose `column` fits. `column` None: no row fits.

    `values` fit the column's kind; several for `in` and `not in`, none for the two about NULL.
    """

    column: Column | None
    operator: Operator = "is null"
    values: tuple[Scalar, ...] = ()


NO_ROWS = RowLimit(column=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRights:
    """One table that may be read. `columns` are those that may be, in the table's order; `whole`: nothing of it is withheld."""

    name: str
    columns: tuple[str, ...]
    limits: tuple[RowLimit, ...] = ()
    whole: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class DataRights:
    """Everything a caller may read, and nothing else: what is not here does not exist for them.

    `schema` is the database as they see it. `withheld` are the folded names they must not learn, and the values of their row
    filters. Compared by identity: the same caller under the same policy gets the same object while it is remembered.
    """

    schema: DatabaseSchema
    tables: Mapping[str, TableRights]
    withheld: frozenset[str] = field(default=frozenset(), repr=False)

    @cached_property
    def limited(self) -> frozenset[str]:
        """The tables of which only some rows may be read."""
        return frozenset(name for name, table in self.tables.items() if table.limits)

    @cached_property
    def _by_folded(self) -> Mapping[str, TableRights | None]:
        """By name without case; None where two tables differ in nothing but case."""
        found: dict[str, TableRights | None] = {}
        for name, table in self.tables.items():
            folded = name.casefold()
            found[folded] = None if folded in found else table
        return found

    @cached_property
    def _by_tail(self) -> Mapping[str, TableRights | None]:
        """By the name after the schema; None where several schemas have one."""
        found: dict[str, TableRights | None] = {}
        for name, table in self.tables.items():
            folded = name.rpartition(".")[2].casefold()
            found[folded] = None if folded in found else table
        return found

    def find(self, name: str) -> TableRights | None:
        """The table that SQL means by this name; None for every name that is not one of theirs."""
        exact = self.tables.get(name) or self._by_folded.get(name.casefold())
        if exact is not None:
            return exact
        schema, _, own = name.rpartition(".")
        if schema:
            return self.find(own) if "." not in schema and schema.casefold() in DEFAULT_SCHEMAS and "." not in own else None
        return self._by_tail.get(own.casefold())

    def is_limited(self, name: str) -> bool:
        """Whether only some rows of the table of this name may be read."""
        table = self.find(name)
        return table is not None and bool(table.limits)
