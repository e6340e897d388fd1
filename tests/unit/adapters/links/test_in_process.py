"""Requests into an application of this process."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs
from tests.upstreams.reaching import CLIENT, PATIENCE, calling, until

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.in_process import AsgiSending
from mcp_gateway.adapters.links.modern import ModernLink
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.errors import (
    UpstreamAnswerTooLarge,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from mcp_gateway.federation.model import Client
from mcp_gateway.registry.model import Server, ServerLimits

pytestmark = pytest.mark.anyio

RESULT = b'{"jsonrpc":"2.0","id":7,"result":{}}'
NOTE = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{}}'


def state_of(client: Client) -> MutableMapping[str, Any]:
    return {"caller": client.caller}


def link_to(app: ASGIApp, limits: ServerLimits = PATIENCE) -> ModernLink:
    sending = AsgiSending(app, target="/mcp", state_of=state_of, faults=Faults("tables"), limits=limits)
    server = Server(name="tables", transport="built_in", limits=limits)
    return ModernLink(server, sending, clock=SystemClock(), definition_of=lambda _: None)


async def start(send: Send, kind: bytes = b"application/json", status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})


async def say(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def test_the_request_arrives_as_over_http_with_its_caller() -> None:
    seen: list[Scope] = []
    bodies: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        bodies.append((await receive())["body"])
        await start(send)
        await say(send, RESULT, more=False)

    caller = Caller(tenant="t", subject="ann")
    reply = await link_to(app).send(calling(client=Client(caller=caller, token="callers-own")))
    assert (reply.status, reply.body) == (200, RESULT)
    (scope,) = seen
    headers = dict(scope["headers"])
    assert (scope["method"], scope["path"], scope["state"]) == ("POST", "/mcp", {"caller": caller})
    assert (headers[b"mcp-method"], headers[b"mcp-name"], headers[b"host"]) == (b"tools/call", b"echo", b"127.0.0.1:80")
    assert headers[b"content-length"] == str(len(bodies[0])).encode()
    assert b"callers-own" not in str(scope).encode() + bodies[0]


async def test_messages_of_a_stream_come_as_they_are_sent() -> None:
    heard = asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send, b"text/event-stream")
        await say(send, b"data: " + NOTE + b"\n\n")
        await heard.wait()
        await say(send, b"data: " + RESULT + b"\n\n")
        await say(send, b"", more=False)

    link = link_to(app)
    reply = await link.send(calling())
    assert reply.events is not None
    assert await anext(reply.events) == NOTE
    heard.set()
    assert [message async for message in reply.events] == [RESULT]
    await until(lambda: link.active == 0)


async def test_a_long_answer_comes_in_pieces_no_faster_than_it_is_read() -> None:
    said = 0

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal said
        await start(send)
        await say(send, b"{")
        for _ in range(100):
            await say(send, b" " * 65_536)
            said += 1
        await say(send, b"}", more=False)

    reply = await link_to(app).send(calling())
    assert reply.chunks is not None
    for _ in range(50):
        await asyncio.sleep(0)
    assert said < 12
    assert sum([len(piece) async for piece in reply.chunks]) == 2 + 100 * 65_536


async def test_closing_a_reply_is_a_disconnect_to_the_application() -> None:
    told: list[str] = []

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await start(send, b"text/event-stream")
        await say(send, b"data: " + NOTE + b"\n\n")
        told.append((await receive())["type"])

    link = link_to(app)
    reply = await link.send(calling())
    await reply.close()
    await reply.close()
    await until(lambda: told == ["http.disconnect"])
    assert link.active == 0


async def test_an_application_that_does_not_listen_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.adapters.links.in_process._LEAVE_SECONDS", 0.01)
    ended = asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    link = link_to(app)
    call = asyncio.create_task(link.send(calling()))
    await until(lambda: link.active == 1)
    call.cancel()
    await asyncio.wait_for(ended.wait(), 20)
    assert link.active == 0


async def breaks(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError("secret rows")


async def says_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None: ...


async def stops_halfway(_scope: Scope, _receive: Receive, send: Send) -> None:
    await start(send)
    await say(send, b"{")


async def hangs(_scope: Scope, receive: Receive, _send: Send) -> None:
    await receive()
    await receive()


async def pours(_scope: Scope, _receive: Receive, send: Send) -> None:
    await start(send)
    for _ in range(50):
        await say(send, b"x" * 10_000)


@pytest.mark.parametrize(
    ("app", "error"),
    [
        (breaks, UpstreamMisbehaved),
        (says_nothing, UpstreamLost),
        (stops_halfway, UpstreamLost),
        (hangs, UpstreamTimedOut),
        (pours, UpstreamAnswerTooLarge),
    ],
)
async def test_an_application_that_fails_is_told_as_an_upstream_that_does(app: ASGIApp, error: type[GatewayError]) -> None:
    link = link_to(app, ServerLimits(timeout_seconds=0.2, max_answer_bytes=100_000))
    with capture_logs() as logs, pytest.raises(error) as fault:
        await link.send(calling())
    assert "secret" not in str(fault.value.to_dict())
    assert [entry["event"] for entry in logs] == (["embedded_server_failed"] if app is breaks else [])
    assert link.active == 0


async def test_closing_the_link_ends_what_is_under_way() -> None:
    link = link_to(hangs)
    call = asyncio.create_task(link.send(calling()))
    await until(lambda: link.active == 1)
    await link.close()
    with pytest.raises(UpstreamLost):
        await call
    with pytest.raises(UpstreamUnreachable):
        await link.send(calling())


async def test_a_standing_stream_is_not_ended_by_the_time_of_a_call() -> None:
    go = asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send, b"text/event-stream")
        await say(send, b"data: " + NOTE + b"\n\n")
        await go.wait()
        await say(send, b"data: " + NOTE + b"\n\n")

    link = link_to(app, ServerLimits(timeout_seconds=0.05))
    request = calling(client=CLIENT)
    request = type(request)(id=1, method="subscriptions/listen", params={"notifications": {}}, client=CLIENT)
    reply = await link.send(request)
    assert reply.events is not None
    assert await anext(reply.events) == NOTE
    await asyncio.sleep(0.1)
    go.set()
    assert await anext(reply.events) == NOTE
    await reply.close()
