"""Appending to the trail in Postgres: one connection, one statement and one round trip a batch while no other replica appends.

The statement moves the heads of the chains from where this process left them, and adds the rows of those it could move. A chain
that another process has continued meanwhile is locked first and continued from there.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Final, TypeAlias

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.access.audit.chain import extend, genesis
from mcp_gateway.access.audit.model import AuditLine
from mcp_gateway.adapters.sql.engine import StoreUnavailable
from mcp_gateway.adapters.sql.schema import audit_rows

_Ends: TypeAlias = dict[str, tuple[int, str]]

_ROW_COLUMNS: Final = tuple(audit_rows.columns.keys())
# `locked` takes the heads in the order of tenants, so that two replicas never wait for each other.
_APPEND: Final = SQL(
    "WITH wanted AS (SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::text[])"
    " AS wanted (tenant, old_sequence, old_hash, sequence, hash)), "
    "locked AS (SELECT tenant FROM audit_heads WHERE tenant = ANY(%s) ORDER BY tenant FOR UPDATE), "
    "moved AS (UPDATE audit_heads SET sequence = wanted.sequence, hash = wanted.hash FROM locked JOIN wanted USING (tenant)"
    " WHERE audit_heads.tenant = wanted.tenant AND audit_heads.sequence = wanted.old_sequence"
    " AND audit_heads.hash = wanted.old_hash RETURNING audit_heads.tenant), "
    "added AS (INSERT INTO audit_rows ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::audit_rows, %s::json)"
    " WHERE tenant IN (SELECT tenant FROM moved)) "
    "SELECT tenant FROM moved"
).format(columns=SQL(", ").join(map(Identifier, _ROW_COLUMNS)))
_READ_HEADS: Final = "SELECT tenant, sequence, hash FROM audit_heads WHERE tenant = ANY(%s) ORDER BY tenant"
_LOCK_HEADS: Final = f"{_READ_HEADS} FOR UPDATE"
_BEGIN_CHAIN: Final = (
    "INSERT INTO audit_heads (tenant, sequence, hash, installation) VALUES (%s, 0, %s, %s) ON CONFLICT (tenant) DO NOTHING"
)
_SESSION: Final = (
    "SET lock_timeout = 4000; SET statement_timeout = 4000; SET idle_in_transaction_session_timeout = 10000; "
    "SET default_transaction_isolation = 'read committed'"
)
_MOST_ENDS: Final = 10_000


class PostgresAppender:
    """Connects when first used, and again after a failure."""

    def __init__(self, engine: AsyncEngine, installation: str) -> None:
        _, self._arguments = engine.dialect.create_connect_args(engine.url)
        self._installation = installation
        self._turn = asyncio.Lock()
        self._connection: psycopg.AsyncConnection | None = None
        # Where chains ended when this process last looked: believed until the statement says otherwise.
        self._ends: _Ends = {}

    async def append(self, lines: Sequence[AuditLine]) -> None:
        """Raises `StoreUnavailable`; then the lines of some tenants may have been added all the same."""
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
        self._ends.clear()
        if connection is not None:
            await connection.close()

    async def _write(self, connection: psycopg.AsyncConnection, lines: Sequence[AuditLine]) -> None:
        tenants = sorted({line.event.tenant for line in lines})
        if len(self._ends) > _MOST_ENDS:
            self._ends.clear()
        unknown = [tenant for tenant in tenants if tenant not in self._ends]
        if unknown:
            await self._read_ends(connection, unknown)
        left = await self._append(connection, lines)
        if left:
            async with connection.transaction():
                await self._take_ends(connection, sorted({line.event.tenant for line in left}), _LOCK_HEADS)
                if await self._append(connection, left):
                    raise StoreUnavailable("The end of a chain moved while it was locked.")

    async def _append(self, connection: psycopg.AsyncConnection, lines: Sequence[AuditLine]) -> Sequence[AuditLine]:
        """The lines that could not be added, because their chain ends elsewhere by now."""
        before = {line.event.tenant: self._ends[line.event.tenant] for line in lines}
        after = dict(before)
        rows = json.dumps([dict(zip(_ROW_COLUMNS, row, strict=True)) for row in extend(after, lines)])
        tenants = list(before)
        old_sequences, old_hashes = zip(*before.values(), strict=True)
        sequences, hashes = zip(*after.values(), strict=True)
        lists = (tenants, list(old_sequences), list(old_hashes), list(sequences), list(hashes))
        moved = {tenant for (tenant,) in await (await connection.execute(_APPEND, (*lists, tenants, rows))).fetchall()}
        self._ends.update({tenant: after[tenant] for tenant in moved})
        return [] if len(moved) == len(tenants) else [line for line in lines if line.event.tenant not in moved]

    async def _read_ends(self, connection: psycopg.AsyncConnection, tenants: list[str]) -> None:
        await self._take_ends(connection, tenants, _READ_HEADS)
        for tenant in tenants:
            if tenant not in self._ends:
                first = genesis(tenant, self._installation)
                await connection.execute(_BEGIN_CHAIN, (tenant, first, self._installation))
                # Whoever was faster, perhaps with another installation's hash: the statement finds out.
                self._ends[tenant] = (0, first)

    async def _take_ends(self, connection: psycopg.AsyncConnection, tenants: list[str], query: str) -> None:
        found = await (await connection.execute(query, (tenants,))).fetchall()
        self._ends.update({tenant: (sequence, row_hash) for tenant, sequence, row_hash in found})

    async def _connect(self) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(**self._arguments, autocommit=True)
        await connection.execute(_SESSION)
        self._connection = connection
        return connection
