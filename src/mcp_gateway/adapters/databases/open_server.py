"""Choose the adapter for the URL of a database server. Imported when there is one: the clients are slow to import."""

from typing import Final

import sqlalchemy

from mcp_gateway.adapters.databases.mysql import MySqlDriver
from mcp_gateway.adapters.databases.postgres import PostgresDriver
from mcp_gateway.adapters.databases.sessions import Driver
from mcp_gateway.adapters.databases.sqlalchemy_database import SqlAlchemyDriver
from mcp_gateway.tables.errors import BadDatabaseUrl

_OTHER_NAMES: Final = {"postgres": "postgresql"}


def server_driver(url: str) -> Driver:
    """Nothing is opened yet. Raises `BadDatabaseUrl`."""
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        # The words of the error may hold the password.
        raise BadDatabaseUrl("The database URL cannot be read.", scheme=url.partition(":")[0][:40]) from error
    backend = _OTHER_NAMES.get(parsed.get_backend_name(), parsed.get_backend_name())
    if backend == "postgresql":
        return PostgresDriver(parsed)
    if backend in ("mysql", "mariadb"):
        return MySqlDriver(parsed)
    return SqlAlchemyDriver(parsed)
