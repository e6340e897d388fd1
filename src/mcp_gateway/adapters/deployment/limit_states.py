"""How much of their limits callers have used, read from the limiter's keys: the kit's, and those of the usual conventions.

A key is `rate_limit:TENANT:OPERATION…`, the tenant bare or as a hash tag. The count is what the limiter last wrote; of `gcra`,
which keeps no count, only the end is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mcp_gateway.adapters.deployment.redis_reading import CarefulRedis, open_careful
from mcp_gateway.diagnostics.ports import LimitState
from mcp_gateway.kit.keys import tagged
from mcp_gateway.kit.redis.limits import count_held
from mcp_gateway.kit.redis.wire import Reply

PREFIX: Final = "rate_limit:"
COMMANDS: Final = 36
SCANS: Final = 4
SCAN_COUNT: Final = 1_000
MAX_KEYS: Final = 8
# Digits, or the head of what the kit writes; never a whole value.
HEAD_BYTES: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisLimitStates:
    """Implements `LimitStates` with at most `COMMANDS` read-only commands."""

    url: str

    async def of(self, tenant: str) -> tuple[LimitState, ...]:
        async with open_careful(self.url, max_commands=COMMANDS) as redis:
            names = await _names(redis, tenant)
            return await _states(redis, names)


async def _names(redis: CarefulRedis, tenant: str) -> Mapping[bytes, str]:
    """Keys of this tenant, one for each operation, to the operation's name; of the part of the store that was listed."""
    owners = {tenant.encode(), tagged(tenant).encode()}
    found: dict[str, bytes] = {}
    cursor: Reply = b"0"
    for _ in range(SCANS):
        match await redis.ask("SCAN", cursor if isinstance(cursor, bytes) else b"0", "MATCH", PREFIX + "*", "COUNT", SCAN_COUNT):
            case [bytes() as cursor, list() as names]:
                for name in sorted(one for one in names if isinstance(one, bytes)):
                    _, owner, operation, *_ = [*name.split(b":", 3), b"", b""]
                    if owner in owners and operation:
                        found.setdefault(operation.decode("utf-8", "replace"), name)
            case _:
                break
        if cursor == b"0":
            break
    return {name: operation for operation, name in sorted(found.items())[:MAX_KEYS]}


async def _states(redis: CarefulRedis, names: Mapping[bytes, str]) -> tuple[LimitState, ...]:
    asked = [words for name in names for words in (("GETRANGE", name, 0, HEAD_BYTES - 1), ("STRLEN", name), ("PTTL", name))]
    told = await redis.ask_each(asked)
    return tuple(
        LimitState(
            operation=operation,
            count=_count(name, head, length),
            ttl_seconds=round(left / 1000) if isinstance(left, int) and left >= 0 else None,
        )
        for (name, operation), head, length, left in zip(names.items(), told[::3], told[1::3], told[2::3], strict=True)
        if left != -2  # gone meanwhile
    )


def _count(name: bytes, head: Reply, length: Reply) -> int | None:
    if not isinstance(head, bytes) or not isinstance(length, int):
        return None  # it is not kept in a string
    if head.isdigit() and length == len(head):
        return int(head)
    return count_held(name.decode("utf-8", "replace"), head, length)
