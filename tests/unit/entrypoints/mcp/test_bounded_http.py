"""Requests as bytes on a socket, from somebody who does not keep to what is usual."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from mcp_gateway.entrypoints.mcp import bounded_http
from mcp_gateway.entrypoints.mcp.bounded_http import MAX_HEAD_BYTES, BoundedHttp
from mcp_gateway.entrypoints.mcp.hosting import listen_on, server_config

pytestmark = pytest.mark.anyio

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


async def _tell(scope: Scope, receive: Receive, send: Send) -> None:
    """The scheme and address of the caller, once the whole body is there."""
    while (await receive()).get("more_body"):
        pass
    told = f"{scope['scheme']} {scope['client'][0]}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(told)).encode())]})
    await send({"type": "http.response.body", "body": told})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = server_config(_tell)
    config.load()
    listener = listen_on("127.0.0.1", 0)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}), sock=listener
    )
    yield listener.getsockname()[1]
    server.close()
    for connection in list(state.connections):
        connection.shutdown()


async def answer(port: int, *parts: bytes) -> bytes:
    """Everything that comes back until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b"cut off"
    finally:
        writer.close()


async def test_an_honest_request_is_answered(port: int) -> None:
    assert (await answer(port, HEAD + b"Connection: close\r\n\r\n")).endswith(b"http 127.0.0.1")


@pytest.mark.parametrize(
    "endless",
    [b"x: y\r\n" * 1_000, b"X: " + b"a" * 9_000, b"a" * 9_000],
    ids=["many headers", "long headers", "a header without an end"],
)
async def test_a_head_that_does_not_end_is_cut_off_before_it_fills_the_memory(port: int, endless: bytes) -> None:
    said = await answer(port, HEAD, *[endless] * 200)
    assert said == b"cut off" or said.startswith(b"HTTP/1.1 400 ")


async def test_an_address_that_does_not_end_is_cut_off(port: int) -> None:
    said = await answer(port, b"GET /", *[b"a" * 9_000] * 200)
    assert said == b"cut off" or said.startswith(b"HTTP/1.1 400 ")


async def test_the_head_of_a_second_request_is_bounded_too(port: int) -> None:
    said = await answer(port, HEAD + b"\r\n", HEAD, *[b"x: y\r\n" * 1_000] * 200)
    assert said == b"cut off" or b"HTTP/1.1 400 " in said


async def test_a_long_body_is_no_long_head(port: int) -> None:
    size = 4 * MAX_HEAD_BYTES
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    assert (await answer(port, head, *[b"x" * 1_024] * (size // 1_024))).startswith(b"HTTP/1.1 200 ")


async def test_requests_after_a_long_body_are_still_answered(port: int) -> None:
    size = 2 * MAX_HEAD_BYTES
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode()
    said = await answer(port, head + b"x" * size, HEAD, b"Connection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 ") == 2


@pytest.mark.parametrize("begun", [b"", HEAD], ids=["nothing", "half a head"])
async def test_who_says_nothing_more_is_not_waited_for(port: int, begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.05)
    assert await answer(port, begun) == b""


async def test_a_body_that_does_not_come_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "BODY_SECONDS", 0.05)
    assert await answer(port, POST + b"Content-Length: 10\r\n\r\n", b"half") == b""


async def test_a_body_in_parts_is_waited_for(port: int) -> None:
    told = await answer(port, POST + b"Connection: close\r\nContent-Length: 8\r\n\r\n", b"half", b"half")
    assert told.endswith(b"http 127.0.0.1")


async def test_forwarding_headers_change_neither_scheme_nor_address(port: int) -> None:
    """Ten failed sign-ins an address are a bound only where nobody chooses an address."""
    forged = b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9;proto=https\r\n"
    assert (await answer(port, HEAD + forged + b"Connection: close\r\n\r\n")).endswith(b"http 127.0.0.1")
