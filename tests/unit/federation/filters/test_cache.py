"""Reads are asked once while their server vouches for them, and never shared with whom it did not say."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mcp_gateway.access.act import Act
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, parse_object, render
from mcp_gateway.federation.filters.cache import Cache
from mcp_gateway.federation.model import Change, Client, Reply, Request
from mcp_gateway.federation.pipeline import Passage
from mcp_gateway.federation.views import Route, View
from mcp_gateway.registry.model import Credential, Server

pytestmark = pytest.mark.anyio

ANN, BOB = Caller(tenant="t", subject="ann"), Caller(tenant="t", subject="bob")
URI = "file:///a"


def standing_clock() -> FixedClock:
    return FixedClock(datetime(2026, 7, 28, tzinfo=UTC))


class Upstream:
    """Answers each read with a new number, under the hints it was given."""

    def __init__(self, **hints: Any) -> None:
        self.asked, self._hints = 0, hints

    async def __call__(self, passage: Passage) -> Reply:
        self.asked += 1
        result = {"resultType": "complete", "contents": [{"uri": passage.route.name, "text": str(self.asked)}], **self._hints}
        return Reply(body=render({"jsonrpc": "2.0", "id": passage.request.id, "result": result}))


def passage(caller: Caller = ANN, *, server: Server | None = None, **params: Any) -> Passage:
    server = server or Server(name="up")
    request = Request(id=caller.subject, method="resources/read", params={"uri": URI, **params}, client=Client(caller=caller))
    return Passage(View(kind="all"), request, Route(server=server, name=URI), Act(action="read_resource"))


async def read(cache: Cache, upstream: Upstream, one: Passage) -> JsonObject:
    reply = await cache(one, upstream)
    assert reply.body is not None
    return parse_object(reply.body)


def said(answer: JsonObject) -> Any:
    return answer["result"]["contents"][0]["text"]  # type: ignore[index, call-overload]


async def test_a_public_read_is_asked_once_for_everybody_and_answered_under_each_id() -> None:
    cache, upstream = Cache(standing_clock()), Upstream(ttlMs=60_000, cacheScope="public")
    first, second = await read(cache, upstream, passage(ANN)), await read(cache, upstream, passage(BOB))
    assert (said(first), said(second), upstream.asked) == ("1", "1", 1)
    assert (first["id"], second["id"]) == ("ann", "bob")


async def test_a_private_read_is_kept_for_its_caller_alone() -> None:
    cache, upstream = Cache(standing_clock()), Upstream(ttlMs=60_000, cacheScope="private")
    answers = [said(await read(cache, upstream, passage(caller))) for caller in (ANN, BOB, ANN)]
    assert answers == ["1", "2", "1"]


async def test_what_is_not_vouched_for_is_asked_each_time() -> None:
    for upstream in (Upstream(), Upstream(ttlMs=0, cacheScope="public"), Upstream(ttlMs=True, cacheScope="public")):
        cache = Cache(standing_clock())
        assert [said(await read(cache, upstream, passage())) for _ in range(2)] == ["1", "2"]


async def test_a_kept_read_counts_down_and_ends() -> None:
    clock = standing_clock()
    cache, upstream = Cache(clock), Upstream(ttlMs=10_000, cacheScope="public")
    await read(cache, upstream, passage())
    clock.advance(4)
    assert (await read(cache, upstream, passage()))["result"]["ttlMs"] == 6_000  # type: ignore[index, call-overload]
    clock.advance(6)
    assert said(await read(cache, upstream, passage())) == "2"


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (Change(server="up", kind="resource", uri=URI), 2),
        (Change(server="up", kind="resource", uri="file:///b"), 1),
        (Change(server="up", kind="resources"), 2),
        (Change(server="up", kind="lost"), 2),
        (Change(server="other", kind="lost"), 1),
        (Change(server="up", kind="tools"), 1),
    ],
)
async def test_a_change_drops_what_it_may_have_made_untrue(change: Change, asked: int) -> None:
    cache, upstream = Cache(standing_clock()), Upstream(ttlMs=60_000, cacheScope="public")
    await read(cache, upstream, passage())
    cache.drop(change)
    await read(cache, upstream, passage())
    assert upstream.asked == asked


async def test_a_server_asked_in_each_callers_name_shares_nothing_whatever_it_says() -> None:
    cache, upstream = Cache(standing_clock()), Upstream(ttlMs=60_000, cacheScope="public")
    server = Server(name="up", credential=Credential(kind="token_exchange"))
    answers = [said(await read(cache, upstream, passage(caller, server=server))) for caller in (ANN, BOB)]
    assert answers == ["1", "2"]


async def test_a_server_that_was_changed_is_asked_again() -> None:
    cache, upstream = Cache(standing_clock()), Upstream(ttlMs=60_000, cacheScope="public")
    answers = [said(await read(cache, upstream, passage(server=Server(name="up", version=n)))) for n in (1, 2)]
    assert answers == ["1", "2"]


async def test_answers_to_a_question_of_the_server_are_never_taken_from_what_is_kept() -> None:
    cache, upstream = Cache(standing_clock()), Upstream(ttlMs=60_000, cacheScope="public")
    await read(cache, upstream, passage())
    assert said(await read(cache, upstream, passage(inputResponses={}))) == "2"


async def test_a_read_that_a_change_overtook_is_not_kept() -> None:
    cache, upstream = Cache(standing_clock()), Upstream(ttlMs=60_000, cacheScope="public")

    async def changing(one: Passage) -> Reply:
        cache.drop(Change(server="up", kind="resources"))
        return await upstream(one)

    await cache(passage(), changing)
    assert said(await read(cache, upstream, passage())) == "2"


async def test_when_changes_of_every_server_may_have_been_missed_nothing_is_kept() -> None:
    cache, upstream = Cache(standing_clock()), Upstream(ttlMs=60_000, cacheScope="public")
    await read(cache, upstream, passage())
    cache.drop(Change(server="", kind="lost"))
    assert said(await read(cache, upstream, passage())) == "2"
