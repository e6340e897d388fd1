"""A registry in memory behind real access, and a store of which several replicas can be opened."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from mcp_gateway.access.audit.fingerprint import Digester
from mcp_gateway.access.audit.trail import open_trail
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.build import Statements
from mcp_gateway.access.policy.desk import open_desk
from mcp_gateway.adapters.memory_audit import MemoryAudit
from mcp_gateway.adapters.memory_rules import MemoryRules
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.registry.configuration.model import ServersConfiguration
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.ports import ServerFile, ServerStore
from mcp_gateway.registry.register import Register
from mcp_gateway.registry.registry import Registry

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOTHING_WRITTEN = ServersConfiguration()


@asynccontextmanager
async def replica(
    store: ServerStore,
    *,
    written: ServersConfiguration = NOTHING_WRITTEN,
    file: ServerFile | None = None,
    built_in: Sequence[Server] = (),
    statements: Statements | None = None,
    audit: MemoryAudit | None = None,
) -> AsyncIterator[Registry]:
    """One of several processes over one store; it follows when it is told to `reload`."""
    clock = FixedClock(NOW)
    policy = await open_desk(statements or Statements(), MemoryRules(), clock)
    async with open_trail(audit or MemoryAudit("tests"), clock) as trail:
        governor = Governor(policy, trail, clock, Digester(b"k" * 32))
        register = Register(store, await store.read_all(), written=written, file=file, built_in=built_in)
        yield Registry(register, governor, clock)
