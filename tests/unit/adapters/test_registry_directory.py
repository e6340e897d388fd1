"""A name is looked up in a registry: bounded, without following it anywhere, and only addresses are taken, never packages."""

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from mcp_gateway.adapters.egress import Egress
from mcp_gateway.adapters.links.addresses import Addresses
from mcp_gateway.adapters.links.links import Outward
from mcp_gateway.adapters.registry_directory import LIMITS, RegistryDirectory
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.registry.official.ordering import from_directory
from mcp_gateway.registry.official.reading import read_found
from mcp_gateway.registry.orders import ServerOrder

pytestmark = pytest.mark.anyio
NAME = "com.example/weather"
SERVER: dict[str, Json] = {
    "name": NAME,
    "title": "Weather",
    "description": "Tells it.",
    "version": "1.2.0",
    "packages": [{"registryType": "npm", "identifier": "weather"}],
    "remotes": [
        {"type": "stdio", "url": "https://no.example"},
        {"type": "sse", "url": "https://{tenant}.example/sse"},
        {"type": "streamable-http", "url": "https://w.example/mcp", "headers": [{"name": "X-Key", "isSecret": True}]},
    ],
}
Asked = list[str]


def egress(*networks: str) -> Egress:
    return Egress(allow=tuple(ipaddress.ip_network(one) for one in networks))


@asynccontextmanager
async def registry(status: str, body: bytes, *, extra: str = "") -> AsyncIterator[tuple[str, Asked]]:
    """Its address, and the request lines it got."""
    asked: Asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0].decode())
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base", asked


def directory(rules: Egress) -> RegistryDirectory:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    outward = Outward(Addresses(lambda: rules, clock=clock), clock=clock)
    return RegistryDirectory(lambda url, faults: outward.client(url, faults, LIMITS))


async def code_of(work: Callable[[], Awaitable[object]]) -> str:
    with pytest.raises(GatewayError) as refused:
        await work()
    return refused.value.code


LOOPBACK = egress("127.0.0.0/8")


async def test_the_first_address_that_can_be_used_is_taken() -> None:
    async with registry("200 OK", json.dumps({"server": SERVER}).encode()) as (url, asked):
        found = await directory(LOOPBACK).look_up(url, NAME)
    assert asked == ["GET /base/v0.1/servers/com.example%2Fweather/versions/latest HTTP/1.1"]
    assert (found.url, found.transport, found.version) == ("https://w.example/mcp", "http", "1.2.0")
    assert [(one.header, one.required, one.secret) for one in found.wishes] == [("X-Key", False, True)]
    order = from_directory(ServerOrder(name="w", url=NAME, title="Mine"), found)
    assert (order.url, order.title, order.description) == ("https://w.example/mcp", "Mine", "Tells it.")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        ("404 Not Found", b"{}", "NOT_IN_REGISTRY"),
        ("500 Oops", b"{}", "REGISTRY_ANSWER_ODD"),
        ("302 Found", b"", "REGISTRY_ANSWER_ODD"),
        ("200 OK", b"<html>", "REGISTRY_ANSWER_ODD"),
        ("200 OK", b"[" * 50_000, "REGISTRY_ANSWER_ODD"),
        ("200 OK", json.dumps({"server": {**SERVER, "name": "com.evil/weather"}}).encode(), "REGISTRY_ANSWER_ODD"),
        ("200 OK", json.dumps({"server": {**SERVER, "remotes": None}}).encode(), "NO_REMOTE"),
        ("200 OK", b" " * 300_000 + b"{}", "UPSTREAM_ANSWER_TOO_LARGE"),
    ],
)
async def test_whatever_a_registry_answers_comes_to_a_named_error(status: str, body: bytes, code: str) -> None:
    async with registry(status, body, extra="Location: http://127.0.0.1:1/\r\n") as (url, asked):
        assert await code_of(lambda: directory(LOOPBACK).look_up(url, NAME)) == code
    assert len(asked) == 1


async def test_a_registry_in_an_inner_network_is_not_asked() -> None:
    async with registry("200 OK", b"{}") as (url, asked):
        assert await code_of(lambda: directory(egress()).look_up(url, NAME)) == "ADDRESS_REFUSED"
    assert asked == []


@pytest.mark.parametrize("name", ["../../secret", "a/b/c", "a/b?x=1", "plain", "x" * 300 + "/y"])
async def test_what_is_no_name_is_not_asked_for(name: str) -> None:
    assert await code_of(lambda: directory(LOOPBACK).look_up("http://127.0.0.1:1", name)) == "NOT_IN_REGISTRY"


@pytest.mark.parametrize("remotes", [[], {}, "x", [1, None], [{"type": "sse"}], [{"type": "sse", "url": 1}], [{"type": ["sse"]}]])
async def test_odd_remotes_are_no_address(remotes: Json) -> None:
    with pytest.raises(GatewayError, match="no address"):
        read_found({"server": {**SERVER, "remotes": remotes}}, NAME)
