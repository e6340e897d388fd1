"""Hearing of changes over sessions that end, streams that break, and subscriptions that come and go."""

import json
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.upstreams.older import OlderServer, calling, does_it, session_link
from tests.upstreams.reaching import CLIENT, until
from tests.upstreams.scripted_http import Asked, ScriptedUpstream, Wire, scripted

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.federation.model import Change
from mcp_gateway.federation.ports import Wanted

pytestmark = pytest.mark.anyio

TOOLS = Wanted(lists=frozenset({"tools"}))


class Announcing(OlderServer):
    """Keeps the standing streams, to announce on them."""

    def __init__(self) -> None:
        super().__init__(does_it)
        self.streams: list[Wire] = []

    async def _stream(self, wire: Wire, asked: Asked) -> None:
        wire.begin_stream()
        self.streams.append(wire)
        await wire.gone()

    async def announce(self, method: str, **params: Any) -> None:
        message = {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params}
        self.streams[-1].chunk(b"data: " + json.dumps(message).encode() + b"\n\n")
        await self.streams[-1].writer.drain()

    def served(self) -> AbstractAsyncContextManager[ScriptedUpstream]:
        return scripted(self.script)


async def test_only_what_is_wanted_is_heard() -> None:
    server, heard = Announcing(), list[Change]()
    async with server.served() as upstream, session_link(upstream.url) as link:
        watch = await link.watch(CLIENT, heard.append)
        await watch.want(TOOLS)
        await until(lambda: bool(server.streams))
        await server.announce("prompts/list_changed")
        await server.announce("message", level="info", data="x")
        await server.announce("tools/list_changed")
        await until(lambda: bool(heard))
        await watch.close()
    assert [(one.server, one.kind) for one in heard] == [("up", "tools")]


async def test_resources_are_subscribed_to_and_let_go_one_by_one() -> None:
    server = Announcing()
    async with server.served() as upstream, session_link(upstream.url) as link:
        watch = await link.watch(CLIENT, lambda _: None)
        await watch.want(Wanted(uris=frozenset({"a:1", "a:2"})))
        await watch.want(Wanted(uris=frozenset({"a:2", "a:3"})))
        await watch.close()
    asked = [(one["method"], one["params"]["uri"]) for one in server.said if "subscribe" in one.get("method", "")]
    assert asked[:4] == [
        ("resources/subscribe", "a:1"),
        ("resources/subscribe", "a:2"),
        ("resources/subscribe", "a:3"),
        ("resources/unsubscribe", "a:1"),
    ]
    assert sorted(asked[4:]) == [("resources/unsubscribe", "a:2"), ("resources/unsubscribe", "a:3")]


async def test_a_stream_that_broke_is_told_as_lost_and_opened_again() -> None:
    server, heard = Announcing(), list[Change]()
    async with server.served() as upstream, session_link(upstream.url) as link:
        watch = await link.watch(CLIENT, heard.append)
        await watch.want(TOOLS)
        await until(lambda: bool(server.streams))
        server.streams[0].cut()
        await until(lambda: len(server.streams) == 2)
        await until(lambda: bool(heard))
        assert {one.kind for one in heard} == {"lost"}
        await server.announce("tools/list_changed")
        await until(lambda: heard[-1].kind == "tools")
        await watch.close()


async def test_a_session_that_was_forgotten_is_replaced_and_subscribed_in_again() -> None:
    server, heard = Announcing(), list[Change]()
    async with server.served() as upstream, session_link(upstream.url) as link:
        watch = await link.watch(CLIENT, heard.append)
        await watch.want(Wanted(uris=frozenset({"a:1"})))
        server.known.clear()
        await link.send(calling("work"))
        await until(lambda: len(server.told("resources/subscribe")) == 2)
        assert {one.kind for one in heard} == {"lost"}
        await watch.close()


async def test_a_session_somebody_watches_is_not_ended_for_being_idle() -> None:
    server, clock = Announcing(), FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    async with server.served() as upstream, session_link(upstream.url, clock=clock) as link:
        watch = await link.watch(CLIENT, lambda _: None)
        await watch.want(TOOLS)
        clock.advance(100_000)
        link._pool.reap()  # type: ignore[attr-defined]
        await link.send(calling("work"))
        assert server.opened == 1
        await watch.close()
        clock.advance(100_000)
        link._pool.reap()  # type: ignore[attr-defined]
        await until(lambda: server.ended == ["session-1"])


async def test_a_server_without_a_standing_stream_is_not_asked_for_one_again_and_again() -> None:
    server = OlderServer(does_it)
    async with scripted(server.script) as upstream, session_link(upstream.url) as link:
        watch = await link.watch(CLIENT, lambda _: None)
        await watch.want(TOOLS)
        await until(lambda: any(one.method == "GET" for one in server.asked))
        await link.send(calling("work"))
        await watch.close()
    assert sum(one.method == "GET" for one in server.asked) == 1
