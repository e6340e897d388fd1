"""The audit trail over the gateway's own store: beside an embedded one a journal, so that no call waits for a commit."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import blake2b
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.access.audit.journal import open_journaled_trail, take_over
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.settled import SettledAudit
from mcp_gateway.access.audit.trail import Trail, WhenAway, open_trail
from mcp_gateway.adapters.audit_journal import FileJournal, left_behind
from mcp_gateway.adapters.sql.audit import open_audit_store
from mcp_gateway.core.clock import Clock

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_audit(
    engine: AsyncEngine, key: Ed25519PrivateKey, installation: str, *, clock: Clock, when_away: WhenAway
) -> AsyncIterator[tuple[AuditStore, Trail]]:
    """The store to read and the trail to write. Raises `StoreUnavailable`.

    A journal lies on the disk of the store it stands before, so it gives up nothing but the last moment before a power cut. A
    store elsewhere has none: there a line is told when the store has it.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_audit_store(engine, installation))
        if engine.dialect.name != "sqlite":
            yield store, await stack.enter_async_context(open_trail(store, clock, when_away=when_away))
            return
        folder, secret = Path(engine.url.database or "").parent, _journal_key(key)
        await _take_over(store, folder, secret, clock)
        journal = FileJournal.open(folder, f"audit-{os.getpid()}-{secrets.token_hex(4)}", secret)
        stack.callback(journal.close)
        trail = await stack.enter_async_context(open_journaled_trail(store, journal, clock, when_away=when_away))
        yield SettledAudit(store, trail.settle), trail


async def _take_over(store: AuditStore, folder: Path, key: bytes, clock: Clock) -> None:
    for left, path in left_behind(folder, key):
        lines = await take_over(store, left, at=clock.timestamp())
        path.unlink(missing_ok=True)
        if lines:
            log.warning("audit_journal_taken_over", lines=lines, damaged=left.damaged)


def _journal_key(key: Ed25519PrivateKey) -> bytes:
    return blake2b(key.private_bytes_raw(), person=b"audit-journal", digest_size=32).digest()
