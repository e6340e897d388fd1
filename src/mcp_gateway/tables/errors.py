"""What can go wrong with the tables themselves, beside a query and its database (`core/sql/errors.py`).

InvalidInput └── BadDatabaseUrl          the URL or path names nothing we can open
NotFound     └── UnknownTable
"""

from mcp_gateway.core.errors import InvalidInput, NotFound


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
