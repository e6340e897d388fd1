"""A head that came before over the same connection is not read again, and nobody can tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from mcp_gateway.entrypoints.mcp.hosting import listen_on, server_config
from mcp_gateway.entrypoints.mcp.quick_http import MAX_KNOWN, QuickHttp, kept_of

pytestmark = pytest.mark.anyio

HEAD = b"POST /a%20b?x=1 HTTP/1.1\r\nHost: localhost\r\nX-Odd:  two words \r\nContent-Length: 4\r\n\r\n"


class Application:
    """Notes what it is asked; answers with the body it got, in the way it is told."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.known: list[bool] = []
        self.answer = "whole"
        self.keeps = True
        self.gone = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = kept_of(scope)
        self.known.append(bool(kept))
        if kept is not None and self.keeps:
            kept["seen"] = True
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.scopes.append({name: value for name, value in scope.items() if name not in ("state", "extensions")})
        await getattr(self, self.answer)(scope, receive, send, body)

    async def whole(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    async def in_pieces(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for letter in body:
            await send({"type": "http.response.body", "body": bytes([letter]), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def hidden_header(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        headers = [(b"content-length", b"4"), (b"x-a", b"1\r\nx-b: 2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def broken(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        raise RuntimeError("nobody thought of this")

    async def until_gone(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        assert (await receive())["type"] == "http.disconnect"
        self.gone.set()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, *parts: bytes) -> bytes:
        """The body of the answer, or all that is left where the connection is closed."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
        return await self.answer()

    async def answer(self) -> bytes:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        if b"chunked" in head:
            whole = await asyncio.wait_for(self.reader.readuntil(b"0\r\n\r\n"), 10)
            return b"".join(line for line in whole.split(b"\r\n")[1::2])
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        return await asyncio.wait_for(self.reader.readexactly(length), 10)


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
async def port(application: Application) -> AsyncIterator[int]:
    config = server_config(application)
    config.load()
    listener, state = listen_on("127.0.0.1", 0), ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: QuickHttp(config=config, server_state=state, app_state={}), sock=listener
    )
    yield listener.getsockname()[1]
    server.close()
    for connection in list(state.connections):
        connection.shutdown()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def test_the_second_request_with_the_same_head_is_as_the_first(port: int, application: Application) -> None:
    async with connected(port) as client:
        assert [await client.ask(HEAD + body) for body in (b"one.", b"two.", b"six.")] == [b"one.", b"two.", b"six."]
    assert application.known == [False, True, True]
    assert application.scopes[0] == application.scopes[1] == application.scopes[2]
    assert application.scopes[1]["path"] == "/a b"
    assert (b"host", b"localhost") in application.scopes[1]["headers"]


async def test_what_one_request_does_to_its_headers_the_next_does_not_see(port: int, application: Application) -> None:
    async with connected(port) as client:
        await client.ask(HEAD + b"one.")
        await client.ask(HEAD + b"two.")
        application.scopes[1]["headers"].clear()
        await client.ask(HEAD + b"six.")
    assert application.scopes[2]["headers"] == application.scopes[0]["headers"]


async def test_a_head_of_which_nothing_was_kept_is_read_again(port: int, application: Application) -> None:
    application.keeps = False
    async with connected(port) as client:
        assert await client.ask(HEAD + b"one.") == b"one."
        assert await client.ask(HEAD + b"two.") == b"two."
    assert application.known == [False, False]


async def test_nothing_is_known_on_another_connection(port: int, application: Application) -> None:
    for _ in range(2):
        async with connected(port) as client:
            await client.ask(HEAD + b"one.")
    assert application.known == [False, False]


@pytest.mark.parametrize(
    "parts",
    [(HEAD, b"two."), (HEAD[:20], HEAD[20:] + b"two."), (HEAD + b"tw", b"o.")],
    ids=["head and body", "in the head", "in the body"],
)
async def test_a_request_in_parts_is_answered_however_often_its_head_was_seen(
    port: int, application: Application, parts: tuple[bytes, ...]
) -> None:
    async with connected(port) as client:
        assert await client.ask(HEAD + b"one.") == b"one."
        assert await client.ask(*parts) == b"two."
        assert await client.ask(HEAD + b"six.") == b"six."


async def test_requests_sent_in_one_go_are_answered_in_their_order(port: int) -> None:
    async with connected(port) as client:
        assert await client.ask(HEAD + b"one.") == b"one."
        assert await client.ask(HEAD + b"two." + HEAD + b"six." + HEAD[:9]) == b"two."
        assert await client.answer() == b"six."
        assert await client.ask(HEAD[9:] + b"ten.") == b"ten."


async def test_a_request_that_comes_before_the_last_answer_waits_for_its_turn(port: int) -> None:
    async with connected(port) as client:
        await client.ask(HEAD + b"one.")
        client.writer.write(HEAD + b"two.")
        await client.writer.drain()
        assert await client.ask(HEAD + b"six.") == b"two."
        assert await client.answer() == b"six."


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nX-A: 1\r\nX-A: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 04\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 5_000 + b"\r\nContent-Length: 4\r\n\r\n",
    ],
    ids=["chunked", "connection", "twice", "an odd length", "long"],
)
async def test_an_unusual_head_is_read_every_time(port: int, application: Application, head: bytes) -> None:
    ending = b"\r\n0\r\n\r\n" if b"chunked" in head else b""
    async with connected(port) as client:
        assert await client.ask(head + b"one." + ending) == b"one."
        assert await client.ask(head + b"two." + ending) == b"two."
    assert application.known == [False, False]


async def test_a_head_that_is_refused_is_refused_every_time(port: int) -> None:
    async with connected(port) as client:
        await client.ask(HEAD + b"one.")
        assert b"Invalid HTTP request" in await client.ask(HEAD.replace(b"POST", b"P ST") + b"two.")


async def test_no_connection_keeps_more_heads_than_a_few(port: int, application: Application) -> None:
    heads = [HEAD.replace(b"x=1", b"x=%d" % number) for number in range(MAX_KNOWN + 1)]
    async with connected(port) as client:
        for head in [*heads, heads[0], heads[-1]]:
            assert await client.ask(head + b"one.") == b"one."
    assert application.known[-2:] == [False, True]


async def test_a_stream_is_sent_piece_by_piece(port: int, application: Application) -> None:
    application.answer = "in_pieces"
    async with connected(port) as client:
        assert [await client.ask(HEAD + b"one."), await client.ask(HEAD + b"two.")] == [b"one.", b"two."]


async def test_an_answer_that_breaks_off_before_its_body_is_told_as_an_error(port: int, application: Application) -> None:
    async with connected(port) as client:
        await client.ask(HEAD + b"one.")
        application.answer = "broken"
        client.writer.write(HEAD + b"two.")
        assert (await asyncio.wait_for(client.reader.read(), 10)).startswith(b"HTTP/1.1 500 ")


async def test_no_header_hides_in_the_value_of_another(port: int, application: Application) -> None:
    async with connected(port) as client:
        await client.ask(HEAD + b"one.")
        application.answer = "hidden_header"
        client.writer.write(HEAD + b"two.")
        said = await asyncio.wait_for(client.reader.read(), 10)
        assert b"x-b" not in said


async def test_a_client_that_goes_away_is_missed(port: int, application: Application) -> None:
    async with connected(port) as client:
        await client.ask(HEAD + b"one.")
        application.answer = "until_gone"
        client.writer.write(HEAD + b"two.")
        await client.writer.drain()
    await asyncio.wait_for(application.gone.wait(), 10)
