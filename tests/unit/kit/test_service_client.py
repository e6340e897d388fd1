"""`ServiceClient` against a real HTTP service: what is sent, and what becomes of its answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import BaseModel
from tests.loopback_pages import interim_for_ever

from mcp_gateway.core.errors import GatewayError, InvalidInput
from mcp_gateway.kit import Deadlines
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.service_client import ServiceClient, ServiceFailed, ServiceTimedOut, ServiceUnreachable, read_as

pytestmark = pytest.mark.anyio


class Service:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.status, self.body, self.headers = 200, b"{}", {"Content-Type": "application/json"}
        self.never = asyncio.Event()
        self.slow = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        await request.read()
        if self.slow:
            await self.never.wait()
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@asynccontextmanager
async def opened(**options: float) -> AsyncIterator[tuple[Service, ServiceClient, RecordedFigures]]:
    service, figures, app = Service(), RecordedFigures(), web.Application()
    app.router.add_route("*", "/base{tail:.*}", service.answer)
    async with TestServer(app) as server:
        url = str(server.make_url("/base"))
        async with ServiceClient.open(url, name="items", figures=figures, **options) as client:  # type: ignore[arg-type]
            yield service, client, figures
        service.never.set()


async def code_of(client: ServiceClient, *segments: str) -> str:
    with pytest.raises(GatewayError) as refused:
        await client.send("GET", *segments, tenant="acme")
    assert "hunter2" not in str(refused.value.to_dict())
    return refused.value.code


async def test_the_service_hears_the_tenant_the_deadline_and_the_body() -> None:
    async with opened() as (service, client, _), Deadlines().within(5):
        await client.send("POST", "a b", tenant="ac:me\n", query={"limit": 3}, body={"a": 1})
    (asked,) = service.asked
    assert (asked.method, asked.raw_path) == ("POST", "/base/a%20b?limit=3")
    assert asked.headers["X-Tenant-ID"] == "ac:me%0A"
    assert 0 < int(asked.headers["X-Deadline-Ms"]) <= 5_000


async def test_a_service_that_never_comes_to_its_answer_has_failed() -> None:
    async with interim_for_ever() as (port, _), ServiceClient.open(f"http://127.0.0.1:{port}", name="items") as client:
        assert await code_of(client, "1") == "SERVICE_FAILED"


@pytest.mark.parametrize("segments", [("..",), (".",), ("",), ("a", "..", "b")])
async def test_a_path_that_leads_elsewhere_is_not_asked_for(segments: tuple[str, ...]) -> None:
    async with opened() as (service, client, _):
        assert await code_of(client, *segments) == "NOT_FOUND"
    assert service.asked == []


async def test_a_slash_in_a_part_stays_in_it() -> None:
    async with opened() as (service, client, _):
        await client.send("GET", "../admin?x#y", tenant="acme")
    assert service.asked[0].raw_path == "/base/..%2Fadmin%3Fx%23y"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((404, "NOT_FOUND"), (410, "NOT_FOUND"), (409, "SERVICE_CONFLICT"), (412, "SERVICE_CONFLICT"), (413, "TOO_LARGE")),
        *((429, "SERVICE_BUSY"), (400, "SERVICE_REFUSED"), (422, "SERVICE_REFUSED"), (401, "SERVICE_FAILED")),
        *((403, "SERVICE_FAILED"), (302, "SERVICE_FAILED"), (500, "SERVICE_FAILED"), (503, "SERVICE_FAILED")),
    ],
)
async def test_each_status_becomes_an_error_without_its_words(status: int, code: str) -> None:
    async with opened() as (service, client, _):
        service.status, service.body = status, b"the password is hunter2"
        service.headers = {"Location": "/base/elsewhere", "Retry-After": "7"}
        assert await code_of(client, "a") == code
    assert len(service.asked) == 1


@pytest.mark.parametrize("body", [b"hunter2", b"\xff", b"[" * 100_000])
async def test_an_answer_that_is_no_json_is_a_failure(body: bytes) -> None:
    async with opened() as (service, client, _):
        service.body = body
        assert await code_of(client, "a") == "SERVICE_FAILED"


async def test_an_answer_without_a_body_is_nothing() -> None:
    async with opened() as (service, client, _):
        service.status, service.body = 204, b""
        assert await client.send("DELETE", "a", tenant="acme") is None


async def test_an_answer_beyond_the_bound_is_not_read() -> None:
    async with opened(max_bytes=100) as (service, client, _):
        service.body = b'"' + b"x" * 200 + b'"'
        assert await code_of(client, "a") == "SERVICE_FAILED"


async def test_slowness_and_absence_are_told_apart_and_measured() -> None:
    async with opened(timeout_seconds=0.05) as (service, client, figures):
        await client.send("GET", "a", tenant="acme")
        service.slow = True
        with pytest.raises(ServiceTimedOut):
            await client.send("GET", "a", tenant="acme")
        for outcome in ("ok", "read_timeout"):
            assert len(figures.values("upstream_seconds", upstream="items", outcome=outcome)) == 1
    async with ServiceClient.open("http://127.0.0.1:1", name="items") as nobody:
        with pytest.raises(ServiceUnreachable):
            await nobody.send("GET", "a", tenant="acme")
        with pytest.raises(ServiceUnreachable):
            await nobody.ping()


async def test_a_stream_is_only_taken_from_who_streams() -> None:
    async with opened() as (service, client, _):
        with pytest.raises(ServiceFailed):
            async with client.stream("GET", "a", tenant="acme"):
                pytest.fail("it was taken")
        service.headers, service.body = {"Content-Type": "text/event-stream"}, b"data: 1\n\n"
        async with client.stream("GET", "a", tenant="acme", idempotency_key="k") as chunks:
            assert b"".join([chunk async for chunk in chunks]) == b"data: 1\n\n"
    assert service.asked[-1].headers["Idempotency-Key"] == "k"
    assert service.asked[-1].headers["Accept"] == "text/event-stream"


@pytest.mark.parametrize("url", ["", "ftp://x", "file:///etc/passwd", "http://", "localhost:80"])
async def test_an_address_is_one_of_http(url: str) -> None:
    with pytest.raises(InvalidInput):
        async with ServiceClient.open(url, name="items"):
            pytest.fail("it opened")


async def test_what_does_not_fit_the_model_is_the_services_failure() -> None:
    class Item(BaseModel):
        key: int

    assert read_as(Item, {"key": 1}) == Item(key=1)
    with pytest.raises(ServiceFailed):
        read_as(Item, {"key": "hunter2"})
