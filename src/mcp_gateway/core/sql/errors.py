"""What can go wrong with a query, whoever sends it and whoever runs it.

Forbidden      └── QueryRefused            it does more than read, or more than can be checked
Unprocessable  └── QueryFailed             the database (or the parser) cannot run it; `data["kind"]` says why
                   └── QuerySyntaxError
TooLarge       └── QueryTooLarge           it would have taken more memory than one query may
Unavailable    ├── DatabaseUnavailable     the database does not answer, is locked, or its file is gone
               ├── QueryCancelled          the caller went away, or the server stopped the query
               └── TimedOut └── QueryTimedOut
"""

from typing import Literal

from mcp_gateway.core.errors import Forbidden, TimedOut, TooLarge, Unavailable, Unprocessable

RefusalReason = Literal[
    "empty", "too_long", "too_deep", "control_characters", "comment", "many_statements", "not_a_query", "write", "lock",
    "file", "network", "settings", "admin", "sleep", "code", "system_table", "table_function", "parameter", "side_effect",
    "unknown_function", "unknown_syntax", "too_large",
]  # fmt: skip

FailureKind = Literal[
    "unknown_table", "unknown_column", "ambiguous_column", "not_grouped", "type_mismatch", "unknown_function", "syntax",
    "permission", "other",
]  # fmt: skip


class QueryRefused(Forbidden):
    """The statement is not a read-only query."""

    code = "QUERY_REFUSED"
    hint = "Send one SELECT over the tables and views, with the functions of the dialect that only calculate."

    def __init__(
        self,
        message: str,
        *,
        reason: RefusalReason,
        name: str | None = None,
        nearest: tuple[str, ...] = (),
        hint: str | None = None,
    ) -> None:
        """`name` is the refused function, table or node; `nearest` are allowed functions with a similar name."""
        hint = f"Did you mean {', '.join(nearest)}?" if nearest else hint
        super().__init__(message, hint=hint, reason=reason, name=name, nearest=list(nearest))
        self.reason = reason
        self.name = name
        self.nearest = nearest


class QueryFailed(Unprocessable):
    """The database cannot run this query."""

    code = "QUERY_FAILED"
    hint = "Correct what the database's message names; `describe_table` lists the columns that exist."

    def __init__(self, database_message: str, *, kind: FailureKind, name: str | None = None, position: int | None = None) -> None:
        """`database_message` are the database's own words; `position` counts characters of the sent text from 0."""
        super().__init__(
            f"The query failed: {database_message}", kind=kind, name=name, position=position, database_message=database_message
        )
        self.kind = kind
        self.name = name
        self.position = position
        self.database_message = database_message


class QuerySyntaxError(QueryFailed):
    """The text is not SQL of this dialect."""

    hint = "Correct the SQL at the position given."

    def __init__(self, database_message: str, *, name: str | None = None, position: int | None = None) -> None:
        super().__init__(database_message, kind="syntax", name=name, position=position)


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""

    code = "DATABASE_UNAVAILABLE"
    hint = "Check that the database runs and that its URL is right; the next call connects anew."


class QueryTimedOut(TimedOut):
    """The query ran longer than its time limit and was stopped."""

    code = "QUERY_TIMED_OUT"
    hint = "Ask for less: a filter, an aggregate, a shorter period; or allow more time with timeout_seconds."


class QueryCancelled(Unavailable):
    """The query was stopped before it ended."""

    code = "QUERY_CANCELLED"
    hint = "Send it again if the answer is still wanted."


class QueryTooLarge(TooLarge):
    """The query needed more memory than one query may take, and was stopped."""

    code = "QUERY_TOO_LARGE"
    hint = "Ask for less: a filter before joining or collecting, totals instead of lists, shorter texts."
