"""Whatever comes over a connection, in whatever pieces: one that knows heads again does what one that knows none does."""

import asyncio
from itertools import chain, pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from mcp_gateway.entrypoints.mcp.bounded_http import BoundedHttp
from mcp_gateway.entrypoints.mcp.hosting import server_config
from mcp_gateway.entrypoints.mcp.quick_http import QuickHttp, kept_of

POST = b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
# More than a request of these takes until it is answered.
TURNS = 12

requests = st.sampled_from(
    [
        POST % 4 + b"one.",
        POST % 4 + b"two.",
        POST % 0,
        POST % 8 + b"one.\r\n\r\n",
        (POST % 4).replace(b"Host: a", b"Host: b") + b"six.",
        (POST % 4).replace(b"Host: a", b"Host: a\r\nExpect: 100-continue") + b"one.",
        (POST % 4).replace(b"Host: a", b"Host: a\r\nConnection: close") + b"one.",
        (POST % 4).replace(b"1.1", b"1.0") + b"one.",
        (POST % 4).replace(b"POST", b"PUT") + b"one.",
        b"POST /mcp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none.\r\n0\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\none.",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n",
        b"one.",
        POST % 4,
        (POST % 4)[:-2],
        b"HEAD / HTTP/1.1\r\n\r\n",
    ]
)
# Where a stretch of bytes is cut, as shares of its length.
cuts = st.lists(st.floats(0, 1), max_size=6)


class Wire(asyncio.Transport):
    """The other side of a connection: what was said to it."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.said += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Application:
    """Says what it was asked; keeps something of every head it may."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.known = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = kept_of(scope)
        if kept is not None:
            self.known += bool(kept)
            kept["seen"] = True
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        told = (scope["method"], scope["path"], scope["http_version"], tuple(scope["headers"]), body)
        self.asked.append(told)
        answer = repr(told).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
        await send({"type": "http.response.body", "body": answer})


async def carried(protocol: type[BoundedHttp], pieces: list[bytes]) -> tuple[bytes, bool, list[object], int]:
    application, wire = Application(), Wire()
    config: Config = server_config(application)
    config.load()
    connection = protocol(config=config, server_state=ServerState(), app_state={})
    connection.connection_made(wire)
    for piece in pieces:
        if not wire.closed:
            connection.data_received(piece)
        for _ in range(TURNS):
            await asyncio.sleep(0)
    connection.connection_lost(None)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    return wire.said, wire.closed, application.asked, application.known


def cut(stream: bytes, shares: list[float]) -> list[bytes]:
    places = sorted({0, len(stream), *(int(share * len(stream)) for share in shares)})
    return [stream[begin:end] for begin, end in pairwise(places)]


# One after another, most of them whole; or run together and cut anywhere.
singly = st.lists(st.builds(cut, requests, st.lists(st.floats(0, 1), max_size=1)), max_size=6).map(
    lambda found: [*chain.from_iterable(found)]
)
together = st.builds(lambda sent, shares: cut(b"".join(sent), shares), st.lists(requests, max_size=6), cuts)


@given(singly | together)
@example([POST % 4 + b"one.", POST % 4 + b"two."])
@settings(max_examples=500)
def test_a_connection_that_knows_heads_again_is_as_one_that_does_not(pieces: list[bytes]) -> None:
    plain = asyncio.run(carried(BoundedHttp, pieces))
    quick = asyncio.run(carried(QuickHttp, pieces))
    assert quick[:3] == plain[:3]


def test_a_head_is_known_again_in_this_test_too() -> None:
    assert asyncio.run(carried(QuickHttp, [POST % 4 + b"one.", POST % 4 + b"two."]))[3] == 1
