"""Which things a grant or a rule is about: servers, tools, tables and columns, each by patterns.

Servers and tools are compared as written, URIs of resources in all their writings (`uris.py`), names of SQL whatever their case.
Where nothing is said of a kind, all of it is meant.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mcp_gateway.access.policy.globs import Glob, compile_glob
from mcp_gateway.access.policy.uris import Writings, normal_pattern


@dataclass(frozen=True, kw_only=True, slots=True)
class Selector:
    """Made by `compile_selector`. A column's pattern is one for its table and one for its own name.

    `uris` are the patterns of `tools`, each with the one that fits a URI in its normal form.
    """

    servers: tuple[Glob, ...]
    tools: tuple[Glob, ...]
    uris: tuple[tuple[Glob, ...], ...]
    tables: tuple[Glob, ...]
    columns: tuple[tuple[Glob, Glob], ...]

    def reaches(self, server: str, tool: str) -> bool:
        """Whether it is about this server and this tool."""
        return (not self.servers or _any(self.servers, server)) and (not self.tools or _any(self.tools, tool))

    def reaches_uri(self, server: str, uri: Writings, *, denying: bool) -> bool:
        """The same of a resource: a deny by one of its writings, an allow by all of them that mean the same."""
        if self.servers and not _any(self.servers, server):
            return False
        if not self.uris:
            return True
        if denying:
            return any(_any(globs, one) for globs in self.uris for one in (*uri.same, *uri.read))
        return any(all(_any(globs, one) for one in uri.same) for globs in self.uris)

    def names_server(self, server: str) -> bool:
        """Whether it may be about something on this server."""
        return not self.servers or _any(self.servers, server)

    @property
    def whole_servers(self) -> bool:
        """Whether it is about everything on its servers."""
        return not (self.tools or self.tables or self.columns)

    def allows(self, table: str, column: str) -> bool:
        """Whether an allow covers this. While no table is named yet it covers the question whether any may be asked about."""
        if not table:
            return not column or not (self.tables or self.columns)
        if self.tables and not _any(self.tables, table):
            return False
        return not self.columns or any(
            of_table.matches(table) and (not column or own.matches(column)) for of_table, own in self.columns
        )

    def denies(self, table: str, column: str) -> bool:
        """Whether a deny hits this: one that names tables or columns hits only these, not the question asked before them."""
        if self.tables and not (table and _any(self.tables, table)):
            return False
        return not self.columns or bool(
            column and any(of_table.matches(table) and own.matches(column) for of_table, own in self.columns)
        )


def compile_selector(
    *, servers: Iterable[str] = (), tools: Sequence[str] = (), tables: Iterable[str] = (), columns: Iterable[str] = ()
) -> Selector:
    """Raises `ValueError` for a pattern that is empty or too long."""
    return Selector(
        servers=tuple(map(compile_glob, servers)),
        tools=tuple(map(compile_glob, tools)),
        uris=tuple(tuple(map(compile_glob, dict.fromkeys((pattern, normal_pattern(pattern))))) for pattern in tools),
        tables=tuple(compile_glob(pattern, folded=True) for pattern in tables),
        columns=tuple(_column(pattern) for pattern in columns),
    )


def _column(pattern: str) -> tuple[Glob, Glob]:
    """`customers.email` is one column, `email` every column of that name."""
    table, _, own = pattern.rpartition(".")
    return compile_glob(table or "*", folded=True), compile_glob(own, folded=True)


def _any(globs: tuple[Glob, ...], text: str) -> bool:
    return any(glob.matches(text) for glob in globs)
