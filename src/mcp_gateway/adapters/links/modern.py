"""The link to a server that speaks revision 2026-07-28: what the client sent goes out as it is, what comes back stays as it is.

No message is read here but errors, the ends of streams, and what the server says of itself.
"""

from collections.abc import Callable
from typing import Final

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.adapters.links.kept_facts import KeptFacts
from mcp_gateway.adapters.links.listening import Listening
from mcp_gateway.adapters.links.replies import Replies
from mcp_gateway.adapters.links.sending import Sending
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.core.protocol.header_values import encode_value
from mcp_gateway.core.protocol.parameters import Marked, marked_in, parameter_headers
from mcp_gateway.core.protocol.words import LISTS, NAME_HEADER, NAMED_BY
from mcp_gateway.federation.envelope import body_of, method_headers
from mcp_gateway.federation.model import Change, Client, Headers, Reply, Request, UpstreamFacts
from mcp_gateway.federation.ports import Watch
from mcp_gateway.registry.model import Server

# Asking these again does nothing at the server. A request that is in no doubt about that may be repeated.
READING: Final = frozenset(
    {*LISTS, "server/discover", "resources/read", "prompts/get", "completion/complete", "tasks/get", "subscriptions/listen"}
)
_MEDIA: Final = b"content-type: application/json\r\naccept: application/json, text/event-stream\r\n"


class ModernLink:
    """`definition_of` gives a tool's definition where it is known, for the headers some tools want."""

    def __init__(
        self, server: Server, sending: Sending, *, clock: Clock, definition_of: Callable[[str], JsonObject | None]
    ) -> None:
        self._server, self._sending, self._definition_of = server, sending, definition_of
        self._faults = Faults(server.name)
        self._replies = Replies(self._faults, server.limits.max_answer_bytes)
        self._facts = KeptFacts(self.send, self._faults, clock=clock)
        self._marked: dict[str, tuple[JsonObject, Marked]] = {}
        self._heads: dict[str, bytes] = {}
        self._watches: set[Listening] = set()

    @property
    def name(self) -> str:
        return self._server.name

    @property
    def active(self) -> int:
        return self._sending.active

    async def facts(self, client: Client) -> UpstreamFacts:
        return await self._facts.of(client)

    async def send(self, request: Request) -> Reply:
        outgoing = Outgoing(
            head=self._head(request),
            body=body_of(request),
            reads=request.method in READING,
            standing=request.method == "subscriptions/listen",
        )
        return self._replies.of(await self._sending.send(outgoing, request.client), request.id)

    async def watch(self, client: Client, on_change: Callable[[Change], None]) -> Watch:
        seconds = self._server.limits.timeout_seconds
        watch = Listening(self.name, self.send, client, on_change, seconds=seconds, ended=self._watches.discard)
        self._watches.add(watch)
        return watch

    async def close(self) -> None:
        for watch in tuple(self._watches):
            await watch.close()
        await self._sending.close()

    def _head(self, request: Request) -> bytes:
        """What stands in it for every request of a method is made once: this is on the way of every call."""
        method = request.method
        head = self._heads.get(method)
        if head is None:
            head = _MEDIA + lines_of(method_headers(method))
            if method in READING or method in NAMED_BY:
                self._heads[method] = head
        key = NAMED_BY.get(method)
        name = request.params.get(key) if key is not None else None
        if isinstance(name, str):
            head = b"%b%b: %b\r\n" % (head, NAME_HEADER, encode_value(name))
        further = request.headers
        if further is None:
            further = self._parameters(request) if method == "tools/call" else ()
        if request.client.trace:
            further = (*further, *request.client.trace)
        return head + lines_of(further) if further else head

    def _parameters(self, request: Request) -> Headers:
        definition = self._definition_of(request.name)
        if definition is None:
            return ()
        kept = self._marked.get(request.name)
        if kept is None or kept[0] is not definition:
            # Only names the server offers get here, so there are no more of them than of its tools.
            kept = self._marked[request.name] = (definition, marked_in(definition))
        return tuple(parameter_headers(kept[1], object_at(request.params, "arguments"))) if kept[1] else ()


def lines_of(headers: Headers) -> bytes:
    """Header lines. One whose value would end the line by itself is left out; no honest one does."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if lines.count(b"\n") == lines.count(b"\r") == len(headers) and b"\0" not in lines:
        return lines
    return b"".join(
        b"%b: %b\r\n" % header for header in headers if not any(mark in b"".join(header) for mark in (b"\r", b"\n", b"\0"))
    )
