"""Giving keys that never expire a time to live: as many at once as take the store a moment, and never one that has a time, or is
meant to last. Begun again it goes on, for what has a time is left alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from mcp_gateway.adapters.remedies.lines import open_line
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.diagnostics.actions.operating import Change, Outcome, Progress, Radius
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RULES_KEY
from mcp_gateway.kit.redis.packing import Script

# Counters and cached values come again by themselves; whatever else there is belongs to somebody.
PREFIXES = ("rate_limit:", "cache:")
LASTING = frozenset({RULES_KEY.encode()})
FIRST_BATCH, LEAST_BATCH, MOST_BATCH = 100, 25, 300
# How long a batch may take, there and back: what is longer is halved, and the store's own part in it is smaller.
LONG_SECONDS = 0.004
# After each batch the store is left alone for as long again as it took.
REST_SHARE = 1.0
# One run ends after so long, and says what is left.
RUN_SECONDS = 240.0
TOLD_EVERY = 50_000
SAMPLED = 2_000
# A preview looks at so many keys of a store that holds hardly any of the kind.
PREVIEW_PAGES, PREVIEW_PAGE = 100, 500

_EXPIRE = Script(
    "local done = 0\nfor _, key in ipairs(KEYS) do done = done + redis.call('PEXPIRE', key, ARGV[1], 'NX') end\nreturn done"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpireKeys:
    """`url`: of a user who may SCAN, PTTL, PEXPIRE and run scripts, best on these prefixes alone. Kind `expire_keys`."""

    url: str = field(repr=False)
    run_seconds: float = RUN_SECONDS

    async def radius(self, action: Action) -> Radius:
        """Of a sample: how many keys have no time to live."""
        prefix, seconds = _target(action)
        seen = endless = pages = 0
        async with await open_line(self.url) as line:
            counted = await line.call("DBSIZE")
            whole = counted if isinstance(counted, int) else "an unknown number of"
            async for keys in _pages(line, prefix, Size(PREVIEW_PAGE)):
                times = await asyncio.gather(*(line.call("PTTL", key) for key in keys))
                seen, endless, pages = seen + len(keys), endless + sum(one == -1 for one in times), pages + 1
                if seen >= SAMPLED or pages >= PREVIEW_PAGES:
                    break
        return Radius(
            keys=endless,
            changes=(
                f"{endless} of {seen} sampled keys that begin with {prefix} never expire -> expire in {seconds} s",
                f"all others like them, too; the database holds {whole} keys of every kind",
            ),
        )

    async def prepare(self, action: Action) -> Change:
        """Nothing to take back: which keys had no time to live is known to nobody afterwards."""
        prefix, seconds = _target(action)

        async def do(tell: Progress) -> Outcome:
            async with await open_line(self.url) as line:
                # Not left to its first use: a script that the store does not know is what `load_scripts` is recommended for.
                await line.call("SCRIPT", "LOAD", _EXPIRE.text)
                return await _expire(line, prefix, seconds, self.run_seconds, tell)

        return Change(
            do=do,
            way_back=f"none: keys of {prefix} that never expired expire within {seconds} s, and come again with their next use",
            seconds=self.run_seconds + 30.0,
        )


class Size:
    """How many keys at once; found by how long they took."""

    def __init__(self, first: int = FIRST_BATCH) -> None:
        self.now = first

    async def rest_after(self, seconds: float) -> None:
        """Learn from what the last ones took, and leave the store alone for a while."""
        if seconds > LONG_SECONDS:
            self.now = max(LEAST_BATCH, self.now // 2)
        elif seconds < LONG_SECONDS / 2:
            self.now = min(MOST_BATCH, self.now + self.now // 4)
        await asyncio.sleep(seconds * REST_SHARE)


async def _expire(line: RedisConnection, prefix: str, seconds: int, run_seconds: float, tell: Progress) -> Outcome:
    now, size, done, told = asyncio.get_running_loop().time, Size(), 0, 0
    until = now() + run_seconds
    async for keys in _pages(line, prefix, size):
        for start in range(0, len(keys), MOST_BATCH):
            part, begun = keys[start : start + MOST_BATCH], now()
            changed = await line.run(_EXPIRE, part, [seconds * 1_000])
            done += changed if isinstance(changed, int) else 0
            await size.rest_after(now() - begun)
        if done >= told + TOLD_EVERY:
            told = done
            tell(f"{done} keys expire within {seconds} s by now.")
        if now() > until:
            said = f"{done} keys expire within {seconds} s; others are left after {run_seconds:g} s. Run it again to go on."
            return Outcome(said=said, whole=False)
    return Outcome(said=f"{done} keys that never expired expire within {seconds} s; no other of {prefix} was found.")


async def _pages(line: RedisConnection, prefix: str, size: Size) -> AsyncIterator[Sequence[bytes]]:
    cursor, now = b"0", asyncio.get_running_loop().time
    while True:
        begun = now()
        match await line.call("SCAN", cursor, "MATCH", f"{prefix}*", "COUNT", size.now):
            case [bytes() as cursor, list() as found]:
                await size.rest_after(now() - begun)
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
