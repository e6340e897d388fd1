"""Kept connections to an upstream: used as far as that is safe, and no call twice."""

import asyncio

import pytest
from tests.upstreams.reaching import http_client, until
from tests.upstreams.scripted_http import Asked, Wire, repeating, scripted

from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.federation.errors import UpstreamLost

pytestmark = pytest.mark.anyio

HEAD = b"content-type: application/json\r\n"
CALL = Outgoing(head=HEAD, body=b'{"method":"tools/call"}')
READING = Outgoing(head=HEAD, body=b'{"method":"tools/list"}', reads=True)


async def test_a_connection_the_server_closed_meanwhile_is_noticed_before_it_is_used() -> None:
    async def once(wire: Wire) -> None:
        await wire.asked()
        wire.answer(b"{}")
        await wire.writer.drain()
        wire.cut()

    async with scripted(once) as upstream:
        http = http_client(upstream.url)
        for _ in range(5):
            await http.send(CALL)
        assert len(upstream.asked) == upstream.connections == 5
        await http.close()


async def test_words_nobody_asked_for_are_no_answer_to_the_next_request() -> None:
    answered = asyncio.Event()

    async def talkative(wire: Wire) -> None:
        await wire.asked()
        wire.answer(b"{}")
        await answered.wait()
        if wire.number == 1:
            wire.answer(b'{"planted":true}')
        await wire.asked()
        wire.answer(b"{}")

    async with scripted(talkative) as upstream:
        http = http_client(upstream.url)
        await http.send(CALL)
        answered.set()
        await asyncio.sleep(0)
        assert (await http.send(CALL)).body == b"{}"
        await http.close()


async def breaks_down(wire: Wire) -> None:
    """Answers one request of its first connection and ends at the second without a word; later connections are fine."""
    await wire.asked()
    wire.answer(b'{"first":true}')
    await wire.asked()
    if wire.number == 1:
        wire.cut()
        return
    wire.answer(b"{}")
    await wire.gone()


async def test_a_call_that_may_have_run_is_not_repeated() -> None:
    async with scripted(breaks_down) as upstream:
        http = http_client(upstream.url)
        await http.send(CALL)
        with pytest.raises(UpstreamLost) as lost:
            await http.send(CALL)
        assert lost.value.retryable is False
        assert len(upstream.asked) == 2
        assert upstream.connections == 1
        await http.close()


async def test_what_merely_reads_is_repeated_once_on_a_new_connection() -> None:
    async with scripted(breaks_down) as upstream:
        http = http_client(upstream.url)
        await http.send(READING)
        assert (await http.send(READING)).body == b'{"first":true}'
        assert (upstream.connections, len(upstream.asked)) == (2, 3)
        await http.close()


async def test_nothing_is_repeated_that_broke_on_a_new_connection() -> None:
    async def silent(wire: Wire) -> None:
        await wire.asked()
        wire.cut()

    async with scripted(silent) as upstream:
        http = http_client(upstream.url)
        for outgoing in (CALL, READING):
            with pytest.raises(UpstreamLost):
                await http.send(outgoing)
        assert upstream.connections == 2
        await http.close()


async def test_nothing_is_repeated_once_a_byte_of_the_answer_came() -> None:
    async def begins(wire: Wire) -> None:
        await wire.asked()
        wire.answer(b"{}")
        await wire.asked()
        wire.say(b"H")
        await wire.writer.drain()
        wire.cut()

    async with scripted(begins) as upstream:
        http = http_client(upstream.url)
        await http.send(READING)
        with pytest.raises(UpstreamLost):
            await http.send(READING)
        assert upstream.connections == 1
        await http.close()


@pytest.mark.parametrize(("outgoing", "connections"), [(CALL, 2), (READING, 1)], ids=["a call", "what reads"])
async def test_a_call_takes_no_connection_the_server_may_be_about_to_close(outgoing: Outgoing, connections: int) -> None:
    async def hasty(wire: Wire, _: Asked) -> None:
        wire.answer(b"{}", more="keep-alive: timeout=1\r\n")

    async with scripted(repeating(hasty)) as upstream:
        http = http_client(upstream.url)
        await http.send(outgoing)
        await http.send(outgoing)
        assert upstream.connections == connections
        await http.close()


async def test_a_call_takes_no_connection_older_than_those_the_server_was_seen_to_close() -> None:
    close = asyncio.Event()

    async def tires(wire: Wire) -> None:
        await wire.asked()
        wire.answer(b"{}")
        if wire.number == 1:
            await close.wait()
            return
        await wire.asked()
        wire.answer(b"{}")
        await wire.gone()

    async with scripted(tires) as upstream:
        http = http_client(upstream.url)
        loop = asyncio.get_running_loop()
        await http.send(CALL)
        began = loop.time()
        close.set()
        await until(lambda: not upstream.tasks)
        await http.send(CALL)
        kept_for = loop.time() - began
        await asyncio.sleep(kept_for + 0.01)
        await http.send(CALL)
        assert upstream.connections == 3
        assert (await http.send(READING)).status == 200
        assert upstream.connections == 3
        await http.close()
