"""The page's files and the service card."""

import httpx
import pytest

from mcp_gateway.entrypoints.http.page import read_page_files

pytestmark = pytest.mark.anyio

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_a_program_gets_the_service_card(client: httpx.AsyncClient) -> None:
    body = (await client.get("/", headers={"Accept": "application/json"})).json()
    assert body["service"] == "MCP Gateway"
    assert body["version"] == "1.2.3"
    assert body["status"] == "operational"
    assert body["multi_mcp_enabled"] is True


async def test_a_browser_gets_the_page_and_keeps_it_until_it_changes(client: httpx.AsyncClient) -> None:
    first = await client.get("/", headers=BROWSER)
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get("/", headers={**BROWSER, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_every_file_of_the_page_is_served_and_none_is_empty(client: httpx.AsyncClient) -> None:
    pages = read_page_files()
    assert any(path.endswith(".js") for path in pages)
    for path, page in pages.items():
        response = await client.get(f"/{path}")
        assert response.status_code == 200
        assert response.headers["content-type"] == page.media_type
        assert response.content == page.content != b""


@pytest.mark.parametrize(
    "path",
    [
        "/../app.py",
        "/%2e%2e/app.py",
        "/js/../../app.py",
        "/js/%2e%2e/%2e%2e/app.py",
        "/js/",
        "/js/nothing.js",
        "/models.py",
    ],
)
async def test_nothing_beside_the_page_can_be_read(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_the_reference_needs_no_script_and_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    response = await client.get("/docs")
    assert "/api/chat/stream" in response.text
    assert "ChatRequest" in response.text
    assert "<script" not in response.text
    assert "https://" not in response.text
