"""The link to a server of unknown era: it is asked once, remembered, and asked again when it answers otherwise.

What a server refuses because of its era it has not run, so that alone is sent once more, in the other language.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Literal, Protocol, TypeAlias

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.adapters.links.legacy.channel import SpeaksOtherwise
from mcp_gateway.adapters.links.legacy.reading import whole
from mcp_gateway.adapters.links.legacy.resuming import Place, events_of
from mcp_gateway.adapters.links.modern import lines_of
from mcp_gateway.adapters.links.sending import Sending
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object
from mcp_gateway.core.protocol.revisions import MODERN
from mcp_gateway.core.protocol.words import (
    HEADER_MISMATCH,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MISSING_CAPABILITY,
    UNSUPPORTED_VERSION,
)
from mcp_gateway.federation.envelope import body_of, headers_of
from mcp_gateway.federation.errors import UpstreamAnswerTooLarge, UpstreamLost, UpstreamMisbehaved, UpstreamTimedOut
from mcp_gateway.federation.model import Change, Client, Reply, Request, UpstreamFacts
from mcp_gateway.federation.ports import Link, Watch
from mcp_gateway.registry.model import Server

Verdict: TypeAlias = Literal["modern", "legacy", "sse"]

# A server of an older era may leave what it does not know unanswered.
_PROBE_SECONDS: Final = 10.0
_PROBE_BYTES: Final = 1024 * 1024
# An error that may mean another era, or may not, is looked into no more often.
_DOUBT_SECONDS: Final = 30.0
_MEDIA: Final = ((b"content-type", b"application/json"), (b"accept", b"application/json, text/event-stream"))
# What servers of an older era answer to a request of the newest.
_DOUBTFUL_CODES: Final = frozenset({UNSUPPORTED_VERSION, INVALID_REQUEST, METHOD_NOT_FOUND, -32000, -32001})
_DOUBTFUL_STATUS: Final = frozenset({400, 404, 405, 406, 415})


class ActiveLink(Link, Protocol):
    @property
    def active(self) -> int: ...


class AnyEraLink:
    """`sse` None: the server is not looked for at the older transport. The three share one way out, which `close` ends."""

    def __init__(
        self,
        server: Server,
        sending: Sending,
        *,
        modern: ActiveLink,
        legacy: ActiveLink,
        sse: ActiveLink | None,
        clock: Clock,
    ) -> None:
        self._server, self._sending, self._clock = server, sending, clock
        self._faults = Faults(server.name)
        self._links: dict[Verdict, ActiveLink] = {"modern": modern, "legacy": legacy}
        if sse is not None:
            self._links["sse"] = sse
        self._known: Verdict | None = None
        self._probing = asyncio.Lock()
        self._doubted_at: float | None = None

    @property
    def name(self) -> str:
        return self._server.name

    @property
    def active(self) -> int:
        return sum(link.active for link in self._links.values())

    async def facts(self, client: Client) -> UpstreamFacts:
        link = await self._link(client)
        try:
            return await link.facts(client)
        except (SpeaksOtherwise, UpstreamMisbehaved) as error:
            return await (await self._other(link, client, error)).facts(client)

    async def send(self, request: Request) -> Reply:
        link = self._links[self._known] if self._known is not None else await self._link(request.client)
        try:
            reply = await link.send(request)
        except (SpeaksOtherwise, UpstreamMisbehaved) as error:
            return await (await self._other(link, request.client, error)).send(request)
        if reply.status in _DOUBTFUL_STATUS and self._known == "modern" and _doubtful(reply) and self._may_doubt():
            self._known = None
            other = await self._link(request.client)
            if other is not link:
                await reply.close()
                return await other.send(request)
        return reply

    async def watch(self, client: Client, on_change: Callable[[Change], None]) -> Watch:
        return await (await self._link(client)).watch(client, on_change)

    async def close(self) -> None:
        # The older ones have sessions to end before the way out is closed.
        for link in reversed(self._links.values()):
            await link.close()

    async def _link(self, client: Client) -> ActiveLink:
        if self._known is None:
            async with self._probing:
                if self._known is None:
                    self._known = await self._verdict(client)
        return self._links[self._known]

    async def _other(self, link: ActiveLink, client: Client, error: SpeaksOtherwise | UpstreamMisbehaved) -> ActiveLink:
        """The link to go on with after this refusal. Raises it where it is none of the era, or there is no other."""
        if isinstance(error, UpstreamMisbehaved) and (error.data.get("status") not in _DOUBTFUL_STATUS or not self._may_doubt()):
            raise error
        self._known = None
        other = await self._link(client)
        if other is link:
            if isinstance(error, UpstreamMisbehaved):
                raise error
            raise self._faults.misbehaved("speaks none of the revisions known here") from error
        return other

    def _may_doubt(self) -> bool:
        now = self._clock.monotonic()
        if self._doubted_at is not None and now - self._doubted_at < _DOUBT_SECONDS:
            return False
        self._doubted_at = now
        return True

    async def _verdict(self, client: Client) -> Verdict:
        """Raises what stands in the way of asking."""
        request = Request(id="era", method="server/discover", params={}, client=client)
        outgoing = Outgoing(
            head=lines_of((*_MEDIA, *headers_of(request))),
            body=body_of(request),
            reads=True,
            seconds=min(_PROBE_SECONDS, self._server.limits.timeout_seconds),
        )
        try:
            answer = await self._sending.send(outgoing, client)
            try:
                message = await self._message(answer)
            finally:
                answer.leave()
        except (UpstreamLost, UpstreamTimedOut, UpstreamAnswerTooLarge):
            return await self._older(client)
        return self._judged(answer, message) or await self._older(client)

    async def _message(self, answer: Answer) -> JsonObject:
        """What it says, also as the first event of a stream; empty when it is no message."""
        if answer.media_type == b"text/event-stream":
            async for _, data in events_of(answer, Place(_PROBE_BYTES), self._faults):
                if data:
                    return _parsed(data)
            return {}
        return _parsed(await whole(answer, _PROBE_BYTES, self._faults))

    def _judged(self, answer: Answer, message: JsonObject) -> Verdict | None:
        """None: it is nothing a server of the protocol says, so only its handshake can tell."""
        if answer.status in (401, 403):
            raise self._faults.refused(answer.status)
        if answer.status in (429, 502, 503, 504):
            raise self._faults.unreachable(f"it takes no requests now (status {answer.status})")
        result, error = object_at(message, "result"), object_at(message, "error")
        if result:
            return "modern" if MODERN in _texts(result.get("supportedVersions")) else "legacy"
        code = error.get("code")
        if code == UNSUPPORTED_VERSION:
            return "modern" if MODERN in _texts(object_at(error, "data").get("supported")) else "legacy"
        if code in (MISSING_CAPABILITY, HEADER_MISMATCH):
            return "modern"
        return "legacy" if isinstance(code, int) else None

    async def _older(self, client: Client) -> Verdict:
        """Which of the older transports it has: the newer one first, then the stream of 2024-11-05."""
        try:
            await self._links["legacy"].facts(client)
        except SpeaksOtherwise:
            return "modern"
        except UpstreamMisbehaved as error:
            status = error.data.get("status")
            if "sse" not in self._links or not isinstance(status, int) or not 400 <= status < 500:
                raise
            try:
                await self._links["sse"].facts(client)
            except UpstreamMisbehaved:
                raise error from None
            return "sse"
        return "legacy"


def _parsed(body: bytes) -> JsonObject:
    try:
        return parse_object(body)
    except ValueError:
        return {}


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _doubtful(reply: Reply) -> bool:
    """Whether this refusal may be that of an older era."""
    error = object_at(_parsed(reply.body or b""), "error")
    if error.get("code") == UNSUPPORTED_VERSION:
        return MODERN not in _texts(object_at(error, "data").get("supported"))
    return error.get("code") in _DOUBTFUL_CODES
