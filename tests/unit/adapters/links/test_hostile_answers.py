"""What upstreams do wrong, by accident or on purpose: each ends in time, in bounds, and in an error that says which it was."""

import asyncio
import ssl

import pytest
from tests.upstreams.reaching import addresses, http_client, until
from tests.upstreams.scripted_http import Script, Wire, scripted

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.federation.errors import (
    UpstreamAnswerTooLarge,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from mcp_gateway.registry.model import ServerLimits

pytestmark = pytest.mark.anyio

CALL = Outgoing(head=b"content-type: application/json\r\n", body=b"{}")
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def says(data: bytes, *, stay: bool = False) -> Script:
    async def script(wire: Wire) -> None:
        await wire.asked()
        wire.say(data)
        await wire.writer.drain()
        if stay:
            await wire.gone()
        wire.writer.close()

    return script


async def fetched(script: Script, limits: ServerLimits | None = None) -> bytes:
    """All of the answer to one call."""
    async with scripted(script) as upstream:
        http = http_client(upstream.url, limits=limits or ServerLimits(timeout_seconds=20.0))
        try:
            answer = await http.send(CALL)
            if answer.body is not None:
                return answer.body
            assert answer.source is not None
            pieces = []
            while piece := await answer.source.read():
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            assert http.active == 0
            await http.close()


IMPROPER = {
    "another protocol": b"220 smtp.example.com ESMTP\r\n",
    "an older protocol": b"<html>hello</html>",
    "no status": b"HTTP/1.1\r\n\r\n",
    "a strange status": b"HTTP/1.1 20x OK\r\n\r\n",
    "two lengths": JSON + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "length and chunks": JSON + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a length below nothing": JSON + b"content-length: -2\r\n\r\n{}",
    "a length beyond counting": JSON + b"content-length: 99999999999999999999999\r\n\r\n{}",
    "no number of bytes": JSON + b"transfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "a chunk beyond counting": JSON + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}",
    "a chunk longer than it said": JSON + b"transfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    "more than it said": JSON + b"content-length: 2\r\n\r\n{}{}",
    "two answers": (JSON + b"content-length: 2\r\n\r\n{}") * 2,
    "a nameless header": JSON + b": x\r\ncontent-length: 2\r\n\r\n{}",
    "a header split over lines": JSON + b"x: 1\r\n folded\r\ncontent-length: 2\r\n\r\n{}",
    "a bare line end in the head": b"HTTP/1.1 200 OK\rcontent-length: 2\r\r{}",
    "a null in the head": JSON + b"x: a\0b\r\ncontent-length: 2\r\n\r\n{}",
    "another protocol from now on": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    "one long header": JSON + b"x: " + b"y" * 70_000 + b"\r\ncontent-length: 2\r\n\r\n{}",
    "many headers": JSON + b"".join(b"x-%d: y\r\n" % at for at in range(9_000)) + b"content-length: 2\r\n\r\n{}",
    "a head without an end": JSON + b"x: " + b"y" * 300_000,
    "compressed": JSON + b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b",
}  # fmt: skip


@pytest.mark.parametrize("data", IMPROPER.values(), ids=IMPROPER)
async def test_what_is_no_proper_answer_is_refused(data: bytes) -> None:
    with pytest.raises(UpstreamMisbehaved) as refusal:
        await fetched(says(data, stay=True))
    assert refusal.value.data["server"] == "up"


CUT = {
    "within the head": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "before the body": JSON + b"content-length: 2\r\n\r\n",
    "within the body": JSON + b"content-length: 20\r\n\r\n{",
    "within a chunk": JSON + b"transfer-encoding: chunked\r\n\r\n5\r\n{",
    "before the last chunk": JSON + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "before anything": b"",
}


@pytest.mark.parametrize("data", CUT.values(), ids=CUT)
async def test_an_answer_cut_short_is_never_taken_for_a_whole_one(data: bytes) -> None:
    with pytest.raises(UpstreamLost):
        await fetched(says(data))


async def test_a_long_answer_cut_short_fails_where_it_breaks() -> None:
    with pytest.raises(UpstreamLost):
        await fetched(says(JSON + b"content-length: 9000000\r\n\r\n" + b"x" * 1_000_000))


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP/1.1 200", JSON + b"content-length: 9\r\n\r\n{", JSON + b"content-length: 9000000\r\n\r\n" + b"x" * 600_000],
    ids=["nothing", "half a head", "half a body", "half a long body"],
)
async def test_a_server_that_stops_is_waited_for_no_longer_than_it_may_take(data: bytes) -> None:
    with pytest.raises(UpstreamTimedOut) as late:
        await fetched(says(data, stay=True), ServerLimits(timeout_seconds=0.2))
    assert late.value.retryable is False


async def drips(wire: Wire) -> None:
    await wire.asked()
    wire.say(JSON + b"transfer-encoding: chunked\r\n\r\n")
    while True:
        wire.chunk(b" ")
        await wire.writer.drain()
        await asyncio.sleep(0.01)


async def test_a_slow_drip_does_not_extend_the_time() -> None:
    with pytest.raises(UpstreamTimedOut):
        await fetched(drips, ServerLimits(timeout_seconds=0.3))


async def pours(wire: Wire) -> None:
    await wire.asked()
    wire.say(JSON + b"transfer-encoding: chunked\r\n\r\n")
    while True:
        wire.chunk(b"x" * 65_536)
        await wire.writer.drain()


async def test_an_answer_without_an_end_is_taken_up_to_the_limit() -> None:
    with pytest.raises(UpstreamAnswerTooLarge) as large:
        await fetched(pours, ServerLimits(max_answer_bytes=2_000_000))
    assert large.value.data["max_answer_bytes"] == 2_000_000


async def test_an_answer_that_says_it_is_too_long_is_not_taken_at_all() -> None:
    with pytest.raises(UpstreamAnswerTooLarge):
        await fetched(says(JSON + b"content-length: 1000000000\r\n\r\n{", stay=True), ServerLimits(max_answer_bytes=1_000))


async def test_a_server_that_does_not_read_is_waited_for_no_longer_than_it_may_take() -> None:
    async def deaf(wire: Wire) -> None:
        await asyncio.sleep(60)

    async with scripted(deaf) as upstream:
        http = http_client(upstream.url, limits=ServerLimits(timeout_seconds=0.3))
        with pytest.raises(UpstreamTimedOut):
            await http.send(Outgoing(head=b"", body=b"x" * 20_000_000))
        await http.close()


async def test_no_error_repeats_what_was_sent_or_answered() -> None:
    said = set[str]()
    for data in (*IMPROPER.values(), *CUT.values()):
        async with scripted(says(data.replace(b"hello", b"secret"))) as upstream:
            http = http_client(upstream.url, limits=ServerLimits(timeout_seconds=20.0))
            with pytest.raises(GatewayError) as fault:
                await http.send(Outgoing(head=b"authorization: Bearer secret\r\n", body=b"secret"))
            said.add(str(fault.value.to_dict()))
            await http.close()
    assert not [text for text in said if "secret" in text]


async def test_a_server_that_accepts_no_connection_is_waited_for_briefly() -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    http = http_client("http://slow.test/mcp", limits=ServerLimits(connect_seconds=0.1), reached=addresses(resolve=never))
    with pytest.raises(UpstreamUnreachable) as away:
        await http.send(CALL)
    assert "0.1 s" in away.value.message
    await http.close()


async def test_a_plain_server_behind_an_address_of_tls_is_told_as_such() -> None:
    async with scripted(_plain) as upstream:
        http = http_client(upstream.url.replace("http:", "https:"), trust=ssl.create_default_context)
        with pytest.raises(UpstreamUnreachable) as fault:
            await http.send(CALL)
        assert "TLS" in fault.value.message
        await http.close()


async def _plain(wire: Wire) -> None:
    wire.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await wire.gone()


async def test_a_stream_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.adapters.links.http_client.STANDING_IDLE_SECONDS", 0.1)

    async def silent(wire: Wire) -> None:
        await wire.asked()
        wire.begin_stream()
        wire.chunk(b": hello\n\n")
        await wire.gone()
        wire.upstream.left.set()

    async with scripted(silent) as upstream:
        http = http_client(upstream.url)
        answer: Answer = await http.send(Outgoing(head=b"", method=b"GET", standing=True))
        assert answer.source is not None
        await answer.source.read()
        with pytest.raises(UpstreamLost):
            await answer.source.read()
        await until(upstream.left.is_set)
        await http.close()
