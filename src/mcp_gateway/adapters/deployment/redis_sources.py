"""Redis as two sources: its own figures, which cost next to nothing, and a sample of its keys, taken once an analysis."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from mcp_gateway.adapters.deployment.redis_info import SECTIONS, info_signals, number_of, read_info
from mcp_gateway.adapters.deployment.redis_keys import sample_keys
from mcp_gateway.adapters.deployment.redis_reading import (
    BUSY,
    CLIENT_NAME,
    CarefulRedis,
    RedisOutcome,
    open_careful,
    outcome_of,
    speaks_plainly,
)
from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.caching.sample import KeySample
from mcp_gateway.diagnostics.signals.snapshot import Reading, Readings, reading
from mcp_gateway.diagnostics.verdict import BlindSpot
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.address import read_address
from mcp_gateway.kit.redis.wire import Reply

# With two looks at the figures, and what limiters keep, these stay within the 200 of an analysis.
FIGURES_COMMANDS = 10
SAMPLE_COMMANDS = 144
SLOWLOG_ENTRIES = 64
# Older entries of the slow log are of another time.
SLOWLOG_SECONDS = 300
# The server writes them all while nobody else is answered: above this many it is not asked.
MAX_CLIENTS_LISTED = 1_000
MAX_NAMES = 50
MAX_LETTERS = 60
CHANNELS = "cache_coherence:*"

# Commands whose first word is a key and whose cost grows with what lies there.
_OF_ONE_KEY = frozenset(
    {
        "GET",
        "SET",
        "HGETALL",
        "HKEYS",
        "HVALS",
        "LRANGE",
        "SMEMBERS",
        "ZRANGE",
        "ZRANGEBYSCORE",
        "SORT",
        "DEL",
        "UNLINK",
        "APPEND",
    }
)


class SlowEntry(NamedTuple):
    """`key` is empty for commands that are not about one key."""

    number: int
    at: float
    command: str
    milliseconds: float
    key: bytes
    client: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisFigures:
    """INFO, slow log, clients and subscribers: at most ten commands. A Redis that cannot be reached is a reading."""

    url: str
    clock: Clock
    name: str = "redis"

    async def read(self) -> Readings:
        begun = self.clock.monotonic()
        try:
            async with open_careful(self.url, max_commands=FIGURES_COMMANDS) as redis:
                return await self._ask(redis)
        except StoreUnavailable as error:
            outcome, address = outcome_of(error), read_address(self.url)
            if outcome == "timeout" and address.tls is not None and await speaks_plainly(address):
                outcome = "tls"
            return self._unread(outcome, begun, error.message)

    def _unread(self, outcome: RedisOutcome, begun: float, message: str) -> Readings:
        milliseconds = round((self.clock.monotonic() - begun) * 1000, 3)
        blind = BlindSpot(what=f"redis at {_shown(self.url)}", why=_WHYS.get(outcome, message), hint=_HINTS.get(outcome, ""))
        return Readings(readings=_reached(outcome, milliseconds), blind_spots=(blind,))

    async def _ask(self, redis: CarefulRedis) -> Readings:
        begun = self.clock.monotonic()
        blind: list[BlindSpot] = []
        try:
            time: Reply = await redis.ask("TIME")
        except StoreRefused as error:
            if error.kind == BUSY:
                return self._unread("busy", begun, error.message)
            blind.append(_refused("TIME", error))
            time = None
        milliseconds = (self.clock.monotonic() - begun) * 1000
        fields = read_info(_text(await self._info(redis, blind)))
        found = [*_reached("ok", round(milliseconds, 3)), *info_signals(fields, database=read_address(self.url).database)]
        now = _seconds(time)
        if now is not None:
            skew = now - (self.clock.timestamp() - (self.clock.monotonic() - begun) + milliseconds / 2000)
            found.append(reading("redis.clock_skew_seconds", round(skew, 2)))
            found += _slow(read_slowlog(await _try(redis, blind, "SLOWLOG", "GET", SLOWLOG_ENTRIES)), now)
        found += await self._clients(redis, blind, number_of(fields, "connected_clients"))
        found += await _subscribers(redis, blind)
        return Readings(readings=tuple(found), blind_spots=tuple(blind))

    async def _info(self, redis: CarefulRedis, blind: list[BlindSpot]) -> Reply:
        try:
            return await redis.ask("INFO", *SECTIONS)
        except StoreRefused as error:
            if error.kind != "ERR":
                blind.append(_refused("INFO", error))
                return None
        return await _try(redis, blind, "INFO", "all")  # before version 7 it takes one section

    async def _clients(self, redis: CarefulRedis, blind: list[BlindSpot], connected: float | None) -> list[Reading]:
        if connected is None or connected > MAX_CLIENTS_LISTED:
            blind.append(BlindSpot(what="CLIENT LIST", why="There may be too many clients to list them in passing."))
            return []
        return _client_signals(_text(await _try(redis, blind, "CLIENT", "LIST")))


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisKeys:
    """A sample of the keys: at most 144 commands, the server's own time in none of them above some hundred microseconds."""

    url: str
    clock: Clock
    name: str = "redis keys"

    async def read(self) -> Readings:
        sample, total, more, blind = await self._take()
        return Readings(readings=(*sample.signals(total), *more), blind_spots=tuple(blind))

    async def sample(self) -> KeySample:
        """The keys themselves. Raises `StoreUnavailable` and `StoreRefused`."""
        return (await self._take())[0]

    async def _take(self) -> tuple[KeySample, float | None, list[Reading], list[BlindSpot]]:
        blind: list[BlindSpot] = []
        async with open_careful(self.url, max_commands=SAMPLE_COMMANDS) as redis:
            size = await _try(redis, blind, "DBSIZE")
            suspects = _suspects(read_slowlog(await _try(redis, blind, "SLOWLOG", "GET", SLOWLOG_ENTRIES)))
            lfu = "lfu" in read_info(_text(await _try(redis, blind, "INFO", "memory"))).get("maxmemory_policy", "")
            try:
                sample = await sample_keys(redis, suspects=suspects, frequencies=lfu)
            except StoreRefused as error:
                blind.append(_refused("SCAN", error))
                sample = KeySample()
            more = await _spaces(redis, blind, sample.namespaces)
        return sample, float(size) if isinstance(size, int) else None, more, blind


