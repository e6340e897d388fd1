"""Definitions of what servers offer, in the gateway's own store, seen by every replica.

Each row carries the count it was last written at, so a replica reads what changed and not everything. The count is taken first
in each transaction: its row holds writers in line, so nobody sees a count before all that belongs to it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mcp_gateway.adapters.sql.changes import announce
from mcp_gateway.adapters.sql.connections import connected
from mcp_gateway.adapters.sql.schema import access_changes, registry_definitions
from mcp_gateway.adapters.sql.upsert import insert_into
from mcp_gateway.registry.definitions.model import Record
from mcp_gateway.registry.definitions.ports import Change, Read

_NAME: Final = "definitions"
_FORGOTTEN: Final = "forgotten"
# SQLite takes 32,766 values in a statement.
_ROWS_AT_ONCE: Final = 500
_rows: Final = registry_definitions.c
# Asked four times a second: made once.
_VERSION: Final = select(access_changes.c.version).where(access_changes.c.name == _NAME)


class _Contested(Exception):
    """Rolls the transaction back."""


class SqlDefinitions:
    """Implements `registry.definitions.ports.DefinitionStore`; raises `StoreUnavailable` when the store does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read_version(self) -> int:
        async with connected(self._engine) as connection:
            return await _version(connection)

    async def read(self, since: int) -> Read:
        """The version is read first: a change in between is seen as one more to read, never missed."""
        async with connected(self._engine) as connection:
            version = await _version(connection)
            rows = (await connection.execute(select(registry_definitions).where(_rows.changed > since))).all()
        gone = tuple(row.server for row in rows if row.kind == _FORGOTTEN)
        held = tuple(_record(row) for row in rows if row.kind != _FORGOTTEN)
        return Read(version=version, records=held, forgotten=gone if since >= 0 else ())

    async def write(self, changes: Sequence[Change]) -> int | None:
        new = [change.record for change in changes if change.known is None]
        old = [(change.known, change.record) for change in changes if change.known is not None]
        try:
            async with connected(self._engine, writing=True) as connection:
                version = await announce(connection, _NAME)
                for start in range(0, len(new), _ROWS_AT_ONCE):
                    await _insert(connection, [_values(one, version) for one in new[start : start + _ROWS_AT_ONCE]])
                for known, record in old:
                    await _replace(connection, known, record, version)
        except _Contested:
            return None
        return version

    async def forget(self, server: str) -> None:
        async with connected(self._engine, writing=True) as connection:
            await forget_definitions(connection, server)


async def forget_definitions(connection: AsyncConnection, server: str) -> None:
    """In the transaction that removes the server: whoever gets its name next has nothing approved."""
    version = await announce(connection, _NAME)
    await connection.execute(delete(registry_definitions).where(_rows.server == server))
    await connection.execute(registry_definitions.insert().values(_tombstone(server, version)))


async def _version(connection: AsyncConnection) -> int:
    found = (await connection.execute(_VERSION)).scalar()
    return int(found or 0)


async def _insert(connection: AsyncConnection, values: list[dict[str, object]]) -> None:
    insert = insert_into(connection, registry_definitions).values(values).on_conflict_do_nothing().returning(_rows.name)
    if len((await connection.execute(insert)).all()) != len(values):
        raise _Contested


async def _replace(connection: AsyncConnection, known: Record, record: Record, version: int) -> None:
    """Only where the row still says what decides about it."""
    as_known = (
        _rows.server == known.server,
        _rows.kind == known.kind,
        _rows.name == known.name,
        _rows.latest_fingerprint == known.latest_fingerprint,
        _rows.approved_fingerprint.is_not_distinct_from(known.approved_fingerprint),
        _rows.status == known.status,
        _rows.verdict == known.verdict,
    )
    changed = update(registry_definitions).where(*as_known).values(_values(record, version)).returning(_rows.name)
    if (await connection.execute(changed)).first() is None:
        raise _Contested


def _values(record: Record, version: int) -> dict[str, object]:
    return {
        "server": record.server,
        "kind": record.kind,
        "name": record.name,
        "approved_fingerprint": record.approved_fingerprint,
        "approved_body": None if record.approved_body is None else record.approved_body.decode(),
        "latest_fingerprint": record.latest_fingerprint,
        "latest_body": record.latest_body.decode(),
        "status": record.status,
        "verdict": record.verdict,
        "reasons": json.dumps(record.reasons),
        "seen_at": record.seen_at,
        "decided_at": record.decided_at,
        "decided_by": record.decided_by,
        "changed": version,
    }


def _tombstone(server: str, version: int) -> Mapping[str, object]:
    empty = dict.fromkeys(("name", "latest_fingerprint", "latest_body", "status", "verdict", "reasons"), "")
    return {**empty, "server": server, "kind": _FORGOTTEN, "seen_at": 0.0, "changed": version}


def _record(row: Row[tuple[object, ...]]) -> Record:
    latest: bytes = row.latest_body.encode()
    approved = None
    if row.approved_body is not None:
        # Most stand as they were approved: one copy is enough.
        approved = latest if row.approved_fingerprint == row.latest_fingerprint else row.approved_body.encode()
    return Record(
        server=row.server,
        kind=row.kind,
        name=row.name,
        approved_fingerprint=row.approved_fingerprint,
        approved_body=approved,
        latest_fingerprint=row.latest_fingerprint,
        latest_body=latest,
        status=row.status,
        verdict=row.verdict,
        reasons=tuple(json.loads(row.reasons)) if row.reasons != "[]" else (),
        seen_at=row.seen_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
    )
