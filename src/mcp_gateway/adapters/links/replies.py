"""From an HTTP answer to the `Reply` it holds, or to the error it amounts to. A message is passed on as it came, byte by byte."""

from collections.abc import AsyncIterator
from typing import Final

from mcp_gateway.adapters.links.answers import Answer, Source
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.sse_events import EventSplitter, TooLong
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import MessageId, parse_object, render
from mcp_gateway.federation.model import Reply

_JSON: Final = b"application/json"
_EVENTS: Final = b"text/event-stream"
# An error the server explains in its body; longer explanations are none.
_MAX_ERROR_BYTES: Final = 256 * 1024


class Replies:
    """`max_bytes` bounds one message of a stream, and all of one that ends."""

    def __init__(self, faults: Faults, max_bytes: int) -> None:
        self._faults, self._max = faults, max_bytes

    def of(self, answer: Answer, request_id: MessageId) -> Reply:
        """Raises the errors of `federation/errors.py` for whatever is no answer in JSON-RPC to the request of this id."""
        status = answer.status
        content_type = answer.headers.get(b"content-type", b"")
        kind = content_type if content_type == _JSON else answer.media_type
        if kind == _JSON and (status == 200 or 400 <= status < 500):
            return self._json(answer, request_id)
        if kind == _EVENTS and status == 200:
            return self._stream(answer, request_id)
        answer.leave()
        raise self._error(answer)

    def _json(self, answer: Answer, request_id: MessageId) -> Reply:
        body, source = answer.body, answer.source
        if answer.status != 200 and (body is None or answer.status in (401, 403) or not _is_error(body)):
            answer.leave()
            raise self._error(answer)
        if body is not None:
            if body[:1] != b"{" or body[-1:] != b"}":
                body = body.strip()
            self._check(body, request_id, answer.status)
            return Reply(status=answer.status, body=body)
        assert source is not None  # noqa: S101 - an answer has a body or a source
        return Reply(chunks=_pieces(source), close=_leaving(source))

    def _stream(self, answer: Answer, request_id: MessageId) -> Reply:
        if answer.source is None:
            return Reply(events=self._whole_stream(answer.body or b"", request_id))
        return Reply(events=self._events(answer.source, request_id), close=_leaving(answer.source))

    async def _whole_stream(self, body: bytes, request_id: MessageId) -> AsyncIterator[bytes]:
        for event in self._split(EventSplitter(self._max), body):
            last = is_response(event)
            if last:
                self._check(event, request_id, 200)
            yield event
            if last:
                return
        raise self._faults.lost("its stream ended before the answer")

    async def _events(self, source: Source, request_id: MessageId) -> AsyncIterator[bytes]:
        splitter = EventSplitter(self._max)
        try:
            while piece := await source.read():
                for event in self._split(splitter, piece):
                    last = is_response(event)
                    if last:
                        self._check(event, request_id, 200)
                        source.release()
                    yield event
                    if last:
                        return
        finally:
            source.leave()
        raise self._faults.lost("its stream ended before the answer")

    def _check(self, message: bytes, request_id: MessageId, status: int) -> None:
        """Raises `UpstreamMisbehaved` unless this answers that request."""
        if not is_answer_to(message, request_id):
            raise self._faults.misbehaved("answers with something that is no response to what it was asked", status=status)

    def _split(self, splitter: EventSplitter, piece: bytes) -> list[bytes]:
        try:
            return [event.data for event in splitter.feed(piece) if event.data and event.name in (b"", b"message")]
        except TooLong as error:
            raise self._faults.too_large(self._max) from error

    def _error(self, answer: Answer) -> GatewayError:
        status = answer.status
        if status in (401, 403):
            return self._faults.refused(status)
        if 300 <= status < 400:
            return self._faults.misbehaved("answers with a redirect, which is not followed", status=status)
        if status in (429, 503):
            after = answer.headers.get(b"retry-after", b"")
            seconds = min(float(after), 3600.0) if after.isdigit() and len(after) < 6 else None
            return self._faults.unreachable(f"it takes no requests now (status {status})", retry_after_seconds=seconds)
        if status in (502, 504):
            return self._faults.lost(f"what stands before it does not reach it (status {status})")
        if status < 300:
            return self._faults.misbehaved("answers with something else than JSON or an event stream", status=status)
        return self._faults.misbehaved(f"answers with status {status} and no JSON-RPC error", status=status)


async def _pieces(source: Source) -> AsyncIterator[bytes]:
    try:
        while piece := await source.read():
            yield piece
    finally:
        source.leave()


class _Leaving:
    __slots__ = ("_source",)

    def __init__(self, source: Source) -> None:
        self._source = source

    async def __call__(self) -> None:
        self._source.leave()


def _leaving(source: Source) -> _Leaving:
    return _Leaving(source)


def is_response(message: bytes) -> bool:
    """Every other message of a stream is a notification."""
    if b'"method"' not in message:
        return True
    try:
        return "method" not in parse_object(message)
    except ValueError:
        return False


def is_answer_to(message: bytes, request_id: MessageId) -> bool:
    """Whether a whole message is the response to this request. It is only read where a glance does not tell."""
    if message[:1] != b"{" or message[-1:] != b"}":
        return False
    shown = b'"id":%b' % render(request_id)
    if (shown + b"," in message or shown + b"}" in message) and (b'"result":' in message or b'"error":' in message):
        return True
    try:
        said = parse_object(message)
    except ValueError:
        return False
    # A request that could not be read has no id its error could carry.
    if said.get("id") == request_id:
        return "result" in said or "error" in said
    return said.get("id") is None and "error" in said


def _is_error(body: bytes) -> bool:
    if len(body) > _MAX_ERROR_BYTES:
        return False
    try:
        return isinstance(parse_object(body).get("error"), dict)
    except ValueError:
        return False
