"""A value of our own through the store and back: written with a time to live, read, compared, removed, and looked for again."""

import asyncio
import secrets
from dataclasses import dataclass

from mcp_gateway.adapters.deployment.redis_reading import CLIENT_NAME, COMMAND_SECONDS, CONNECT_SECONDS, MAX_REPLY_BYTES
from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.integration.ports import RoundTrip
from mcp_gateway.kit.redis.connection import RedisConnection

# Should this process die in between, the value is gone after so long.
KEPT_SECONDS = 10
PREFIX = "cache:diagnostics-trial:"


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisCacheTrial:
    """Implements `CacheTrial`."""

    url: str
    clock: Clock

    async def round_trip(self) -> RoundTrip:
        key, value = PREFIX + secrets.token_hex(8), secrets.token_bytes(64)
        async with await RedisConnection.open(
            self.url,
            timeout_seconds=COMMAND_SECONDS,
            connect_timeout_seconds=CONNECT_SECONDS,
            client_name=CLIENT_NAME,
            max_reply_bytes=MAX_REPLY_BYTES,
        ) as connection:
            begun = self.clock.monotonic()
            await connection.call("SET", key, value, "EX", KEPT_SECONDS)
            try:
                intact = await connection.call("GET", key) == value
                milliseconds = (self.clock.monotonic() - begun) * 1000
            finally:
                # Also when somebody gives up in between: the removal is on its way before anything can stop it.
                removing = asyncio.gather(connection.send("UNLINK", key), connection.send("GET", key), return_exceptions=True)
            _, left = await removing
        return RoundTrip(
            intact=intact,
            removed=left is None,
            milliseconds=milliseconds,
            detail="" if intact else "What was read back is not what was written.",
        )
