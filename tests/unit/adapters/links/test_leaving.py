"""Who gives up a request is gone at the server, and only so many are under way at once."""

import asyncio

import pytest
from tests.upstreams.reaching import PATIENCE, http_client, until
from tests.upstreams.scripted_http import Asked, Wire, repeating, scripted

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.http_client import HttpClient, Outgoing
from mcp_gateway.federation.errors import UpstreamLost, UpstreamUnreachable
from mcp_gateway.registry.model import ServerLimits

pytestmark = pytest.mark.anyio

HEAD = b"content-type: application/json\r\n"
CALL = Outgoing(head=HEAD, body=b'{"method":"tools/call"}')


@repeating
async def kind(wire: Wire, asked: Asked) -> None:
    wire.answer(b'{"you":"said %b"}' % asked.body[:40].replace(b'"', b"'"))


async def hangs(wire: Wire) -> None:
    await wire.asked()
    await wire.gone()
    wire.upstream.left.set()


async def streams(wire: Wire) -> None:
    await wire.asked()
    wire.begin_stream()
    wire.chunk(b"data: {}\n\n")
    await wire.gone()
    wire.upstream.left.set()


async def test_whoever_gives_up_waiting_is_gone_at_the_server() -> None:
    async with scripted(hangs) as upstream:
        http = http_client(upstream.url)
        call = asyncio.create_task(http.send(CALL))
        await until(lambda: bool(upstream.asked))
        call.cancel()
        await asyncio.wait_for(upstream.left.wait(), 20)
        assert http.active == 0
        await http.close()


async def test_leaving_a_stream_is_seen_by_the_server() -> None:
    async with scripted(streams) as upstream:
        http = http_client(upstream.url)
        answer = await http.send(CALL)
        assert answer.source is not None
        assert await answer.source.read() == b"data: {}\n\n"
        answer.leave()
        answer.leave()
        await asyncio.wait_for(upstream.left.wait(), 20)
        await http.close()


async def test_closing_ends_what_is_under_way() -> None:
    async with scripted(streams) as upstream:
        http = http_client(upstream.url)
        answer = await http.send(CALL)
        assert answer.source is not None
        await answer.source.read()
        await http.close()
        with pytest.raises(UpstreamLost):
            await answer.source.read()
        await asyncio.wait_for(upstream.left.wait(), 20)
        with pytest.raises(UpstreamUnreachable):
            await http.send(CALL)


async def test_the_end_of_a_stream_whose_answer_came_leaves_the_connection_usable() -> None:
    end = asyncio.Event()

    async def answer(wire: Wire, _: Asked) -> None:
        wire.begin_stream()
        wire.chunk(b"data: {}\n\n")
        await end.wait()
        wire.chunk(b"")

    async with scripted(repeating(answer)) as upstream:
        http = http_client(upstream.url)
        for _ in range(2):
            end.clear()
            answered = await http.send(CALL)
            assert answered.source is not None
            await answered.source.read()
            answered.source.release()
            end.set()
            await until(lambda: http.active == 0)
        assert upstream.connections == 1
        await http.close()


def few(places: int, *, wait: float = 20.0) -> ServerLimits:
    return ServerLimits(timeout_seconds=PATIENCE.timeout_seconds, connect_seconds=wait, calls_at_once=places)


async def together(http: HttpClient, calls: int) -> list[Answer | BaseException]:
    return await asyncio.gather(*(http.send(CALL) for _ in range(calls)), return_exceptions=True)


async def test_no_more_calls_are_under_way_than_the_server_may_have_at_once() -> None:
    at_once, most = 0, 0

    async def slow(wire: Wire, _: Asked) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        wire.answer(b"{}")

    async with scripted(repeating(slow)) as upstream:
        http = http_client(upstream.url, limits=few(3))
        answers = await together(http, 12)
        assert all(isinstance(answer, Answer) for answer in answers)
        assert (most, upstream.connections, http.active) == (3, 3, 0)
        await http.close()


async def test_who_waits_too_long_for_a_place_is_told_that_nothing_was_sent() -> None:
    async with scripted(hangs) as upstream:
        http = http_client(upstream.url, limits=few(1, wait=0.05))
        first = asyncio.create_task(http.send(CALL))
        await until(lambda: bool(upstream.asked))
        with pytest.raises(UpstreamUnreachable) as busy:
            await http.send(CALL)
        assert busy.value.retryable
        assert len(upstream.asked) == 1
        first.cancel()
        await until(lambda: http.active == 0)
        await http.close()


async def test_only_so_many_wait_for_a_place() -> None:
    async with scripted(hangs) as upstream:
        http = http_client(upstream.url, limits=few(1))
        waiting = [asyncio.create_task(http.send(CALL)) for _ in range(5)]
        await until(lambda: bool(upstream.asked))
        with pytest.raises(UpstreamUnreachable):
            await http.send(CALL)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert http.active == 0
        await http.close()


async def test_standing_streams_take_no_place_of_calls() -> None:
    async def script(wire: Wire, asked: Asked) -> None:
        if asked.target == "/standing":
            wire.begin_stream()
            await wire.gone()
        wire.answer(b"{}")

    async with scripted(repeating(script)) as upstream:
        http = http_client(upstream.url, limits=few(1))
        standing = Outgoing(head=HEAD, method=b"GET", target="/standing", standing=True)
        streams = [await http.send(standing) for _ in range(3)]
        assert (await http.send(CALL)).body == b"{}"
        for stream in streams:
            stream.leave()
        await http.close()


async def test_a_failed_connection_gives_its_place_back() -> None:
    async with scripted(kind) as upstream:
        url = upstream.url
    http = http_client(url, limits=few(1))
    for _ in range(3):
        with pytest.raises(UpstreamUnreachable) as refused:
            await http.send(CALL)
        assert refused.value.data["server"] == "up"
    assert http.active == 0
    await http.close()
