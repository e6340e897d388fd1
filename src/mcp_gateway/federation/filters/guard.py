"""What was approved is what is called, with arguments that fit; and nothing leaves a server that is to be struck out."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

from mcp_gateway.access.policy.uris import writings
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.core.protocol.parameters import Marked, disagreement, marked_in
from mcp_gateway.federation.catalog.uri_templates import Template
from mcp_gateway.federation.errors import HeadersDisagree, UpstreamAnswerTooLarge, WaitingForApproval
from mcp_gateway.federation.guard.arguments import ArgumentChecks
from mcp_gateway.federation.model import Headers, Reply
from mcp_gateway.federation.pipeline import Onward, Passage
from mcp_gateway.federation.views import Route
from mcp_gateway.registry.definitions.model import Kind, Standing

# An answer that is to be masked is held whole for it.
MAX_MASKED_BYTES: Final = 8 * 1024 * 1024
# Definitions whose marked parameters are kept at hand.
MAX_MARKED: Final = 20_000

_KINDS: Final[Mapping[str, Kind]] = {"tools/call": "tools", "prompts/get": "prompts", "resources/read": "resources"}

Masking: TypeAlias = Callable[[bytes, frozenset[str]], bytes]


class Standings(Protocol):
    """How each definition stands, in memory."""

    def standing(self, server: str, name: str, kind: Kind = "tools") -> Standing | None:
        """None: never seen there."""
        ...

    def names(self, server: str, kind: Kind = "tools") -> Collection[str]:
        """Of all that was ever seen of this server, held back or not."""
        ...


class Guard:
    """Raises `WaitingForApproval`, `HeadersDisagree`, what `ArgumentChecks` raises, and what masking raises: no answer then.

    `masked` strikes kinds of data out of one JSON-RPC message.
    """

    def __init__(self, standings: Standings, arguments: ArgumentChecks, masked: Masking) -> None:
        self._standings, self._arguments, self._masked = standings, arguments, masked
        self._marked: dict[str, Marked] = {}

    async def __call__(self, passage: Passage, onward: Onward) -> Reply:
        request, route = passage.request, passage.route
        kind = _KINDS.get(request.method)
        if kind is not None:
            standing = self._standing(route, kind)
            if kind == "tools" and standing is not None and route.server.check_arguments:
                given = request.params.get("arguments")
                self._arguments.check(standing.fingerprint, standing.definition, {} if given is None else given)
            if kind == "tools" and standing is not None and request.headers is not None:
                self._check_headers(standing, request.headers, object_at(request.params, "arguments"))
        reply = await onward(passage)
        return reply if not route.server.mask else await self._mask(reply, route.server.mask)

    def _check_headers(self, standing: Standing, headers: Headers, arguments: JsonObject) -> None:
        """Servers of older eras know nothing of these headers, so it is done here for all."""
        marked = self._marked.get(standing.fingerprint)
        if marked is None:
            if len(self._marked) >= MAX_MARKED:
                self._marked.clear()
            marked = self._marked[standing.fingerprint] = marked_in(standing.definition)
        fault = disagreement(marked, arguments, headers) if marked else None
        if fault is not None:
            raise HeadersDisagree(fault)

    def _standing(self, route: Route, kind: Kind) -> Standing | None:
        """A resource that is in no list stands as its template does; None where neither was seen."""
        server, name = route.server.name, route.name
        standing = self._standings.standing(server, name, kind)
        if standing is None and kind == "resources":
            standing = self._otherwise_written(server, name) or self._of_template(server, name)
            if standing is None:
                return None
        if standing is None or standing.status != "offered":
            word = "blocked" if standing is not None and standing.status == "blocked" else "waiting for approval"
            raise WaitingForApproval(f"{name[:200]} of {server} is {word}.", server=server, name=name[:200])
        return standing

    def _otherwise_written(self, server: str, uri: str) -> Standing | None:
        """How the resource stands of which this is another writing: held back, if that is so of any."""
        forms = writings(uri)
        found = [self._standings.standing(server, one, "resources") for one in (*forms.same, *forms.read)]
        known = [one for one in found if one is not None]
        return next((one for one in known if one.status != "offered"), known[0] if known else None)

    def _of_template(self, server: str, uri: str) -> Standing | None:
        """How the templates this URI fits stand: as the one that may be used, if any may. None: it fits none that was seen."""
        found: Standing | None = None
        for text in self._standings.names(server, "templates"):
            if _template(text).matches(uri):
                found = self._standings.standing(server, text, "templates")
                if found is not None and found.status == "offered":
                    break
        return found

    async def _mask(self, reply: Reply, kinds: frozenset[str]) -> Reply:
        if reply.body is not None:
            return replace(reply, body=self._masked(reply.body, kinds))
        if reply.events is not None:
            masked = (self._masked(message, kinds) async for message in reply.events)
            return replace(reply, events=masked)
        try:
            return replace(reply, chunks=None, body=self._masked(await _whole(reply), kinds))
        except GatewayError:
            await reply.close()
            raise


@lru_cache(maxsize=1_024)
def _template(text: str) -> Template:
    return Template(text)


async def _whole(reply: Reply) -> bytes:
    parts, size = [], 0
    assert reply.chunks is not None  # noqa: S101 - the third of three
    async for chunk in reply.chunks:
        size += len(chunk)
        if size > MAX_MASKED_BYTES:
            raise UpstreamAnswerTooLarge("The answer is too long to be masked.", limit_bytes=MAX_MASKED_BYTES)
        parts.append(chunk)
    return b"".join(parts)