def read_slowlog(reply: Reply) -> list[SlowEntry]:
    """The entries that are in the form; newest first, as the server gives them."""
    found = []
    for entry in reply if isinstance(reply, list) else []:
        match entry:
            case [int(number), int(at), int(usec), [bytes(command), *words], bytes(), bytes(client), *_]:
                name = command.decode("ascii", "replace").upper()[:MAX_LETTERS]
                key = words[0] if words and name in _OF_ONE_KEY and isinstance(words[0], bytes) else b""
                found.append(SlowEntry(number, float(at), name.lower(), usec / 1000, key, _name(client)))
    return found


def _slow(entries: list[SlowEntry], now: float) -> list[Reading]:
    recent = [one for one in entries if now - one.at <= SLOWLOG_SECONDS]
    worst: dict[str, SlowEntry] = {}
    for one in recent:
        if one.command not in worst or one.milliseconds > worst[one.command].milliseconds:
            worst[one.command] = one
    found = [
        reading("redis.slowlog_recent", float(count), command=name)
        for name, count in Counter(one.command for one in recent).items()
    ]
    if entries:
        found.append(reading("redis.slowlog_total", float(max(one.number for one in entries) + 1)))
    for name, one in worst.items():
        found.append(reading("redis.slowlog_ms", one.milliseconds, command=name))
        found.append(reading("redis.slowlog_client", one.client or "(no name)", command=name))
    return found


def _suspects(entries: list[SlowEntry]) -> list[bytes]:
    return list(dict.fromkeys(one.key for one in sorted(entries, key=lambda one: -one.milliseconds) if one.key))


def _client_signals(text: str) -> list[Reading]:
    counts: Counter[str] = Counter()
    fullest: dict[str, float] = defaultdict(float)
    for line in text.splitlines()[:MAX_CLIENTS_LISTED]:
        fields = dict(pair.partition("=")[::2] for pair in line.split(" "))
        name = fields.get("name", "")[:MAX_LETTERS] or "(no name)"
        if name == CLIENT_NAME:
            continue
        counts[name] += 1
        memory = fields.get("omem", "0")
        fullest[name] = max(fullest[name], float(memory) if memory.isdecimal() else 0.0)
    names = [name for name, _ in counts.most_common(MAX_NAMES)]
    return [
        *(reading("redis.clients_by_name", float(counts[name]), name=name) for name in names),
        *(reading("redis.client_output_bytes", fullest[name], name=name) for name in names),
    ]


