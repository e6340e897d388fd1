"""How replicas of one installation reach each other: through the store they share, or, alone, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_gateway.adapters.change_bus_memory import MemoryChangeBus
from mcp_gateway.adapters.change_bus_redis import RedisChangeBus
from mcp_gateway.adapters.peers_memory import MemoryPeers
from mcp_gateway.adapters.peers_redis import RedisPeers
from mcp_gateway.adapters.shared_secret import shared_key
from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.peers import Peers
from mcp_gateway.federation.ports import ChangeBus
from mcp_gateway.kit.redis.connection import RedisConnection

CHANGES: Final = b"changes"
PEERS: Final = b"peers"
TIMEOUT_SECONDS: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Replicas:
    """`bus` tells all of them of changes; `peers` asks one of them."""

    bus: ChangeBus
    peers: Peers


@asynccontextmanager
async def open_replicas(connection: RedisConnection | None, *, key: Ed25519PrivateKey, clock: Clock) -> AsyncIterator[Replicas]:
    """`connection` None: there is this one alone. `key` is the installation's, the same on every replica.

    A store that is away keeps nothing from opening.
    """
    if connection is None:
        alone = MemoryPeers()
        yield Replicas(bus=MemoryChangeBus(), peers=alone)
        await alone.close()
        return
    # What replicas hand each other can be megabytes, and limits are decided within milliseconds.
    async with await connection.open_another(timeout_seconds=TIMEOUT_SECONDS) as own:
        bus = await RedisChangeBus.open(own, key=shared_key(key, CHANGES))
        peers = await RedisPeers.open(own, key=shared_key(key, PEERS), clock=clock)
        try:
            yield Replicas(bus=bus, peers=peers)
        finally:
            await peers.close()
            bus.close()
