"""The promise of the whole surface: nobody gets anything without logging in but what stands in one short list.

Every route is found in the applications themselves, the mounted MCP applications included, so that a new one is held to it too.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from mcp_gateway.access.tokens.embedded import TokenOrder
from mcp_gateway.asgi.application import Application, open_application
from mcp_gateway.asgi.serving import Listeners
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.entrypoints.http.page import read_page_files
from mcp_gateway.entrypoints.mcp.federated.fast_lane import FastLane
from mcp_gateway.entrypoints.mcp.hosting import listen_on
from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

PUBLIC = {
    ("GET", "/"), ("HEAD", "/"),
    ("GET", "/login"), ("POST", "/login"), ("GET", "/login/options"),
    ("GET", "/login/{provider}"), ("GET", "/login/{provider}/callback"),
    ("GET", "/health"), ("GET", "/health/live"), ("GET", "/health/ready"),
    ("GET", "/api/health/live"), ("GET", "/api/health/ready"),
    ("GET", "/oauth/authorize"), ("GET", "/oauth/consent"), ("GET", "/oauth/consent.js"), ("GET", "/oauth/consent.css"),
    ("POST", "/oauth/token"), ("POST", "/token"), ("POST", "/oauth/register"), ("POST", "/oauth/revoke"),
    ("GET", "/.well-known/oauth-authorization-server"), ("HEAD", "/.well-known/oauth-authorization-server"),
    ("GET", "/.well-known/oauth-protected-resource"), ("GET", "/.well-known/oauth-protected-resource/{endpoint:path}"),
    ("HEAD", "/.well-known/oauth-protected-resource"), ("HEAD", "/.well-known/oauth-protected-resource/{endpoint:path}"),
}  # fmt: skip
# The page's files: markup, styles, scripts and the icon.
FILES = {(method, f"/{name}") for name in read_page_files() for method in ("GET", "HEAD")}
PAGE = {(method, path if path.count("/") == 1 else f"/{path.split('/')[1]}/{{path:path}}") for method, path in FILES}
_SHAPE = re.compile(r"#/components/schemas/([^\"]+)")
MCP = {"/mcp", "/sse", "/messages/", "/health"}
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture(params=["one port", "two ports"])
async def application(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> AsyncIterator[Application]:
    own = settings.model_copy(update={"login": "required", "state_dir": tmp_path / "state"})
    main = listen_on("127.0.0.1", 0)
    apart = listen_on("127.0.0.1", 0) if request.param == "two ports" else None
    listeners = Listeners(host="127.0.0.1", main=main, mcp=apart)
    try:
        async with open_application(own, clock=SystemClock(), listeners=listeners) as opened:
            yield opened
    finally:
        listeners.close()


def routed(app: ASGIApp) -> ASGIApp:
    """What stands behind the quick way in, which takes nothing that this would refuse."""
    return app._long_way if isinstance(app, FastLane) else app


def routes_of(app: ASGIApp, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route, down into what is mounted."""
    app = routed(app)
    assert isinstance(app, Starlette)
    for context in iter_route_contexts(app.routes):
        original = context.original_route
        path = f"{prefix}{context.path if isinstance(context.path, str) else getattr(original, 'path', '')}"
        inner = getattr(original, "app", None) if isinstance(original, Mount) else getattr(original, "endpoint", None)
        if isinstance(inner, Starlette):
            below = prefix + original.path if isinstance(original, Mount) else prefix
            yield from routes_of(inner, below)
            yield from ((method, path) for method in EVERY_METHOD if isinstance(original, Route))
        else:
            yield from ((method, path) for method in (context.methods or EVERY_METHOD))


def concrete(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "x", path)


