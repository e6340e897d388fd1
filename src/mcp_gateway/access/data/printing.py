"""The text of a restricted query, read once more before it runs: the engine reads what was put there, and no other table.

A printer that dropped a bracket or took one node for another could undo a restriction; then nothing runs.
"""

from sqlglot import exp

from mcp_gateway.access.data.derived import INNER
from mcp_gateway.access.data.restrict import Restricted
from mcp_gateway.core.sql.errors import QueryRefused, QuerySyntaxError
from mcp_gateway.core.sql.read_only import check_read_only, print_checked


def print_restricted(restricted: Restricted, dialect: str, *, query: exp.Query | None = None) -> str:
    """`query` is the restricted one with a row limit put on, if there is one. Raises `QueryRefused`."""
    printed = print_checked(query or restricted.query, dialect)
    try:
        read = check_read_only(printed, dialect)
    except QuerySyntaxError as error:
        raise _unsafe() from error
    for table in read.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            altered = restricted.names.get(".".join(part.name for part in table.parts))
            if altered is None or (altered and not _stands_behind_rights(table)):
                raise _unsafe()
    return printed


def _stands_behind_rights(table: exp.Table) -> bool:
    """Whether it stands alone in a derived table of ours."""
    select = table.parent.parent if isinstance(table.parent, exp.From) else None
    return (
        table.alias == INNER
        and isinstance(select, exp.Select)
        and not select.args.get("joins")
        and not table.args.get("joins")
        and isinstance(select.parent, exp.Subquery)
        and not any(output.is_star for output in select.expressions)
    )


def _unsafe() -> QueryRefused:
    return QueryRefused("The statement cannot be printed safely.", reason="unknown_syntax")
