"""`EventRelay`: chunks as they come, an end that is told, and nothing left open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import structlog
from starlette.types import Message, Scope

from mcp_gateway.core.errors import Unavailable
from mcp_gateway.kit.fastapi import EventRelay, relay

pytestmark = pytest.mark.anyio

SCOPE: Scope = {"type": "http"}


class Behind:
    """A part behind that streams; knows whether it is still open."""

    def __init__(self, chunks: Callable[[], AsyncIterator[bytes]]) -> None:
        self.chunks, self.closed = chunks, False

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncIterator[bytes]]:
        try:
            yield self.chunks()
        finally:
            self.closed = True


async def sent_by(response: EventRelay, *, gone: asyncio.Event | None = None) -> list[Message]:
    sent: list[Message] = []
    leaves = gone or asyncio.Event()

    async def receive() -> Message:
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await asyncio.wait_for(response(SCOPE, receive, send), 10)
    return sent


def body_of(sent: list[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent)


async def test_chunks_are_handed_on_and_the_part_behind_is_closed() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"data: 1\n\n", b"", b"data: 2\n\n"):
            yield chunk

    behind = Behind(chunks)
    sent = await sent_by(await EventRelay.open(behind.stream()))
    assert [message.get("body") for message in sent[1:]] == [b"data: 1\n\n", b"data: 2\n\n", b""]
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert (headers[b"cache-control"], b"content-length" in headers) == (b"no-store", False)
    assert behind.closed


async def test_what_goes_wrong_before_the_first_byte_is_raised() -> None:
    @asynccontextmanager
    async def away() -> AsyncIterator[AsyncIterator[bytes]]:
        if SCOPE:
            raise Unavailable
        yield _none()

    first = Behind(_none)
    with pytest.raises(Unavailable):
        await EventRelay.open(first.stream(), away())
    assert first.closed


async def test_what_goes_wrong_later_is_the_last_event() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise Unavailable

    body = body_of(await sent_by(await EventRelay.open(Behind(chunks).stream())))
    assert body.startswith(b"data: 1\n\n")
    assert b"event: error\ndata: {" in body
    assert b'"code":"UNAVAILABLE"' in body


async def test_a_fault_is_told_without_its_words() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise RuntimeError("the password is hunter2")

    with structlog.testing.capture_logs() as lines:
        body = body_of(await sent_by(await EventRelay.open(Behind(chunks).stream())))
    assert b'"code":"INTERNAL_ERROR"' in body
    assert b"hunter2" not in body
    assert [line["event"] for line in lines] == ["stream_failed"]


async def test_a_client_that_goes_ends_the_stream_behind() -> None:
    gone = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        gone.set()
        await asyncio.Event().wait()

    behind = Behind(chunks)
    await sent_by(await EventRelay.open(behind.stream()), gone=gone)
    assert behind.closed


async def test_a_stream_lasts_as_long_as_one_may() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    behind = Behind(chunks)
    body = body_of(await sent_by(await EventRelay.open(behind.stream(), longest_seconds=0.05)))
    assert b'"code":"TIMED_OUT"' in body
    assert behind.closed


async def test_a_client_that_waits_is_told_that_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "KEEP_ALIVE_SECONDS", 0.01)
    enough = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        await enough.wait()
        yield b"data: 1\n\n"

    async def let_go() -> None:
        await asyncio.sleep(0.05)
        enough.set()

    response = await EventRelay.open(Behind(chunks).stream())
    sent, _ = await asyncio.gather(sent_by(response), let_go())
    body = body_of(sent)
    assert body.startswith(b": waiting\n\n")
    assert body.endswith(b"data: 1\n\n")


async def _none() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