async def test_every_route_but_the_public_ones_refuses_a_stranger(application: Application) -> None:
    seen: set[tuple[str, str]] = set()
    open_to_strangers = []
    for app in {id(one): one for one in (application.main, application.mcp)}.values():
        found = set(routes_of(app))
        seen |= found
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=20) as stranger:
            for method, path in sorted(found - PUBLIC - PAGE):
                reply = await stranger.request(method, concrete(path))
                if reply.status_code != 401 or not reply.headers.get("www-authenticate", "").startswith(
                    "Bearer resource_metadata="
                ):
                    open_to_strangers.append((method, path, reply.status_code))
    assert not open_to_strangers
    paths = {path for _, path in seen}
    assert {"/mcp", "/sse", "/servers/tables/mcp", "/servers/glossary/mcp", "/servers/tables/health"} <= paths
    assert {"/api/chat", "/api/sql", "/api/schema", "/api/audit", "/api/access/rules", "/metrics", "/openapi.json"} <= paths


async def test_what_is_public_is_exactly_the_list(application: Application) -> None:
    found = {route for app in (application.main, application.mcp) for route in routes_of(app)}
    providers = {("GET", "/login/{provider}"), ("GET", "/login/{provider}/callback")}
    assert (PUBLIC - providers) <= found
    transport = httpx.ASGITransport(application.main)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=20) as stranger:
        for method, path in sorted((PUBLIC | FILES) - providers):
            reply = await stranger.request(
                method, concrete(path).replace("resource/x", "resource/mcp"), json={"token": "x"} if method == "POST" else None
            )
            refused_token = (method, path) == ("POST", "/login")
            assert (reply.status_code == 401) is refused_token, (method, path, reply.status_code)


async def test_the_public_answers_tell_nothing_of_the_data_or_the_servers(application: Application) -> None:
    transport = httpx.ASGITransport(application.main)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=20) as stranger:
        told = [(await stranger.get(path)).text for path in ("/health", "/api/health/ready", "/login/options", "/")]
    for words in told:
        assert "orders" not in words
        assert "duckdb" not in words


async def test_no_route_takes_a_command_or_an_address_to_fetch(application: Application) -> None:
    """CVE-2026-42271, GHSA-jgh3-fggc-mcpm: what a caller sends is never run, nor fetched.

    But for a program's own document, before it may ask: tests/unit/entrypoints/http/test_oauth_clients.py.
    """
    main = routed(application.main)
    assert isinstance(main, FastAPI)
    described = main.openapi()
    every = described["components"]["schemas"]
    bodies = [one["requestBody"] for path in described["paths"].values() for one in path.values() if "requestBody" in one]
    shapes = {name: every[name] for name in named_in(bodies, every)}
    # Where a registered server is has to be said; it is judged each time it is used, never on saving alone.
    registering = {"ServerRequest", "ServerPatch"}
    assert not any("command" in shapes[name]["properties"] for name in registering)
    fields = {field for name, shape in shapes.items() if name not in registering for field in shape.get("properties", {})}
    assert "query" in fields
    assert not fields & {"command", "args", "env", "stdio", "url", "uri", "href", "spec_url", "endpoint"}


def named_in(part: Any, shapes: Mapping[str, Any]) -> set[str]:
    """The shapes it refers to, and those that these refer to."""
    names: set[str] = set()
    found = set(_SHAPE.findall(json.dumps(part)))
    while found - names:
        names |= found
        found = set(_SHAPE.findall(json.dumps([shapes[name] for name in found])))
    return names


async def test_with_a_token_each_endpoint_answers(application: Application) -> None:
    access = application.gateway.access
    assert access is not None
    order = TokenOrder(tenant="local", subject="ada", roles=frozenset({"admin"}), lifetime_seconds=3_600)
    token, _ = await access.tokens.issue(LOCAL_CALLER, order)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application.main), base_url="http://127.0.0.1:8000", headers=headers, timeout=30
    ) as caller:
        for path in ("/api/me", "/api/schema", "/api/servers", "/api/health", "/metrics", "/openapi.json", "/api/access/rules"):
            assert (await caller.get(path)).status_code == 200, path
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application.mcp), base_url="http://127.0.0.1:8000", headers=headers, timeout=30
    ) as caller:
        for path in ("/mcp", "/servers/tables/mcp", "/servers/glossary/mcp"):
            reply = await caller.post(path, json=LIST_TOOLS, headers=MODERN)
            assert reply.status_code == 200, (path, reply.text)


MODERN = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/list",
}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
