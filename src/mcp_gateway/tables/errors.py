"""What can go wrong between us and the database, beside the query itself (`core/sql/errors.py`).

Unavailable  ├── DatabaseUnavailable     it does not answer, is locked, or its file is gone
             ├── QueryCancelled          the caller went away, or the server stopped the query
             └── TimedOut └── QueryTimedOut
TooLarge     └── QueryTooLarge           it would have taken more memory than one query may
InvalidInput └── BadDatabaseUrl          the URL or path names nothing we can open
NotFound     └── UnknownTable
"""

from mcp_gateway.core.errors import InvalidInput, NotFound, TimedOut, TooLarge, Unavailable


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


class BadDatabaseUrl(InvalidInput):
    """The database URL cannot be used."""

    code = "BAD_DATABASE_URL"
    hint = (
        "Give a path (shop.duckdb, shop.sqlite, sales.csv, sales.parquet, a folder of them) or a URL "
        "(postgresql://, mysql://, mariadb://, duckdb:///, sqlite:///)."
    )


class UnknownTable(NotFound):
    """There is no such table."""

    code = "UNKNOWN_TABLE"
    hint = "`list_tables` names them all."
