"""The registry from its settings: the servers file and the store, followed while it is open."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.access.access import Access
from mcp_gateway.adapters.egress import LOOPBACK
from mcp_gateway.adapters.key_file import open_signing_key
from mcp_gateway.adapters.sealing import Sealing
from mcp_gateway.adapters.sql.server_rows import PURPOSE
from mcp_gateway.adapters.sql.servers import SqlServers
from mcp_gateway.core.clock import Clock
from mcp_gateway.registry.configuration.file import ServersFile
from mcp_gateway.registry.configuration.model import ServersConfiguration
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.register import Register
from mcp_gateway.registry.registry import Registry
from mcp_gateway.settings import Settings, process_environment
from mcp_gateway.wiring.following import repeat, running

log = structlog.get_logger(__name__)

# A change made on one replica is in force on all of them within 0.3 s; one of the file a little later, once it stands still.
FOLLOW_SECONDS: Final = 0.25


def judge_servers_file(settings: Settings) -> None:
    """Before anything is opened, so that a fault in it is said at once. Raises `ServersFileUnreadable`, `ServersFileInvalid`."""
    file = _file(settings)
    if file is not None:
        file.load()


@asynccontextmanager
async def open_registry(
    settings: Settings,
    *,
    clock: Clock,
    engine: AsyncEngine,
    access: Access,
    built_in: Sequence[Server] = (),
    follow: bool = True,
) -> AsyncIterator[Registry]:
    """`engine` is the gateway's own store. `built_in` servers are part of the program. `follow` False is for one command.

    Without login the gateway is for this machine alone, whose servers it may then reach.
    Raises `ServersFileUnreadable`, `ServersFileInvalid`, `KeyFileRefused` and `StoreUnavailable`.
    """
    file = _file(settings)
    written = ServersConfiguration() if file is None else file.load()
    store = SqlServers(engine, Sealing(open_signing_key(settings.state_dir), PURPOSE))
    register = Register(
        store,
        await store.read_all(),
        written=written,
        file=file,
        built_in=built_in,
        always=LOOPBACK if settings.login == "none" else (),
    )
    registry = Registry(register, access.governor, clock)
    _tell_faults(registry)
    loops = [repeat(partial(_reload, registry), FOLLOW_SECONDS, "registry_not_followed")] if follow else []
    async with running(*loops):
        yield registry


async def _reload(registry: Registry) -> None:
    """While the store is away everything stays registered as it was."""
    if await registry.reload():
        _tell_faults(registry)


def _tell_faults(registry: Registry) -> None:
    if registry.faults:
        log.warning("registry_faults", servers=dict(registry.faults))


def _file(settings: Settings) -> ServersFile | None:
    return None if settings.servers_file is None else ServersFile(settings.servers_file, environment=process_environment())