async def _subscribers(redis: CarefulRedis, blind: list[BlindSpot]) -> list[Reading]:
    """Of the channels everybody hears; those to a single replica have one more part to their name."""
    channels = await _try(redis, blind, "PUBSUB", "CHANNELS", CHANNELS)
    common = [one for one in channels if isinstance(one, bytes) and one.count(b":") == 1] if isinstance(channels, list) else []
    return await _counted(redis, blind, sorted(common)[:MAX_NAMES])


async def _spaces(redis: CarefulRedis, blind: list[BlindSpot], namespaces: Iterable[str]) -> list[Reading]:
    """How many hear each cache's channel, also when nobody does."""
    return await _counted(redis, blind, [f"cache_coherence:{space}".encode() for space in namespaces], only_silent=True)


async def _counted(
    redis: CarefulRedis, blind: list[BlindSpot], channels: list[bytes], *, only_silent: bool = False
) -> list[Reading]:
    """`only_silent`: those that somebody hears are read elsewhere."""
    if not channels:
        return []
    reply = await _try(redis, blind, "PUBSUB", "NUMSUB", *channels)
    flat = (
        [*reply.items()]
        if isinstance(reply, dict)
        else [*zip(reply[::2], reply[1::2], strict=False)]
        if isinstance(reply, list)
        else []
    )
    return [
        reading("redis.subscribers", float(count), channel=channel.decode("utf-8", "replace")[:MAX_LETTERS])
        for channel, count in flat
        if isinstance(channel, bytes) and isinstance(count, int) and (not only_silent or count == 0)
    ]


async def _try(redis: CarefulRedis, blind: list[BlindSpot], *words: str | int | bytes) -> Reply:
    """None, and a blind spot, when this user may not ask it."""
    try:
        return await redis.ask(*words)
    except StoreRefused as error:
        blind.append(_refused(" ".join(str(word) for word in words[:2] if isinstance(word, str)), error))
        return None


def _refused(what: str, error: StoreRefused) -> BlindSpot:
    hint = "docs/operations/diagnostics.md has the permissions of a reader." if error.kind == "NOPERM" else ""
    return BlindSpot(what=f"redis {what}", why=f"Redis refused it: {error.kind}.", hint=hint)


def _reached(outcome: str, milliseconds: float) -> tuple[Reading, ...]:
    return (
        reading("redis.up", float(outcome == "ok")),
        reading("redis.probe_outcome", outcome),
        reading("redis.probe_ms", milliseconds),
    )


def _shown(url: str) -> str:
    return read_address(url).shown


def _name(client: bytes) -> str:
    return client.decode("utf-8", "replace")[:MAX_LETTERS]


def _text(reply: Reply) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else ""


def _seconds(time: Reply) -> float | None:
    match time:
        case [bytes(seconds), bytes(micros)] if seconds.isdigit() and micros.isdigit() and len(seconds) < 13:
            return int(seconds) + int(micros) / 1e6
    return None


_WHYS = {
    "dns": "Its name cannot be resolved.",
    "refused": "Nobody listens there: the connection was refused.",
    "unreachable": "No connection could be made.",
    "timeout": "It accepted the connection, or seemed to, and did not answer in time.",
    "busy": "It runs a script that has not ended for long, and answers nothing else.",
    "cut_off": "It closed the connection before it answered.",
    "too_large": "It answered with more than is read of a server that may not be trusted.",
    "tls": "No trusted connection: its certificate or its TLS is not accepted, or it speaks without TLS.",
    "unauthorized": "It refused our login.",
    "no_database": "It has no database of that number.",
    "garbage": "What answers there is no Redis that speaks RESP3: another service, or an old version.",
}
_HINTS = {
    "dns": "Check the host in REDIS_URL.",
    "refused": "Check port and process; another instance may have moved.",
    "timeout": "Look whether the process is stopped or busy with one command.",
    "unauthorized": "Check user and password in REDIS_URL.",
    "no_database": "Check the number at the end of REDIS_URL: there are 16, from 0, unless it is told otherwise.",
    "cut_off": "Where it wants TLS, REDIS_URL begins with rediss://.",
    "tls": "Without TLS REDIS_URL begins with redis://; an authority of your own is named by ?ssl_ca_certs=FILE at its end.",
    "too_large": "Check that REDIS_URL names a Redis of your own.",
    "garbage": "Check port in REDIS_URL, and that the server is version 6 or later.",
}
