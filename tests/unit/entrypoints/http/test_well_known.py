"""What clients read to find out where to log in (RFC 9728)."""

import pytest
from tests.unit.entrypoints.http.guarded import open_guarded

pytestmark = pytest.mark.anyio

WELL_KNOWN = "/.well-known/oauth-protected-resource"


@pytest.mark.parametrize("endpoint", ["", "/mcp", "/sse", "/servers/tables/mcp"])
async def test_each_endpoint_is_a_resource_of_its_own(endpoint: str) -> None:
    async with open_guarded() as gate:
        reply = await gate.client.get(WELL_KNOWN + endpoint)
    assert reply.status_code == 200
    body = reply.json()
    assert body["resource"] == f"http://localhost:8000{endpoint}"
    assert body["bearer_methods_supported"] == ["header"]
    assert "gateway.ask" in body["scopes_supported"]
    assert reply.headers["access-control-allow-origin"] == "*"


async def test_what_is_no_endpoint_has_no_metadata() -> None:
    async with open_guarded() as gate:
        assert (await gate.client.get(f"{WELL_KNOWN}/api/chat")).status_code == 404


async def test_the_public_address_is_the_resource_behind_a_proxy() -> None:
    async with open_guarded(public_url="https://gateway.example/") as gate:
        body = (await gate.client.get(f"{WELL_KNOWN}/mcp")).json()
    assert body["resource"] == "https://gateway.example/mcp"
