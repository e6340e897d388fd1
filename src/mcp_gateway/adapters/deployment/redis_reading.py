"""Redis asked with care: a few read-only commands, counted, each bounded in time and size. What is not on the list is refused.

No KEYS, MONITOR, CONFIG, DEBUG, FLUSH*, EVAL or write ever leaves through this, and no cached value is read: HGET and GET are for
the versions a value was stored under, GETRANGE and STRLEN for what a limiter counts.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

from mcp_gateway.adapters.deployment.errors import CommandNotReadOnly, TooManyCommands
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.address import Address
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.packing import Word
from mcp_gateway.kit.redis.wire import Reply

RedisOutcome: TypeAlias = Literal[
    "ok", "dns", "refused", "unreachable", "timeout", "busy", "cut_off", "tls", "unauthorized", "no_database", "garbage",
    "too_large",
]  # fmt: skip

CLIENT_NAME = "mcp-gateway-diagnostics"
# For one analysis, however many parts of it ask.
MAX_COMMANDS = 200
CONNECT_SECONDS = 1.5
COMMAND_SECONDS = 1.5
PLAIN_SECONDS = 0.5
MAX_REPLY_BYTES = 4_000_000
# Sent together: the server answers others between two such bursts.
BURST = 16
# A sample that is not whole by then, on a busy machine or a slow line, is a smaller sample.
SAMPLING_SECONDS = 2.0

# What a server answers while a script runs for longer than it is usual to wait.
BUSY = "BUSY"

ALLOWED = frozenset(
    {
        "PING", "TIME", "INFO", "DBSIZE", "SCAN", "PTTL", "XREVRANGE", "HGET", "GET", "SLOWLOG GET", "CLIENT LIST",
        "MEMORY USAGE", "OBJECT FREQ", "PUBSUB NUMSUB", "PUBSUB CHANNELS", "GETRANGE", "STRLEN",
    }
)  # fmt: skip
_TWO_WORDS = frozenset({"SLOWLOG", "CLIENT", "MEMORY", "OBJECT", "PUBSUB"})


# Versions of tags, the one kind of value that is read.
_TAG = re.compile(r"cache:\{[^{}]+\}:[0-9a-f]{1,16}:t:")


class CarefulRedis:
    """`spent` counts the commands sent. Use `open_careful`."""

    def __init__(self, connection: RedisConnection, *, max_commands: int = MAX_COMMANDS) -> None:
        self._connection, self._left = connection, max_commands
        self._time = asyncio.get_running_loop().time
        self._began = self._time()
        self.spent = 0
        self.shown_address = connection.shown_address

    async def ask(self, *words: Word) -> Reply:
        """Raises `StoreUnavailable`, `StoreRefused` and `TooManyCommands`."""
        name = str(words[0]).upper()
        if name in _TWO_WORDS:
            name = f"{name} {str(words[1]).upper()}"
        if name not in ALLOWED or not _narrow(name, words):
            raise CommandNotReadOnly(f"{name} is not for diagnoses.")
        if self._left <= 0:
            raise TooManyCommands(spent=self.spent)
        self._left -= 1
        self.spent += 1
        return await self._connection.call(*words, timeout_seconds=COMMAND_SECONDS)

    @property
    def seconds_spent(self) -> float:
        """Since the line was opened."""
        return self._time() - self._began

    async def ask_each(self, commands: Sequence[tuple[Word, ...]]) -> list[Reply]:
        """Their replies in order, None where one was refused or `SAMPLING_SECONDS` had passed.

        Raises `StoreUnavailable` and `TooManyCommands`.
        """
        replies: list[Reply] = []
        for start in range(0, len(commands), BURST):
            if self.seconds_spent > SAMPLING_SECONDS:
                break
            replies += await asyncio.gather(*(self._or_none(words) for words in commands[start : start + BURST]))
        return [*replies, *[None] * (len(commands) - len(replies))]

    async def _or_none(self, words: tuple[Word, ...]) -> Reply:
        try:
            return await self.ask(*words)
        except StoreRefused:
            return None


def _narrow(name: str, words: Sequence[Word]) -> bool:
    """GET reads the version of a tag alone, HGET only which tags a value was stored under, GETRANGE only a limiter's keys."""
    if name in {"GETRANGE", "STRLEN"}:
        return isinstance(words[1], bytes) and words[1].startswith(b"rate_limit:")
    if name == "GET":
        return isinstance(words[1], str) and _TAG.match(words[1]) is not None
    return name != "HGET" or words[2] == "g"


@asynccontextmanager
async def open_careful(url: str, *, max_commands: int = MAX_COMMANDS) -> AsyncIterator[CarefulRedis]:
    """A line of its own for one analysis. Raises `StoreUnavailable` (see `outcome_of`) and `InvalidStoreUrl`."""
    async with await RedisConnection.open(
        url,
        timeout_seconds=COMMAND_SECONDS,
        connect_timeout_seconds=CONNECT_SECONDS,
        client_name=CLIENT_NAME,
        max_reply_bytes=MAX_REPLY_BYTES,
    ) as connection:
        yield CarefulRedis(connection, max_commands=max_commands)


def outcome_of(error: StoreUnavailable) -> RedisOutcome:
    """Why there is no connection."""
    cause = error.__cause__
    if isinstance(cause, StoreRefused):
        return _of_refusal(cause)
    if isinstance(cause, TimeoutError):
        return "timeout"
    if isinstance(cause, OSError):
        return _of_system(cause)
    match error.data.get("why"):
        case "garbage":
            return "garbage"
        case "too_large":
            return "too_large"
        case "late":
            return "timeout"
    return "timeout" if "does not answer" in error.message else "cut_off"


def _of_refusal(error: StoreRefused) -> RedisOutcome:
    if error.kind == BUSY:
        return "busy"
    if error.kind in {"WRONGPASS", "NOAUTH", "NOPERM"}:
        return "unauthorized"
    return "no_database" if "DB index" in error.message else "garbage"


async def speaks_plainly(address: Address) -> bool:
    """Whether somebody who keeps silent when TLS is begun with him answers without it. Tells him nothing but PING."""
    try:
        async with asyncio.timeout(PLAIN_SECONDS):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            try:
                writer.write(b"PING\r\n")
                return await reader.read(1) in {b"+", b"-"}
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _of_system(error: OSError) -> RedisOutcome:
    kind = type(error).__name__
    if kind == "gaierror":
        return "dns"
    if kind.startswith("SSL"):
        return "tls"
    # With several addresses for a name the system's errors arrive as one, in words.
    if isinstance(error, ConnectionRefusedError | FileNotFoundError) or "Connect call failed" in str(error):
        return "refused"
    return "unreachable"
