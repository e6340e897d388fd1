"""What every request passes: correlation, foreign hosts and pages, hardening headers."""

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_a_correlation_id_comes_back_as_it_came(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/chat", json={"query": "q"}, headers={"X-Correlation-ID": "trace-7"})
    assert response.headers["x-correlation-id"] == "trace-7"
    assert response.json()["metadata"]["correlation_id"] == "trace-7"


@pytest.mark.parametrize("offered", ["", "two words", "x" * 129, 'quote"'])
async def test_an_ill_formed_correlation_id_is_replaced(client: httpx.AsyncClient, offered: str) -> None:
    response = await client.get("/api/health/live", headers={"X-Correlation-ID": offered})
    assert response.headers["x-correlation-id"].startswith("id-")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:9", "[::1]:8000", "gateway.example", "GATEWAY.example:80"])
async def test_our_own_names_are_let_in(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/api/health/live", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "[::1"])
async def test_a_foreign_host_is_refused_so_that_rebinding_fails(client: httpx.AsyncClient, host: str) -> None:
    response = await client.get("/api/health/live", headers={"Host": host})
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "FORBIDDEN"


async def test_a_foreign_web_page_may_not_post(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/chat", json={"query": "q"}, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403


async def test_a_page_without_an_origin_of_its_own_may_not_post(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/chat", json={"query": "q"}, headers={"Origin": "null"})).status_code == 403


async def test_our_own_page_and_a_friend_may(client: httpx.AsyncClient) -> None:
    for origin in ("http://localhost:8000", "http://friend.example"):
        assert (await client.post("/api/chat", json={"query": "q"}, headers={"Origin": origin})).status_code == 200


async def test_a_friends_page_may_ask_before_it_posts(client: httpx.AsyncClient) -> None:
    headers = {"Origin": "http://friend.example", "Access-Control-Request-Method": "POST"}
    response = await client.options("/api/chat", headers={**headers, "Access-Control-Request-Headers": "content-type"})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "http://friend.example"


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/nothing", "/docs"])
async def test_every_response_is_hardened(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
