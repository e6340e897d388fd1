"""What the gateway sent to a server as its credential comes back to nobody."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

import pytest
from tests.upstreams.reaching import calling, modern_link
from tests.upstreams.scripted_http import Asked, Wire, repeating, scripted

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.discretion import Discretion, secret_in_header
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.legacy.exchange import Exchange
from mcp_gateway.adapters.links.legacy.starts import Starts
from mcp_gateway.adapters.links.legacy.stdio import Program, StdioChannel
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.model import Reply
from mcp_gateway.registry.model import Command, Credential

pytestmark = pytest.mark.anyio

TOKEN = "tok+en/of-the~house=="
BEARER = Credential(kind="bearer", secret=TOKEN)


def echo(asked: Asked) -> bytes:
    """Everything it was sent, in one answer."""
    said = {"content": [{"type": "text", "text": f"{asked.target} {asked.headers}"}]}
    return json.dumps({"jsonrpc": "2.0", "id": 7, "result": said}, separators=(",", ":")).encode()


async def in_one(wire: Wire, asked: Asked) -> None:
    wire.answer(echo(asked))


async def byte_by_byte(wire: Wire, asked: Asked) -> None:
    wire.begin_stream()
    for byte in b"data: %b\n\n" % echo(asked):
        wire.chunk(bytes((byte,)))
        await asyncio.sleep(0)
    wire.chunk(b"")


async def at_length(wire: Wire, asked: Asked) -> None:
    body = echo(asked).replace(b'"text":"', b'"text":"' + b"x" * 600_000, 1)
    wire.answer(body)


async def all_of(reply: Reply) -> bytes:
    if reply.body is not None:
        return reply.body
    pieces = reply.chunks if reply.chunks is not None else reply.events
    assert pieces is not None
    return b"".join([piece async for piece in pieces])


@pytest.mark.parametrize("answering", [in_one, byte_by_byte, at_length])
async def test_an_echoed_credential_is_hidden(answering: Callable[[Wire, Asked], Awaitable[None]]) -> None:
    async with scripted(repeating(answering)) as upstream:
        link = modern_link(f"{upstream.url}?api_key=from-the-address&version=2026-07-28", credential=BEARER)
        said = await all_of(await link.send(calling()))
        await link.close()
    assert upstream.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    text = json.loads(said)["result"]["content"][0]["text"]
    assert "Bearer [secret]" in text
    assert TOKEN not in text
    assert "api_key=[secret]&version=2026-07-28" in text


async def test_a_server_without_a_credential_is_passed_on_as_it_is() -> None:
    async with scripted(repeating(in_one)) as upstream:
        link = modern_link(upstream.url)
        said = (await link.send(calling())).body
        await link.close()
    assert said == echo(upstream.asked[0])


@pytest.mark.parametrize(
    "written",
    [TOKEN, TOKEN.replace("/", "\\/"), TOKEN.replace("+", "\\u002B"), TOKEN.replace("+", "\\u002b").replace("/", "\\u002F")],
)
async def test_it_is_hidden_however_its_marks_are_escaped(written: str) -> None:
    hidden = Discretion([TOKEN])
    assert hidden.whole(f'{{"a":"{written}"}}'.encode()) == b'{"a":"[secret]"}'


async def test_what_is_a_number_stays_one() -> None:
    hidden = Discretion(["1234567890"])
    assert json.loads(hidden.whole(b'{"a":1234567890,"b":"1234567890"}')) == {"a": 1111111111, "b": "1111111111"}


async def test_of_secrets_that_are_alike_in_part_each_is_hidden() -> None:
    hidden = Discretion(["abc/the-same-end", "xyz/the-same-end"])
    assert hidden.whole(b"abc/the-same-end xyz/the-same-end") == b"[secret] [secret]"


async def test_short_ones_are_words_like_others() -> None:
    assert not Discretion(["blue", "a", ""])


@pytest.mark.parametrize(
    ("value", "secret"),
    [(f"Bearer {TOKEN}", TOKEN), (TOKEN, TOKEN), ("two words more", "two words more"), ("a/b cde", "a/b cde")],
)
def test_of_a_header_the_secret_is_what_follows_the_scheme(value: str, secret: str) -> None:
    assert secret_in_header(value) == secret


class Pieces:
    def __init__(self, *pieces: bytes) -> None:
        self.pieces = [*pieces, b""]

    async def read(self) -> bytes:
        return self.pieces.pop(0)

    def leave(self) -> None: ...

    def release(self) -> None: ...


async def test_what_only_begins_like_one_comes_at_the_end_at_last() -> None:
    hidden = Discretion(["abcabcabd"])
    answer = hidden.of(Answer(200, {}, body=None, source=Pieces(b"x abcab", b"cabcab", b"d abcabc")))
    assert answer.source is not None
    read = []
    while piece := await answer.source.read():
        read.append(piece)
    assert b"".join(read) == b"x abc[secret] abcabc"
    assert read[0] == b"x "


class Heard:
    def __init__(self) -> None:
        self.messages: list[JsonObject] = []
        self.came = asyncio.Event()

    def heard(self, message: JsonObject, during: Exchange | None = None, size: int = 0) -> None:
        self.messages.append(message)
        self.came.set()

    def lost(self, error: Exception) -> None:
        self.came.set()

    def interrupted(self) -> None: ...


async def test_a_program_that_tells_its_secrets_is_hidden_too() -> None:
    told = """import json, os, sys
method = os.environ["API_TOKEN"] + os.environ["COLOUR_OF"]
print(json.dumps({"jsonrpc": "2.0", "method": method}), flush=True)
sys.stdin.read()
"""
    secrets = {"API_TOKEN": TOKEN, "COLOUR_OF": "turquoise"}
    command = Command(program=sys.executable, arguments=("-I", "-S", "-c", told), environment=secrets)
    program = Program(command=command, environment={}, line_bytes=1_000_000)
    clock = SystemClock()
    channel = StdioChannel(program, Faults("up"), Starts(Faults("up"), clock=clock, random=lambda: 0.5), clock=clock)
    heard = Heard()
    await channel.open(heard)
    await heard.came.wait()
    await channel.close()
    assert heard.messages[0]["method"] == "[secret]turquoise"
