"""The catalogue as registries tell it: pages, versions, who sees what, and editors that may read it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.unit.entrypoints.http.guarded import Guarded, open_guarded

from mcp_gateway.registry.configuration.read import read_servers

pytestmark = pytest.mark.anyio

FILE = """
servers:
  alpha: {url: "https://alpha.example/mcp?key=s3cr3t", title: Alpha, description: Finds things.}
  beta: {url: "https://beta.example/mcp", tenant: other}
  gamma: {url: "https://gamma.example/mcp", enabled: false}
  program: {command: /usr/bin/thing}
virtual_servers:
  support: {title: Help desk, tools: [{server: alpha, tool: x}]}
"""
NAMESPACE = "com.example.gw"
BASE = "https://gw.example.com"
META = "io.modelcontextprotocol.registry/official"


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded(public_url=BASE, servers=read_servers(FILE)) as opened:
        yield opened


async def read(gate: Guarded, path: str = "", tenant: str = "acme") -> httpx.Response:
    return await gate.client.get(f"/v0.1/servers{path}", headers=gate.bearer("viewer", tenant=tenant))


def names(reply: httpx.Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [one["server"]["name"].partition("/")[2] for one in reply.json()["servers"]]


async def test_a_caller_is_told_what_they_may_see_with_the_gateways_own_addresses(gate: Guarded) -> None:
    reply = await read(gate)
    assert names(reply) == ["alpha", "gateway", "program", "support"]
    assert names(await read(gate, tenant="other")) == ["alpha", "beta", "gateway", "program", "support"]
    told = reply.json()
    assert told["metadata"] == {"count": 4}
    alpha = told["servers"][0]
    assert alpha["server"]["name"] == f"{NAMESPACE}/alpha"
    assert alpha["server"]["description"] == "Finds things."
    assert alpha["server"]["remotes"] == [{"type": "streamable-http", "url": f"{BASE}/servers/alpha/mcp"}]
    assert (alpha["_meta"][META]["isLatest"], alpha["_meta"][META]["status"]) == (True, "active")
    assert told["servers"][1]["server"]["remotes"][0]["url"] == f"{BASE}/mcp"
    assert "s3cr3t" not in reply.text
    assert "packages" not in reply.text


async def test_nobody_reads_it_without_a_token(gate: Guarded) -> None:
    reply = await gate.client.get("/v0.1/servers")
    assert reply.status_code == 401
    assert "WWW-Authenticate" in reply.headers


async def test_pages_follow_each_other_without_gap_or_repetition(gate: Guarded) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        reply = await gate.client.get(
            "/v0.1/servers", params={"limit": "1", "cursor": cursor}, headers=gate.bearer("viewer", tenant="acme")
        )
        seen += names(reply)
        cursor = reply.json()["metadata"].get("nextCursor", "")
        if not cursor:
            break
    assert seen == ["alpha", "gateway", "program", "support"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=ALP", ["alpha"]),
        ("search=nothing", []),
        ("version=latest", ["alpha", "gateway", "program", "support"]),
        ("version=1.0.7", []),
        ("updated_since=2000-01-01T00:00:00Z", ["alpha", "gateway", "program", "support"]),
    ],
)
async def test_the_list_is_narrowed(gate: Guarded, query: str, found: list[str]) -> None:
    assert names(await read(gate, f"?{query}")) == found


async def test_what_surely_did_not_change_since_then_is_left_out(gate: Guarded) -> None:
    order = {"name": "stored", "url": "https://s.example/mcp", "look": False}
    await gate.client.post("/api/servers", json=order, headers=gate.bearer("admin"))
    at = next(one for one in (await read(gate, "?search=stored")).json()["servers"])["_meta"][META]["publishedAt"]
    assert names(await read(gate, f"?search=stored&updated_since={at}")) == ["stored"]
    assert names(await read(gate, "?search=stored&updated_since=2200-01-01T00:00:00Z")) == []
    await gate.client.patch("/api/servers/stored", json={"title": "New", "look": False}, headers=gate.bearer("admin"))
    assert names(await read(gate, "?search=stored&updated_since=2200-01-01T00:00:00Z")) == ["stored"]


@pytest.mark.parametrize("query", ["cursor=%00", "cursor=x", "updated_since=yesterday", "updated_since=2026-01-01T00:00:00"])
async def test_a_query_that_cannot_be_read_is_refused(gate: Guarded, query: str) -> None:
    assert (await read(gate, f"?{query}")).status_code == 400


async def test_a_limit_out_of_bounds_is_refused(gate: Guarded) -> None:
    assert (await read(gate, "?limit=101")).status_code == 422


@pytest.mark.parametrize("slash", ["/", "%2F"])
async def test_one_server_is_told_by_its_latest_and_by_its_exact_version(gate: Guarded, slash: str) -> None:
    path = f"/{NAMESPACE}{slash}alpha/versions"
    assert names(await read(gate, path)) == ["alpha"]
    latest = (await read(gate, f"{path}/latest")).json()
    assert (await read(gate, f"{path}/{latest['server']['version']}")).json() == latest
    assert (await read(gate, f"{path}/9.9.9")).status_code == 404


async def test_what_one_may_not_see_looks_as_if_it_were_not_there(gate: Guarded) -> None:
    hidden = await read(gate, f"/{NAMESPACE}/beta/versions/latest")
    missing = await read(gate, f"/{NAMESPACE}/nowhere/versions/latest")
    assert (hidden.status_code, hidden.json()["error"]["code"]) == (404, "SERVER_NOT_FOUND")
    assert missing.json()["error"]["message"] == hidden.json()["error"]["message"]


async def test_an_editor_may_read_it_from_any_page_with_a_token_and_with_nothing_else(gate: Guarded) -> None:
    page = {"Origin": "https://editor.example"}
    asked = await gate.client.options("/v0.1/servers", headers={**page, "Access-Control-Request-Method": "GET"})
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert asked.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    told = await gate.client.get("/v0.1/servers", headers={**page, **gate.bearer("viewer")})
    assert (told.status_code, told.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert "Access-Control-Allow-Credentials" not in told.headers
    cookie = await gate.signed_in("viewer")
    assert (await gate.client.get("/v0.1/servers", headers={**page, "Cookie": cookie["Cookie"]})).status_code == 401
    for path in ("/api/servers", "/v0.1/serversx"):
        assert (await gate.client.get(path, headers={**page, **gate.bearer("viewer")})).status_code == 403
    rebound = {**page, **gate.bearer("viewer"), "Host": "evil.example"}
    assert (await gate.client.get("/v0.1/servers", headers=rebound)).status_code == 403
