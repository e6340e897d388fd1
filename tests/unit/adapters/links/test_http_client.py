"""HTTP to an upstream: every honest way to answer is understood, kept connections are used as far as that is safe."""

import asyncio

import pytest
from tests.upstreams.reaching import PATIENCE, http_client, until
from tests.upstreams.scripted_http import Asked, Wire, repeating, scripted

from mcp_gateway.adapters.links.answers import WHOLE_BYTES, Answer
from mcp_gateway.adapters.links.http_client import HttpClient, Outgoing
from mcp_gateway.federation.errors import UpstreamLost, UpstreamUnreachable
from mcp_gateway.registry.model import ServerLimits

pytestmark = pytest.mark.anyio

HEAD = b"content-type: application/json\r\n"
CALL = Outgoing(head=HEAD, body=b'{"method":"tools/call"}')
READING = Outgoing(head=HEAD, body=b'{"method":"tools/list"}', reads=True)


async def read(answer: Answer) -> bytes:
    if answer.body is not None:
        return answer.body
    assert answer.source is not None
    pieces = []
    while piece := await answer.source.read():
        pieces.append(piece)
    return b"".join(pieces)


@repeating
async def kind(wire: Wire, asked: Asked) -> None:
    wire.answer(b'{"you":"said %b"}' % asked.body[:40].replace(b'"', b"'"))


async def test_a_request_arrives_whole_with_its_headers_and_body() -> None:
    async with scripted(kind) as upstream:
        http = http_client(f"{upstream.url}?a=b")
        await http.send(Outgoing(head=b"mcp-method: tools/call\r\n", body=b"{}"), b"authorization: Bearer x\r\n")
        await http.close()
    (asked,) = upstream.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/mcp?a=b", b"{}")
    assert asked.headers["host"] == f"127.0.0.1:{upstream.port}"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.headers["mcp-method"] == "tools/call"
    assert asked.headers["authorization"] == "Bearer x"


async def test_a_server_is_reached_over_ipv6() -> None:
    async with scripted(kind, host="::1") as upstream:
        http = http_client(f"http://[::1]:{upstream.port}/mcp")
        assert (await http.send(CALL)).status == 200
        assert upstream.asked[0].headers["host"] == f"[::1]:{upstream.port}"
        await http.close()


async def test_another_target_and_method_can_be_named() -> None:
    async with scripted(kind) as upstream:
        http = http_client(upstream.url)
        await http.send(Outgoing(head=b"", method=b"GET", target="/messages?session=1"))
        await http.close()
    (asked,) = upstream.asked
    assert (asked.method, asked.target) == ("GET", "/messages?session=1")
    assert "content-length" not in asked.headers


GOOD = {
    "a length": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    "chunks": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    b"1\r\n{\r\n1;ext=1\r\n}\r\n0\r\n\r\n",
    "trailers": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    b"2\r\n{}\r\n0\r\ncontent-type: text/html\r\nx: y\r\n\r\n",
    "a remark before": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    "blanks around": b"HTTP/1.1 200 OK\r\nContent-Type: \t application/json \t\r\nContent-Length: 2\r\n\r\n{}",
    "identity": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: identity\r\ncontent-length: 2\r\n\r\n{}",
}  # fmt: skip


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("drip", [False, True], ids=["at once", "byte by byte"])
async def test_every_honest_form_is_understood_and_the_connection_kept(data: bytes, *, drip: bool) -> None:
    async def answer(wire: Wire, _: Asked) -> None:
        for piece in [data[at : at + 1] for at in range(len(data))] if drip else [data]:
            wire.say(piece)
            await wire.writer.drain()
            await asyncio.sleep(0)

    async with scripted(repeating(answer)) as upstream:
        http = http_client(upstream.url)
        for _ in range(2):
            answered = await http.send(CALL)
            assert (answered.status, answered.media_type, answered.body) == (200, b"application/json", b"{}")
        assert upstream.connections == 1
        await http.close()


async def test_an_answer_that_ends_with_its_connection_is_whole() -> None:
    async def script(wire: Wire) -> None:
        await wire.asked()
        wire.say(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{")
        await wire.writer.drain()
        wire.say(b"}")
        wire.writer.close()
        await wire.writer.wait_closed()

    async with scripted(script) as upstream:
        http = http_client(upstream.url)
        assert (await http.send(CALL)).body == b"{}"
        await http.close()


async def test_a_connection_the_server_wants_closed_is_not_used_again() -> None:
    async with scripted(repeating(closing)) as upstream:
        http = http_client(upstream.url)
        await http.send(CALL)
        await http.send(CALL)
        assert upstream.connections == 2
        await http.close()


async def closing(wire: Wire, _: Asked) -> None:
    wire.answer(b"{}", more="connection: close\r\n")


async def test_a_status_without_a_body_is_an_answer() -> None:
    async def accepted(wire: Wire, _: Asked) -> None:
        wire.say(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
        await wire.asked()
        wire.say(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with scripted(repeating(accepted)) as upstream:
        http = http_client(upstream.url)
        assert [(await http.send(CALL)).status for _ in range(2)] == [202, 204]
        assert upstream.connections == 1
        await http.close()


async def test_a_long_answer_comes_in_pieces_and_the_connection_is_kept() -> None:
    body = b"x" * (WHOLE_BYTES * 3)

    async def long(wire: Wire, asked: Asked) -> None:
        wire.answer(body if len(upstream.asked) == 1 else b"{}")

    async with scripted(repeating(long)) as upstream:
        http = http_client(upstream.url)
        answer = await http.send(CALL)
        assert answer.body is None
        assert await read(answer) == body
        await until(lambda: http.active == 0)
        assert (await http.send(CALL)).body == b"{}"
        assert upstream.connections == 1
        await http.close()


async def test_no_more_of_a_long_answer_is_taken_than_is_read() -> None:
    size, piece = 48 * 2**20, b"x" * 2**16
    written = 0

    async def endless(wire: Wire, _: Asked) -> None:
        nonlocal written
        wire.say(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % size)
        while written < size:
            wire.say(piece)
            await wire.writer.drain()
            written += len(piece)

    async with scripted(repeating(endless)) as upstream:
        http = http_client(upstream.url)
        answer = await http.send(CALL)
        before = -1
        while before != written:
            before = written
            await asyncio.sleep(0.05)
        assert written < size // 2
        assert len(await read(answer)) == size
        await http.close()


# -- kept connections --------------------------------------------------------------------------------------------------------


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


# -- leaving -----------------------------------------------------------------------------------------------------------------


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


# -- places ------------------------------------------------------------------------------------------------------------------


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
