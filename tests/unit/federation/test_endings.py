"""How a reply ended is known before its last piece is passed on."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mcp_gateway.access.act import Act
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, render
from mcp_gateway.federation.endings import ANSWERED, Ending, Finish, ending_of, is_response, observed
from mcp_gateway.federation.errors import UpstreamLost
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.federation.pipeline import Passage
from mcp_gateway.federation.views import Route, View
from mcp_gateway.registry.model import Server

pytestmark = pytest.mark.anyio

DONE = b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[]}}'
NOTE = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}'


def a_passage() -> Passage:
    client = Client(caller=Caller(tenant="t", subject="ann"))
    request = Request(id=1, method="tools/call", params={"name": "echo"}, client=client, body=b"{}")
    return Passage(View(kind="all"), request, Route(server=Server(name="up"), name="echo"), Act(action="call_tool"))


async def passed(reply: Reply, finish: Finish) -> Reply:
    async def onward(_: Passage) -> Reply:
        return reply

    return await observed(a_passage(), onward, finish)


class Noted:
    """Writes down when the reply was finished, among the pieces that came."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    async def finish(self, ending: Ending) -> None:
        self.seen.append(ending)


async def pieces(*given: bytes | Exception) -> AsyncIterator[bytes]:
    for piece in given:
        if isinstance(piece, Exception):
            raise piece
        yield piece


@pytest.mark.parametrize(
    ("message", "ending"),
    [
        (DONE, ANSWERED),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}', Ending(failed=True, code="-32602")),
        (b'{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[]}}', Ending(failed=True, code="TOOL_ERROR")),
        (b'{"jsonrpc":"2.0","id":1,"result":{"isError":false,"content":[]}}', ANSWERED),
        (b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\\"error\\" \\"isError\\":true"}]}}', ANSWERED),
        (b'{"isError": true no JSON', Ending(failed=True, code="UPSTREAM_MISBEHAVED")),
    ],
)
def test_the_ending_of_a_response_is_what_its_server_said(message: bytes, ending: Ending) -> None:
    assert ending_of(message) == ending


def test_our_own_error_inside_a_tool_result_gives_its_code() -> None:
    result: JsonObject = {"isError": True, "structuredContent": {"error": {"code": "QUERY_FAILED"}}}
    assert ending_of(render({"jsonrpc": "2.0", "id": 1, "result": result})) == Ending(failed=True, code="QUERY_FAILED")


def test_a_long_failed_answer_is_seen_to_have_failed_without_reading_it_whole() -> None:
    filler = "x" * 200_000
    body = b'{"jsonrpc":"2.0","id":1,"result":{"content":["' + filler.encode() + b'"],"isError":true}}'
    assert ending_of(body).failed


async def test_a_whole_answer_is_finished_before_it_is_given_on() -> None:
    noted = Noted()
    reply = await passed(Reply(body=DONE), noted.finish)
    assert (reply.body, noted.seen) == (DONE, [ANSWERED])


async def test_notifications_pass_at_once_and_the_response_when_it_is_finished() -> None:
    noted = Noted()
    reply = await passed(Reply(events=pieces(NOTE, DONE)), noted.finish)
    assert reply.events is not None
    async for message in reply.events:
        noted.seen.append(message)
    assert noted.seen == [NOTE, ANSWERED, DONE]


async def test_the_last_chunk_is_kept_back_until_the_reply_is_finished() -> None:
    noted = Noted()
    reply = await passed(Reply(chunks=pieces(b"{", b'"a":1', b"}")), noted.finish)
    assert reply.chunks is not None
    async for chunk in reply.chunks:
        noted.seen.append(chunk)
    assert noted.seen == [b"{", b'"a":1', ANSWERED, b"}"]


async def test_a_stream_that_breaks_off_is_finished_with_its_error() -> None:
    noted = Noted()
    reply = await passed(Reply(events=pieces(NOTE, UpstreamLost(server="up"))), noted.finish)
    assert reply.events is not None
    assert await anext(reply.events) == NOTE
    with pytest.raises(UpstreamLost):
        await anext(reply.events)
    assert noted.seen == [Ending(failed=True, code="UPSTREAM_LOST")]


async def test_closing_a_reply_early_finishes_it_as_given_up_and_only_once() -> None:
    noted = Noted()
    reply = await passed(Reply(events=pieces(NOTE, DONE)), noted.finish)
    await reply.close()
    await reply.close()
    assert noted.seen == [Ending(failed=False, given_up=True)]


async def test_what_cannot_be_finished_is_never_passed_on() -> None:
    async def refuse(_: Ending) -> None:
        raise UpstreamLost("the line could not be written")

    reply = await passed(Reply(events=pieces(NOTE, DONE)), refuse)
    assert reply.events is not None
    assert await anext(reply.events) == NOTE
    with pytest.raises(UpstreamLost):
        await anext(reply.events)


def test_a_result_that_speaks_of_methods_is_still_the_response() -> None:
    assert is_response(b'{"jsonrpc":"2.0","id":1,"result":{"text":"\\"method\\""}}')
    assert not is_response(NOTE)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (UpstreamLost(server="up"), Ending(failed=True, code="UPSTREAM_LOST")),
        (RuntimeError("nobody thought of this"), Ending(failed=True, code="INTERNAL_ERROR")),
        (asyncio.CancelledError(), Ending(failed=False, given_up=True)),
    ],
)
async def test_what_ends_before_a_reply_is_finished_and_raised_again(error: BaseException, ending: Ending) -> None:
    async def onward(_: Passage) -> Reply:
        raise error

    noted = Noted()
    with pytest.raises(type(error)):
        await observed(a_passage(), onward, noted.finish)
    assert noted.seen == [ending]


async def test_an_error_that_cannot_be_finished_is_not_passed_on_either() -> None:
    async def refuse(_: Ending) -> None:
        raise UpstreamLost("the line could not be written")

    async def onward(_: Passage) -> Reply:
        raise RuntimeError("nobody thought of this")

    with pytest.raises(UpstreamLost):
        await observed(a_passage(), onward, refuse)
