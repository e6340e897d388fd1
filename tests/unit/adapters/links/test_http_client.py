"""HTTP to an upstream: every honest way to answer is understood."""

import asyncio

import pytest
from tests.upstreams.reaching import http_client, until
from tests.upstreams.scripted_http import Asked, Wire, repeating, scripted

from mcp_gateway.adapters.links.answers import WHOLE_BYTES, Answer
from mcp_gateway.adapters.links.http_client import Outgoing

pytestmark = pytest.mark.anyio

HEAD = b"content-type: application/json\r\n"
CALL = Outgoing(head=HEAD, body=b'{"method":"tools/call"}')


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
