"""The link to a server of 2026-07-28: bytes through, errors in words, streams as they come."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.upstreams.reaching import CLIENT, calling, modern_link, until
from tests.upstreams.scripted_http import Asked, Script, Wire, repeating, scripted

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.core.protocol.words import CAPABILITIES_KEY, INFO_KEY, SERVER_INFO_KEY, VERSION_KEY
from mcp_gateway.federation.errors import (
    UpstreamAnswerTooLarge,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamRefused,
    UpstreamUnreachable,
)
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.registry.model import Credential, ServerLimits

pytestmark = pytest.mark.anyio

RESULT = b'{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","content":[]}}'
NOTE = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"result":"error"}}'


def answering(body: bytes = RESULT, *, status: str = "200 OK", kind: str = "application/json", more: str = "") -> Script:
    async def one(wire: Wire, _: Asked) -> None:
        wire.answer(body, status=status, kind=kind, more=more)

    return repeating(one)


def streaming(*events: bytes, end: bool = True) -> Script:
    async def one(wire: Wire, _: Asked) -> None:
        wire.begin_stream()
        for event in events:
            wire.chunk(event)
            await wire.writer.drain()
        if end:
            wire.chunk(b"")
        else:
            await wire.gone()

    return repeating(one)


async def asked_with(request: Request, *, definition: JsonObject | None = None) -> Asked:
    async with scripted(answering()) as upstream:
        link = modern_link(upstream.url, definition_of=lambda _: definition)
        await link.send(request)
        await link.close()
    return upstream.asked[0]


async def reply_of(script: Script, *, limits: ServerLimits | None = None) -> tuple[Reply, list[bytes]]:
    async with scripted(script) as upstream:
        link = modern_link(upstream.url, limits=limits or ServerLimits())
        try:
            reply = await link.send(calling())
            pieces = [reply.body] if reply.body is not None else []
            for source in (reply.chunks, reply.events):
                if source is not None:
                    pieces += [piece async for piece in source]
            await reply.close()
            await until(lambda: link.active == 0)
            return reply, pieces
        finally:
            await link.close()


# -- what goes out -----------------------------------------------------------------------------------------------------------


async def test_the_clients_bytes_are_sent_as_they_are() -> None:
    body = b'{ "id" : 7,"method":"tools/call","params":{"big":123456789012345678901234567890,"u":"\\ud800"} }'
    asked = await asked_with(replace(calling(), body=body))
    assert asked.body == body
    assert asked.headers["mcp-protocol-version"] == "2026-07-28"
    assert asked.headers["mcp-method"] == "tools/call"
    assert asked.headers["mcp-name"] == "echo"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["accept"] == "application/json, text/event-stream"


async def test_without_bytes_the_request_is_made_with_what_its_client_declared() -> None:
    client = replace(CLIENT, capabilities={"sampling": {}}, token="callers-own")
    asked = await asked_with(replace(calling(arguments={"a": 1}, client=client)))
    message = json.loads(asked.body)
    assert (message["id"], message["method"], message["params"]["arguments"]) == (7, "tools/call", {"a": 1})
    meta = message["params"]["_meta"]
    assert (meta[VERSION_KEY], meta[INFO_KEY]["name"], meta[CAPABILITIES_KEY]) == ("2026-07-28", "tests", {"sampling": {}})
    assert "callers-own" not in str(asked)
    assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Zürich", "=?base64?WsO8cmljaA==?="), (" x ", "=?base64?IHgg?="), ("a\r\nx-evil: 1", "=?base64?YQ0KeC1ldmlsOiAx?=")],
)
async def test_a_name_that_does_not_fit_into_a_header_is_wrapped(name: str, shown: str) -> None:
    asked = await asked_with(calling(name))
    assert asked.headers["mcp-name"] == shown
    assert "x-evil" not in asked.headers


async def test_no_value_of_a_client_begins_a_header_of_its_own() -> None:
    request = replace(calling(), method="x\r\nx-evil: 1", headers=((b"mcp-param-a", b"1\r\nx-evil: 2"), (b"mcp-param-b", b"2")))
    asked = await asked_with(replace(request, client=replace(CLIENT, trace=((b"traceparent", b"00\nx-evil: 3"),))))
    assert "x-evil" not in asked.headers
    assert asked.headers["mcp-param-b"] == "2"


async def test_the_clients_trace_and_parameter_headers_go_along() -> None:
    client = replace(CLIENT, trace=((b"traceparent", b"00-1-2-01"),))
    asked = await asked_with(replace(calling(client=client), headers=((b"mcp-param-region", b"eu"),)))
    assert (asked.headers["traceparent"], asked.headers["mcp-param-region"]) == ("00-1-2-01", "eu")


MARKED: JsonObject = {
    "name": "echo",
    "inputSchema": {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "on": {"type": "boolean", "x-mcp-header": "On"},
            "ratio": {"type": "number", "x-mcp-header": "Ratio"},
            "bad": {"type": "string", "x-mcp-header": "no token"},
            "list": {"type": "array", "items": {"type": "string", "x-mcp-header": "Item"}},
            "none": {"type": "string", "x-mcp-header": "None"},
        },
    },
}


async def test_parameter_headers_are_made_from_the_schema_when_the_client_sends_none() -> None:
    arguments: JsonObject = {
        "region": "Zürich",
        "deep": {"n": 3},
        "on": True,
        "ratio": 1.5,
        "bad": "x",
        "list": ["y"],
        "none": None,
    }
    asked = await asked_with(calling(arguments=arguments), definition=MARKED)
    made = {name: value for name, value in asked.headers.items() if name.startswith("mcp-param-")}
    assert made == {"mcp-param-region": "=?base64?WsO8cmljaA==?=", "mcp-param-n": "3", "mcp-param-on": "true"}


async def test_a_client_that_sends_its_own_parameter_headers_is_not_corrected() -> None:
    request = replace(calling(arguments={"region": "eu"}), headers=())
    asked = await asked_with(request, definition=MARKED)
    assert "mcp-param-region" not in asked.headers


async def test_two_arguments_of_one_header_have_none() -> None:
    twice: JsonObject = {
        "inputSchema": {
            "properties": {"a": {"type": "string", "x-mcp-header": "X"}, "b": {"type": "string", "x-mcp-header": "x"}}
        }
    }
    asked = await asked_with(calling(arguments={"a": "1", "b": "2"}), definition=twice)
    assert "mcp-param-x" not in asked.headers


@pytest.mark.parametrize(
    ("credential", "header", "value"),
    [
        (Credential(kind="bearer", secret="s3cret"), "authorization", "Bearer s3cret"),
        (Credential(kind="header", header="X-Api-Key", secret="s3cret"), "x-api-key", "s3cret"),
    ],
)
async def test_the_servers_credential_is_presented(credential: Credential, header: str, value: str) -> None:
    async with scripted(answering()) as upstream:
        link = modern_link(upstream.url, credential=credential)
        await link.send(calling())
        await link.close()
    assert upstream.asked[0].headers[header] == value
    assert "s3cret" not in repr(credential)


# -- what comes back ---------------------------------------------------------------------------------------------------------


async def test_an_answer_is_passed_on_byte_by_byte() -> None:
    body = b'{"jsonrpc": "2.0",\n "id": 7, "result": {"x": 1.0, "x-ext": "\xc3\xa4"}}'
    reply, _ = await reply_of(answering(body, kind="Application/JSON; charset=utf-8"))
    assert (reply.status, reply.body) == (200, body)


async def test_blanks_around_an_answer_are_no_part_of_it() -> None:
    reply, _ = await reply_of(answering(b"\r\n " + RESULT + b"\n"))
    assert reply.body == RESULT


@pytest.mark.parametrize(("status", "code"), [(400, -32022), (404, -32601), (400, -32602), (422, 1)])
async def test_an_error_the_server_explains_keeps_its_status_and_words(status: int, code: int) -> None:
    body = b'{"jsonrpc":"2.0","id":7,"error":{"code":%d,"message":"no","data":{"a":1}}}' % code
    reply, _ = await reply_of(answering(body, status=f"{status} Whatever"))
    assert (reply.status, reply.body) == (status, body)


async def test_a_long_answer_comes_in_pieces() -> None:
    body = b'{"jsonrpc":"2.0","id":7,"result":{"text":"' + b"x" * 1_000_000 + b'"}}'
    reply, pieces = await reply_of(answering(body))
    assert reply.body is None
    assert b"".join(pieces) == body


EXPLAINED = b'{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"x"}}'
FAULTS: dict[str, tuple[Script, type[GatewayError]]] = {
    "401": (answering(b"{}", status="401 Unauthorized"), UpstreamRefused),
    "403 with an explanation": (answering(EXPLAINED, status="403 No"), UpstreamRefused),
    "404 without one": (answering(b"<html>", status="404 Not Found", kind="text/html"), UpstreamMisbehaved),
    "400 with other JSON": (answering(b'{"detail":"bad"}', status="400 Bad"), UpstreamMisbehaved),
    "a redirect": (answering(b"", status="307 Elsewhere", more="location: http://169.254.169.254/\r\n"), UpstreamMisbehaved),
    "500": (answering(EXPLAINED, status="500 Oops"), UpstreamMisbehaved),
    "502": (answering(b"x", status="502 Bad Gateway", kind="text/html"), UpstreamLost),
    "503": (answering(b"x", status="503 Busy", kind="text/html", more="retry-after: 7\r\n"), UpstreamUnreachable),
    "429": (answering(b"x", status="429 Slow", kind="text/html"), UpstreamUnreachable),
    "a page": (answering(b"<html>", kind="text/html"), UpstreamMisbehaved),
    "nothing": (answering(b"", status="202 Accepted"), UpstreamMisbehaved),
    "an empty body": (answering(b""), UpstreamMisbehaved),
    "a list": (answering(b"[]"), UpstreamMisbehaved),
    "another object": (answering(b'{"hello":"world"}'), UpstreamMisbehaved),
    "an answer to something else": (answering(RESULT.replace(b'"id":7', b'"id":77')), UpstreamMisbehaved),
    "an answer to nothing": (answering(RESULT.replace(b'"id":7,', b"")), UpstreamMisbehaved),
    "a notification": (answering(NOTE), UpstreamMisbehaved),
    "a stream with an answer to something else": (streaming(b'data: {"id":"7","result":{}}\n\n'), UpstreamMisbehaved),
    "half an object": (answering(b'{"jsonrpc":'), UpstreamMisbehaved),
    "a stream without an answer": (streaming(b"data: %b\n\n" % NOTE), UpstreamLost),
    "a stream without anything": (streaming(), UpstreamLost),
    "an event too long": (streaming(b"data: " + b"x" * 300_000), UpstreamAnswerTooLarge),
}  # fmt: skip


@pytest.mark.parametrize(("script", "error"), FAULTS.values(), ids=FAULTS)
async def test_what_is_no_answer_in_the_protocol_is_told_as_the_error_it_is(script: Script, error: type[GatewayError]) -> None:
    with pytest.raises(error) as fault:
        await reply_of(script, limits=ServerLimits(max_answer_bytes=100_000, timeout_seconds=20))
    assert fault.value.data["server"] == "up"


async def test_a_server_that_is_busy_says_when_to_come_back() -> None:
    with pytest.raises(UpstreamUnreachable) as busy:
        await reply_of(FAULTS["503"][0])
    assert busy.value.retry_after_seconds == 7


@pytest.mark.parametrize("end", [True, False], ids=["a stream that ends", "one that stays open"])
@pytest.mark.parametrize("apart", [True, False], ids=["in pieces", "at once"])
async def test_each_message_of_a_stream_is_passed_on_up_to_the_answer(*, end: bool, apart: bool) -> None:
    events = [b": ping\n\n", b"event: message\nid: 1\ndata: %b\n\n" % NOTE, b"data: {}\n\n", b"data: %b\n\n" % RESULT]
    events[2] = b'data: {"jsonrpc":"2.0",\ndata: "method":"notifications/message","params":{}}\n\n'
    reply, pieces = await reply_of(streaming(*(events if apart else [b"".join(events)]), end=end))
    assert reply.body is None
    assert pieces == [NOTE, b'{"jsonrpc":"2.0",\n"method":"notifications/message","params":{}}', RESULT]


async def test_a_message_is_passed_on_before_the_next_one_comes() -> None:
    heard = asyncio.Event()

    async def waits(wire: Wire, _: Asked) -> None:
        wire.begin_stream()
        wire.chunk(b"data: %b\n\n" % NOTE)
        await heard.wait()
        wire.chunk(b"data: %b\n\n" % RESULT)
        wire.chunk(b"")

    async with scripted(repeating(waits)) as upstream:
        link = modern_link(upstream.url)
        reply = await link.send(calling())
        assert reply.events is not None
        assert await anext(reply.events) == NOTE
        heard.set()
        assert [message async for message in reply.events] == [RESULT]
        await link.close()


async def test_closing_a_reply_cancels_it_at_the_server() -> None:
    async def stays(wire: Wire) -> None:
        await wire.asked()
        wire.begin_stream()
        wire.chunk(b"data: %b\n\n" % NOTE)
        await wire.gone()
        wire.upstream.left.set()

    async with scripted(stays) as upstream:
        link = modern_link(upstream.url)
        reply = await link.send(calling())
        await reply.close()
        await reply.close()
        await asyncio.wait_for(upstream.left.wait(), 20)
        await link.close()


@pytest.mark.parametrize(
    "body",
    [
        b'{"result":{"id":8},"jsonrpc":"2.0","id":7}',
        b'{ "jsonrpc" : "2.0" , "id" : 7 , "result" : {} }',
        b'{"jsonrpc":"2.0","id":7.0,"result":{}}',
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"unreadable"}}',
        b'{"jsonrpc":"2.0","result":{"text":"' + b"x" * 100_000 + b'"},"\\u0069d": 7}',
    ],
)
async def test_an_answer_is_known_however_it_is_written(body: bytes) -> None:
    reply, _ = await reply_of(answering(body))
    assert reply.body == body


# -- what the server says of itself ------------------------------------------------------------------------------------------


def discovering(**result: object) -> Script:
    async def one(wire: Wire, asked: Asked) -> None:
        said = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, **result}
        wire.answer(json.dumps({"jsonrpc": "2.0", "id": json.loads(asked.body)["id"], "result": said}).encode())

    return repeating(one)


def of(subject: str) -> Client:
    return Client(caller=Caller(tenant="t", subject=subject))


async def test_facts_are_asked_once_while_the_server_vouches_for_them() -> None:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    said = {"ttlMs": 5_000, "cacheScope": "public", "instructions": "hi", "_meta": {SERVER_INFO_KEY: {"name": "up"}}}
    async with scripted(discovering(**said)) as upstream:
        link = modern_link(upstream.url, clock=clock)
        facts = await link.facts(of("a"))
        assert (facts.era, facts.revision, facts.instructions, facts.info) == ("modern", "2026-07-28", "hi", {"name": "up"})
        assert (facts.capabilities, facts.supported, facts.ttl_ms) == ({"tools": {}}, ("2026-07-28",), 5_000)
        clock.advance(4.9)
        await link.facts(of("b"))
        assert len(upstream.asked) == 1
        clock.advance(0.2)
        await link.facts(of("a"))
        assert len(upstream.asked) == 2
        await link.close()


@pytest.mark.parametrize(("scope", "asked"), [("private", 2), ("public", 1), (None, 2)])
async def test_private_facts_are_shared_by_nobody(scope: str | None, asked: int) -> None:
    async with scripted(discovering(ttlMs=60_000, cacheScope=scope)) as upstream:
        link = modern_link(upstream.url)
        for subject in ("a", "b", "a", "b"):
            await link.facts(of(subject))
        assert len(upstream.asked) == asked
        await link.close()


@pytest.mark.parametrize("ttl", [0, -1, True, "60000", None])
async def test_facts_nobody_vouches_for_are_not_kept(ttl: object) -> None:
    async with scripted(discovering(ttlMs=ttl, cacheScope="public")) as upstream:
        link = modern_link(upstream.url)
        await link.facts(CLIENT)
        await link.facts(CLIENT)
        assert len(upstream.asked) == 2
        await link.close()


@pytest.mark.parametrize(
    "script",
    [
        answering(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}', status="404 Not Found"),
        discovering(supportedVersions=["2025-11-25"]),
        discovering(supportedVersions="2026-07-28"),
        answering(b'{"jsonrpc":"2.0","id":1,"result":7}'),
        answering(b'{"jsonrpc" oops}'),
    ],
)
async def test_a_server_that_does_not_say_what_it_is_misbehaves(script: Script) -> None:
    async with scripted(script) as upstream:
        link = modern_link(upstream.url)
        with pytest.raises(UpstreamMisbehaved):
            await link.facts(CLIENT)
        await link.close()
