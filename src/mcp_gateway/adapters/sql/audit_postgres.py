"""Appending to the trail in Postgres: one connection, one transaction a batch, each chain locked at its head."""

import asyncio
from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.access.audit.chain import extend, genesis
from mcp_gateway.access.audit.model import AuditLine
from mcp_gateway.adapters.sql.engine import StoreUnavailable
from mcp_gateway.adapters.sql.schema import audit_rows

_ROW_COLUMNS: Final = tuple(audit_rows.columns.keys())
_COPY_ROWS: Final = SQL("COPY audit_rows ({}) FROM STDIN").format(SQL(", ").join(map(Identifier, _ROW_COLUMNS)))
# In the order of tenants, so that two replicas never wait for each other.
_LOCK_HEADS: Final = "SELECT tenant, sequence, hash FROM audit_heads WHERE tenant = ANY(%s) ORDER BY tenant FOR UPDATE"
_BEGIN_CHAIN: Final = (
    "INSERT INTO audit_heads (tenant, sequence, hash, installation) VALUES (%s, 0, %s, %s) ON CONFLICT (tenant) DO NOTHING"
)
_MOVE_HEADS: Final = (
    "UPDATE audit_heads SET sequence = moved.sequence, hash = moved.hash "
    "FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS moved (tenant, sequence, hash) WHERE audit_heads.tenant = moved.tenant"
)
_SESSION: Final = "SET lock_timeout = 4000; SET statement_timeout = 4000; SET idle_in_transaction_session_timeout = 10000"
# What COPY reads as something else. Control characters do not come this far: see `chain.line_of`.
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class PostgresAppender:
    """Connects when first used, and again after a failure."""

    def __init__(self, engine: AsyncEngine, installation: str) -> None:
        _, self._arguments = engine.dialect.create_connect_args(engine.url)
        self._installation = installation
        self._turn = asyncio.Lock()
        self._connection: psycopg.AsyncConnection | None = None

    async def append(self, lines: Sequence[AuditLine]) -> None:
        """Raises `StoreUnavailable`."""
        try:
            async with self._turn:
                await self._write(self._connection or await self._connect(), lines)
        except (psycopg.Error, OSError) as error:
            await self.close()
            raise StoreUnavailable from error
        except BaseException:
            # Cut off in the middle: whether it was committed is not known, and this connection is of no more use.
            await self.close()
            raise

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _write(self, connection: psycopg.AsyncConnection, lines: Sequence[AuditLine]) -> None:
        tenants = sorted({line.event.tenant for line in lines})
        cursor = connection.cursor()
        ends = await self._lock(cursor, tenants)
        if len(ends) < len(tenants):
            for tenant in tenants:
                if tenant not in ends:
                    await cursor.execute(_BEGIN_CHAIN, (tenant, genesis(tenant, self._installation), self._installation))
            ends = await self._lock(cursor, tenants)
        text = "".join("\t".join([str(value).translate(_ESCAPES) for value in row]) + "\n" for row in extend(ends, lines))
        async with cursor.copy(_COPY_ROWS) as copy:
            await copy.write(text)
        sequences, hashes = zip(*(ends[tenant] for tenant in tenants), strict=True)
        await cursor.execute(_MOVE_HEADS, (tenants, list(sequences), list(hashes)))
        await connection.commit()

    async def _lock(self, cursor: psycopg.AsyncCursor, tenants: list[str]) -> dict[str, tuple[int, str]]:
        await cursor.execute(_LOCK_HEADS, (tenants,))
        return {tenant: (sequence, row_hash) for tenant, sequence, row_hash in await cursor.fetchall()}

    async def _connect(self) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(**self._arguments, autocommit=True)
        await connection.execute(_SESSION)
        await connection.set_autocommit(False)
        self._connection = connection
        return connection
