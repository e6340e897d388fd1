"""Servers that claim more than is read: refused by what they claim, before a parser makes room for it."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

import pytest

from mcp_gateway.kit.errors import StoreUnavailable
from mcp_gateway.kit.redis.bounds import MAX_ELEMENTS, MAX_LINE_BYTES, ReplyBounds
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio

MAX_BYTES = 1_000_000
MANY = str(MAX_ELEMENTS + 1).encode()
SOME = str(MAX_ELEMENTS // 2).encode()


@contextlib.asynccontextmanager
async def answering(ping: bytes) -> AsyncIterator[str]:
    """A server that greets as it should and answers PING with what it is given, and then with nothing more."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                words = [await reader.readexactly(int((await reader.readline())[1:]) + 2) for _ in range(int(line[1:]))]
                writer.write({b"PING\r\n": ping, b"INFO\r\n": b"$0\r\n\r\n"}.get(words[0], b"%0\r\n"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "reply",
    [
        b"*1000000000\r\n" + b":1\r\n" * 1_000,
        b"~%b\r\n" % MANY,
        b"%%%b\r\n" % MANY,
        b">%b\r\n" % MANY,
        b"|%b\r\n+a\r\n" % MANY,
        b"%%%b\r\n" % SOME + b"+a\r\n" * 3,
        b"*2\r\n*%b\r\n" % MANY,
        b"*2\r\n*1\r\n:1\r\n*%b\r\n" % MANY,
        b"*3\r\n*%b\r\n*%b\r\n" % (SOME, SOME),
        (b">1\r\n*%b\r\n" % SOME + b":1\r\n" * int(SOME)) * 2,
        b"*01\r\n",
        b"*99999999999999999999\r\n",
        b"$2000000\r\n",
        b"=2000000\r\n",
        b"+" + b"x" * 200_000,
    ],
)
async def test_a_line_that_claims_too_much_is_given_up_at_once_and_nothing_is_kept_for_it(reply: bytes) -> None:
    async with (
        answering(reply) as url,
        await RedisConnection.open(url, timeout_seconds=20.0, max_reply_bytes=MAX_BYTES) as connection,
    ):
        with pytest.raises(StoreUnavailable):
            await connection.call("PING")
    assert not [one for one in gc.get_objects() if type(one) is list and len(one) > MAX_ELEMENTS and one[-1] is None]


async def test_a_map_whose_keys_are_lists_costs_the_line_and_no_more() -> None:
    async with answering(b"%1\r\n*1\r\n:1\r\n:2\r\n") as url, await RedisConnection.open(url, timeout_seconds=20.0) as connection:
        with pytest.raises(StoreUnavailable):
            await connection.call("PING")


WHOLE = [
    b"+OK\r\n",
    b"-ERR no\r\n",
    b"$-1\r\n",
    b"$0\r\n\r\n",
    b"$20\r\n*1000000000\r\nabcdef\r\n",
    b"=7\r\ntxt:abc\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*2\r\n%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n_\r\n",
    b">3\r\n$1\r\na\r\n,1.5\r\n#t\r\n",
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000_000])
def test_sound_replies_are_followed_however_they_are_cut(size: int) -> None:
    bounds = ReplyBounds(max_bytes=400, max_elements=12)
    stream = b"".join(WHOLE) * 50
    assert all(bounds.allow(stream[at : at + size]) for at in range(0, len(stream), size))
    assert not bounds.allow(b"*13\r\n")


@pytest.mark.parametrize("size", [1, 5, 64, 1_000])
def test_bytes_are_counted_since_the_last_whole_reply(size: int) -> None:
    push, reply = b">1\r\n$50\r\n" + b"x" * 50 + b"\r\n", b"$50\r\n" + b"x" * 50 + b"\r\n"
    assert _allowed((push + reply) * 20, size)
    assert not _allowed(reply + push * 3, size)


def _allowed(stream: bytes, size: int) -> bool:
    bounds = ReplyBounds(max_bytes=140)
    return all(bounds.allow(stream[at : at + size]) for at in range(0, len(stream), size))


def test_a_line_that_never_ends_is_not_kept() -> None:
    bounds = ReplyBounds(max_bytes=10 * MAX_LINE_BYTES)
    assert bounds.allow(b"+" + b"x" * (MAX_LINE_BYTES - 1))
    assert not bounds.allow(b"x")
