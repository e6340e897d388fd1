"""MCP endpoints behind the door: no caller, no message; and a session belongs to whoever opened it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from starlette.routing import Mount, Route
from starlette.types import ASGIApp
from tests.live_servers import served
from tests.unit.entrypoints.http.guarded import Guarded, open_guarded

from mcp_gateway.access.sessions.errors import SessionsAway
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.app import HttpOptions, mcp_application
from mcp_gateway.entrypoints.mcp import guard, hosting
from mcp_gateway.entrypoints.mcp.changes import ChangeFeed
from mcp_gateway.entrypoints.mcp.guard import McpGuard
from mcp_gateway.entrypoints.mcp.hosting import mcp_app
from mcp_gateway.entrypoints.mcp.offer import Arguments, Call, OfferedResource, ResourceText, ToolOutput, offer_tool
from mcp_gateway.entrypoints.mcp.server import Identity, McpFace

pytestmark = pytest.mark.anyio

ACCEPT = {"Accept": "application/json, text/event-stream"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
WHO = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "who", "arguments": {}}}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


class Nothing(Arguments):
    pass


def who_face() -> McpFace:
    async def run(_: Nothing, call: Call) -> ToolOutput:
        return ToolOutput(structured={"tenant": call.caller.tenant, "subject": call.caller.subject})

    async def read(caller: Caller) -> ResourceText:
        return ResourceText(text=f"{caller.tenant}/{caller.subject}", ttl_ms=0)

    return McpFace(
        identity=Identity(name="who", title="Who", description="Says who calls.", instructions=""),
        tools=[offer_tool(name="who", title="Who", description="Who calls.", arguments=Nothing, returns=dict[str, str], run=run)],
        resources=[OfferedResource(uri="who://me", name="me", title="Me", description="Who reads.", read=read)],
        changes=ChangeFeed(),
    )


@asynccontextmanager
async def open_application(gate: Guarded) -> AsyncIterator[ASGIApp]:
    inner = mcp_app(who_face(), guard=partial(McpGuard, sessions=gate.access.sessions))
    options = HttpOptions(
        version="1", allowed_origins=(), hosts=(), max_body_bytes=10_000, mcp_endpoints=("/mcp", "/servers/who/mcp")
    )
    routes = [Route("/mcp", endpoint=inner), Mount("/servers/who", app=inner)]
    app = mcp_application(routes, options, clock=gate.clock, new_id=lambda: "id", access=gate.access)
    async with inner.router.lifespan_context(inner):
        yield app


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded() as opened:
        yield opened


@pytest.fixture
async def endpoint(gate: Guarded) -> AsyncIterator[httpx.AsyncClient]:
    async with open_application(gate) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8001", timeout=20) as client:
            yield client


async def opened_by(endpoint: httpx.AsyncClient, credentials: Mapping[str, str]) -> dict[str, str]:
    """A session of the handshake era; the headers that continue it."""
    reply = await endpoint.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **credentials})
    assert reply.status_code == 200, reply.text
    named = {"Mcp-Session-Id": reply.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    await endpoint.post("/mcp", json=ready, headers={**ACCEPT, **credentials, **named})
    return named


async def ask_who(endpoint: httpx.AsyncClient, headers: Mapping[str, str]) -> httpx.Response:
    return await endpoint.post("/mcp", json=WHO, headers={**ACCEPT, **headers})


@pytest.mark.parametrize("path", ["/mcp", "/servers/who/mcp", "/servers/who/sse", "/servers/who/messages/?session_id=0"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_no_message_is_taken_from_a_stranger(endpoint: httpx.AsyncClient, method: str, path: str) -> None:
    reply = await endpoint.request(method, path, headers=ACCEPT)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Bearer resource_metadata=")


async def test_the_refusal_names_the_metadata_of_the_very_endpoint(endpoint: httpx.AsyncClient) -> None:
    reply = await endpoint.post("/servers/who/mcp", json=INITIALIZE, headers=ACCEPT)
    where = reply.headers["www-authenticate"].split('"')[1]
    assert where == "http://localhost:8001/.well-known/oauth-protected-resource/servers/who/mcp"
    assert (await endpoint.get(where)).json()["resource"] == "http://localhost:8001/servers/who/mcp"


async def test_tools_and_resources_know_their_caller(gate: Guarded, endpoint: httpx.AsyncClient) -> None:
    modern = {**ACCEPT, "MCP-Protocol-Version": "2026-07-28"}
    call: dict[str, Any] = {**WHO, "params": {**WHO["params"], "_meta": META}}  # type: ignore[dict-item]  # a request's parameters
    read = {"jsonrpc": "2.0", "id": 3, "method": "resources/read", "params": {"uri": "who://me", "_meta": META}}

    called = await endpoint.post(
        "/mcp", json=call, headers={**modern, **gate.bearer(), "Mcp-Method": "tools/call", "Mcp-Name": "who"}
    )
    seen = await endpoint.post(
        "/mcp",
        json=read,
        headers={**modern, **gate.bearer(subject="eve"), "Mcp-Method": "resources/read", "Mcp-Name": "who://me"},
    )

    assert '"tenant":"acme","subject":"ada"' in called.text.replace(" ", "")
    assert "acme/eve" in seen.text


async def test_a_refreshed_token_keeps_the_session(gate: Guarded, endpoint: httpx.AsyncClient) -> None:
    session = await opened_by(endpoint, gate.bearer())
    gate.clock.advance(60)

    reply = await ask_who(endpoint, {**session, **gate.bearer()})

    assert reply.status_code == 200
    assert "ada" in reply.text


@pytest.mark.parametrize("thief", [{"subject": "eve"}, {"tenant": "other"}, {"subject": "eve", "role": "admin"}])
async def test_somebody_elses_session_looks_like_none(gate: Guarded, endpoint: httpx.AsyncClient, thief: dict[str, str]) -> None:
    session = await opened_by(endpoint, gate.bearer())
    stolen = {**session, **gate.bearer(**thief)}
    unknown = {**session, "Mcp-Session-Id": "0" * 32, **gate.bearer(**thief)}

    refused, missing = await ask_who(endpoint, stolen), await ask_who(endpoint, unknown)

    assert refused.status_code == missing.status_code == 404
    assert refused.json() == missing.json()
    ended = await endpoint.delete("/mcp", headers={**ACCEPT, **stolen})
    assert ended.status_code == 404
    assert (await ask_who(endpoint, {**session, **gate.bearer()})).status_code == 200


async def test_a_session_that_was_ended_is_gone_for_its_owner_too(gate: Guarded, endpoint: httpx.AsyncClient) -> None:
    session = await opened_by(endpoint, gate.bearer())
    await endpoint.delete("/mcp", headers={**ACCEPT, **session, **gate.bearer()})

    assert (await ask_who(endpoint, {**session, **gate.bearer()})).status_code == 404
    assert await gate.access.sessions.get_auth_context(session["Mcp-Session-Id"]) is None


async def test_a_revoked_token_ends_the_use_of_its_session(gate: Guarded, endpoint: httpx.AsyncClient) -> None:
    token = gate.bearer()
    session = await opened_by(endpoint, token)

    await gate.access.tokens.revoke_subject(Caller(tenant="acme", subject="root", roles=frozenset({"admin"})), "ada")

    assert (await ask_who(endpoint, {**session, **token})).status_code == 401


async def test_two_session_headers_are_no_session(gate: Guarded, endpoint: httpx.AsyncClient) -> None:
    session = await opened_by(endpoint, gate.bearer())
    headers = [*ACCEPT.items(), *gate.bearer().items(), *session.items(), ("Mcp-Session-Id", "0" * 32)]
    assert (await endpoint.post("/mcp", json=WHO, headers=headers)).status_code == 404


async def test_while_the_store_is_away_the_owner_goes_on_and_nobody_else(
    gate: Guarded, endpoint: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await opened_by(endpoint, gate.bearer())

    async def away(_: str) -> None:
        raise SessionsAway

    monkeypatch.setattr(gate.access.sessions, "get_auth_context", away)
    assert (await ask_who(endpoint, {**session, **gate.bearer()})).status_code == 200
    assert (await ask_who(endpoint, {**session, **gate.bearer(subject="eve")})).status_code == 404


async def test_a_message_that_can_be_read_in_two_ways_is_refused(gate: Guarded, endpoint: httpx.AsyncClient) -> None:
    """GHSA-4gph-2hhr-5mwg, on the body of an MCP message."""
    body = '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "who", "Name": "other", "arguments": {}}}'
    headers = {**ACCEPT, **gate.bearer(), "Content-Type": "application/json", "MCP-Protocol-Version": "2025-11-25"}
    reply = await endpoint.post("/mcp", content=body, headers=headers)
    assert (reply.status_code, reply.json()["error"]["data"]["error"]["code"]) == (400, "AMBIGUOUS_JSON")


async def test_a_session_of_the_older_transport_belongs_to_whoever_opened_it(gate: Guarded) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    async with (
        open_application(gate) as app,
        served(app, lifespan=False) as base,
        httpx.AsyncClient(base_url=base, timeout=20) as http,
        http.stream("GET", "/servers/who/sse", headers=gate.bearer()) as stream,
    ):
        where = await anext(line.removeprefix("data: ") async for line in stream.aiter_lines() if line.startswith("data: "))

        assert (await http.post(where, json=ping, headers=gate.bearer(subject="eve"))).status_code == 404
        assert (await http.post(where, json=ping)).status_code == 401
        assert (await http.post(where, json=ping, headers=gate.bearer())).status_code == 202


async def test_nobody_can_take_up_all_the_sessions_there_are(
    gate: Guarded, endpoint: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "MAX_SESSIONS_OF_ONE", 2)
    first, _ = await opened_by(endpoint, gate.bearer()), await opened_by(endpoint, gate.bearer())

    third = await endpoint.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **gate.bearer()})

    assert third.status_code == 503
    assert await opened_by(endpoint, gate.bearer(subject="eve"))
    assert await opened_by(endpoint, gate.bearer(tenant="other"))
    assert (await endpoint.delete("/mcp", headers={**ACCEPT, **gate.bearer(), **first})).status_code == 200
    assert await opened_by(endpoint, gate.bearer())


async def test_nobody_can_take_up_all_the_streams_there_are(gate: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_OPEN_REQUESTS", 1)
    async with (
        open_application(gate) as app,
        served(app, lifespan=False) as base,
        httpx.AsyncClient(base_url=base, timeout=20) as http,
    ):
        async with http.stream("GET", "/servers/who/sse", headers=gate.bearer()) as stream:
            assert stream.status_code == 200
            refused = await http.get("/servers/who/sse", headers=gate.bearer())
            assert refused.status_code == 429
            async with http.stream("GET", "/servers/who/sse", headers=gate.bearer(subject="eve")) as other:
                assert other.status_code == 200
        with anyio.fail_after(10):
            while (await ask_who(http, gate.bearer())).status_code == 429:
                await anyio.lowlevel.checkpoint()
