"""Appending to the trail in SQLite: one thread, one connection, one transaction a batch, on the disk before it returns."""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import quote

from sqlalchemy import insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.access.audit.chain import extend, genesis
from mcp_gateway.access.audit.model import AuditLine
from mcp_gateway.adapters.sql.engine import SQLITE_PRAGMAS, StoreUnavailable
from mcp_gateway.adapters.sql.schema import audit_rows

_INSERT_ROWS: Final = str(insert(audit_rows).compile(dialect=sqlite.dialect()))
_READ_HEAD: Final = "SELECT sequence, hash FROM audit_heads WHERE tenant = ?"
_WRITE_HEAD: Final = (
    "INSERT INTO audit_heads (tenant, sequence, hash, installation) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (tenant) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash"
)


class SqliteAppender:
    """Goes around SQLAlchemy: five statements that each change threads would cost more than all their rows."""

    def __init__(self, engine: AsyncEngine, installation: str) -> None:
        self._path = engine.url.database or ""
        self._installation = installation
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit-writer")
        self._connection: sqlite3.Connection | None = None

    async def append(self, lines: Sequence[AuditLine]) -> None:
        """Raises `StoreUnavailable`."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, lines)
        except sqlite3.Error as error:
            raise StoreUnavailable from error

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _write(self, lines: Sequence[AuditLine]) -> None:
        connection = self._connection or self._connect()
        try:
            # Immediately, not at the first write: another process may not put a row behind the head read here.
            connection.execute("BEGIN IMMEDIATE")
            ends = {line.event.tenant: self._end(connection, line.event.tenant) for line in lines}
            connection.executemany(_INSERT_ROWS, extend(ends, lines))
            connection.executemany(_WRITE_HEAD, [(tenant, *end, self._installation) for tenant, end in ends.items()])
            connection.execute("COMMIT")
        except BaseException:
            self._disconnect()
            raise

    def _end(self, connection: sqlite3.Connection, tenant: str) -> tuple[int, str]:
        found: tuple[int, str] | None = connection.execute(_READ_HEAD, (tenant,)).fetchone()
        return found or (0, genesis(tenant, self._installation))

    def _connect(self) -> sqlite3.Connection:
        # `rw`: a store that was deleted under us is away, not empty.
        address = f"file:{quote(self._path)}?mode=rw"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma)
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        """Also rolls back what was begun."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
