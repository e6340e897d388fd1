"""Giving keys that never expire a time to live: few at a time with pauses, and never one that has a time, or is meant to last."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.applying import Radius, Undo
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RULES_KEY

# Counters and cached values come again by themselves; whatever else there is belongs to somebody.
PREFIXES = ("rate_limit:", "cache:")
LASTING = frozenset({RULES_KEY.encode()})
BATCH = 200
PAUSE_SECONDS = 0.01
MOST_KEYS = 1_000_000
SAMPLED = 2_000
CALL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpireKeys:
    """`url`: of a user who may SCAN, PTTL and PEXPIRE, best these prefixes alone. Kind `expire_keys`."""

    url: str = field(repr=False)

    async def radius(self, action: Action) -> Radius:
        """Of a sample: how many keys have no time to live."""
        prefix, seconds = _target(action)
        seen = endless = 0
        async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
            async for keys in _batches(connection, prefix):
                times = await asyncio.gather(*(connection.call("PTTL", key) for key in keys))
                seen, endless = seen + len(keys), endless + sum(one == -1 for one in times)
                if seen >= SAMPLED:
                    break
        changes = (f"{endless} of {seen} sampled keys of {prefix}: never expire -> expire in {seconds} s",)
        return Radius(keys=endless, changes=changes)

    async def carry_out(self, action: Action) -> Undo | None:
        """Nothing to take back: which keys had no time to live is known to nobody afterwards."""
        prefix, seconds = _target(action)
        done = 0
        async with await RedisConnection.open(self.url, timeout_seconds=CALL_SECONDS) as connection:
            async for keys in _batches(connection, prefix):
                await asyncio.gather(*(connection.call("PEXPIRE", key, seconds * 1_000, "NX") for key in keys))
                done += len(keys)
                if done >= MOST_KEYS:
                    break
                await asyncio.sleep(PAUSE_SECONDS)
        return None


async def _batches(connection: RedisConnection, prefix: str) -> AsyncIterator[Sequence[bytes]]:
    cursor: bytes = b"0"
    while True:
        match await connection.call("SCAN", cursor, "MATCH", f"{prefix}*", "COUNT", BATCH):
            case [bytes() as cursor, list() as found]:
                yield [key for key in found if isinstance(key, bytes) and key not in LASTING]
            case _:
                return
        if cursor == b"0":
            return


def _target(action: Action) -> tuple[str, int]:
    prefix, seconds = action.target["prefix"], action.target["seconds"]
    if prefix not in PREFIXES or not seconds.isdecimal() or not 1 <= int(seconds) <= 31 * 86_400:
        raise InvalidInput("Only counters and cached values are given a time to live, of a second to 31 days.", prefix=prefix)
    return prefix, int(seconds)
