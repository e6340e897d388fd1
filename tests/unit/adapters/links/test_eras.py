"""Which era a server speaks is found out from what it answers, remembered, and learned anew; no call is made twice for it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
from tests.upstreams.older import OlderServer, answer_to, any_era_link, calling, does_it, event, words
from tests.upstreams.reaching import CLIENT
from tests.upstreams.scripted_http import Asked, Wire, scripted

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.revisions import MODERN
from mcp_gateway.federation.errors import UpstreamMisbehaved, UpstreamRefused, UpstreamUnreachable

pytestmark = pytest.mark.anyio

Probe: TypeAlias = Callable[[Wire, dict[str, Any]], Awaitable[None]]
TEXT = {"content": [{"type": "text", "text": "done"}], "resultType": "complete"}


def says(status: str, body: Any = b"", kind: str = "application/json") -> Probe:
    async def probe(wire: Wire, message: dict[str, Any]) -> None:
        data = body if isinstance(body, bytes) else json.dumps({"jsonrpc": "2.0", "id": message["id"], **body}).encode()
        wire.answer(data, status=status, kind=kind)

    return probe


def wrong(code: int, **data: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no", **({"data": data} if data else {})}}


async def cuts(wire: Wire, _: dict[str, Any]) -> None:
    wire.cut()


async def streams_error(wire: Wire, message: dict[str, Any]) -> None:
    wire.begin_stream()
    wire.chunk(event(json.dumps({"jsonrpc": "2.0", "id": message["id"], **wrong(-32601)}).encode()))
    wire.chunk(b"")


@dataclass
class AnyServer(OlderServer):
    """Answers `server/discover` as `probe` does, and calls without a session where it is `modern`."""

    probe: Probe = field(default=says("404 Not Found"))
    modern: bool = False

    async def _answer(self, wire: Wire, asked: Asked) -> None:
        message = json.loads(asked.body) if asked.body else {}
        newest = asked.headers.get("mcp-protocol-version") == MODERN
        if message.get("method") == "server/discover":
            self.said.append(message)
            await self.probe(wire, message)
        elif self.modern and newest:
            self.said.append(message)
            wire.answer(answer_to(message, TEXT))
        elif self.modern and message:
            refused = wrong(-32022, supported=[MODERN], requested="")
            await says("400 Bad Request", refused)(wire, {"id": None, **message})
        elif newest:
            await says("400 Bad Request", wrong(-32600))(wire, message)
        else:
            await super()._answer(wire, asked)


@asynccontextmanager
async def any_server(probe: Probe, *, modern: bool = False) -> AsyncIterator[AnyServer]:
    server = AnyServer(does_it, probe=probe, modern=modern)
    async with scripted(server.script) as upstream:
        server.upstream = upstream
        yield server


DISCOVERED = says("200 OK", {"result": {"supportedVersions": [MODERN, "2025-11-25"], "capabilities": {}}})
OLDER = {
    "old_list": says("400 Bad Request", wrong(-32022, supported=["2025-11-25", "2025-06-18"])),
    "unknown_method": says("200 OK", wrong(-32601)),
    "unknown_method_as_a_stream": streams_error,
    "unknown_method_404": says("404 Not Found", wrong(-32601)),
    "invalid_request": says("400 Bad Request", wrong(-32600)),
    "no_session": says("400 Bad Request", wrong(-32000)),
    "error_without_id": says("400 Bad Request", {"id": None, **wrong(-32600)}),
    "page_404": says("404 Not Found", b"<html>no</html>", "text/html"),
    "method_405": says("405 Method Not Allowed"),
    "failure_500": says("500 Internal Server Error", b"oops", "text/plain"),
    "nonsense_200": says("200 OK", b"<html>hello</html>", "text/html"),
    "array": says("200 OK", b"[1]"),
    "old_discovery": says("200 OK", {"result": {"supportedVersions": ["2025-11-25"], "capabilities": {}}}),
    "broken_off": cuts,
}


@pytest.mark.parametrize("probe", OLDER.values(), ids=list(OLDER))
async def test_a_server_that_does_not_know_the_newest_revision_is_opened_a_session(probe: Probe) -> None:
    async with any_server(probe) as server, any_era_link(server.url) as link:
        for _ in range(2):
            assert await words(await link.send(calling("work"))) == "done"
        assert (await link.facts(CLIENT)).era == "legacy"
        assert len(server.told("server/discover")) == 1
        assert len(server.told("tools/call")) == 2


MODERN_ANSWERS = {
    "discovery": DISCOVERED,
    "wrong_version_but_ours_named": says("400 Bad Request", wrong(-32022, supported=[MODERN])),
    "missing_capability": says("400 Bad Request", wrong(-32021)),
}


@pytest.mark.parametrize("probe", MODERN_ANSWERS.values(), ids=list(MODERN_ANSWERS))
async def test_a_server_that_knows_it_is_called_without_a_session(probe: Probe) -> None:
    async with any_server(probe, modern=True) as server, any_era_link(server.url) as link:
        for _ in range(2):
            assert await words(await link.send(calling("work"))) == "done"
        assert server.opened == 0
        assert len(server.told("server/discover")) == 1


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (says("401 Unauthorized"), UpstreamRefused),
        (says("403 Forbidden"), UpstreamRefused),
        (says("503 Service Unavailable"), UpstreamUnreachable),
        (says("502 Bad Gateway"), UpstreamUnreachable),
    ],
    ids=["401", "403", "503", "502"],
)
async def test_what_says_nothing_of_the_era_is_told_and_not_remembered(probe: Probe, expected: type[GatewayError]) -> None:
    async with any_server(probe, modern=True) as server, any_era_link(server.url) as link:
        with pytest.raises(expected):
            await link.send(calling("work"))
        server.probe = DISCOVERED
        assert await words(await link.send(calling("work"))) == "done"


async def test_something_that_is_no_server_of_the_protocol_is_told_as_such() -> None:
    async def page(wire: Wire) -> None:
        while True:
            await wire.asked()
            wire.answer(b"<html>a web site</html>", status="404 Not Found", kind="text/html")

    async with scripted(page) as upstream, any_era_link(upstream.url) as link:
        with pytest.raises(UpstreamMisbehaved, match="404"):
            await link.send(calling("work"))


async def test_a_server_that_went_back_is_called_in_the_older_language() -> None:
    async with any_server(DISCOVERED, modern=True) as server, any_era_link(server.url) as link:
        await link.send(calling("work"))
        server.modern, server.probe = False, OLDER["invalid_request"]
        assert await words(await link.send(calling("work"))) == "done"
        assert (len(server.told("tools/call")), server.opened) == (2, 1)


async def test_a_server_that_moved_on_is_called_in_the_newer_language() -> None:
    async with any_server(OLDER["invalid_request"]) as server, any_era_link(server.url) as link:
        await link.send(calling("work"))
        server.modern, server.probe = True, DISCOVERED
        assert await words(await link.send(calling("work"))) == "done"
        assert (len(server.told("tools/call")), server.opened) == (2, 1)


async def test_an_ordinary_refusal_makes_nobody_ask_again_and_again() -> None:
    async def refuses(wire: Wire, asked: Asked) -> None:
        message = json.loads(asked.body)
        if message["method"] == "server/discover":
            await DISCOVERED(wire, message)
        else:
            await says("404 Not Found", wrong(-32601))(wire, message)

    asked: list[Asked] = []

    async def script(wire: Wire) -> None:
        while True:
            asked.append(await wire.asked())
            await refuses(wire, asked[-1])
            await wire.writer.drain()

    async with scripted(script) as upstream, any_era_link(upstream.url) as link:
        for _ in range(5):
            assert (await link.send(calling("work"))).status == 404
    methods = [json.loads(one.body)["method"] for one in asked]
    assert methods.count("tools/call") == 5
    assert methods.count("server/discover") == 2
