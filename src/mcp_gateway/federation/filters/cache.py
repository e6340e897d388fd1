"""What a server vouches for need not be asked again: resources it gave a time to live, kept for whom it said.

Revision 2026-07-28, "Caching": `cacheScope` "public" may be kept for everybody, "private" for the one caller. Only the result is
kept; it is answered under the id of whoever asks.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.protocol.frames import JsonObject, parse_object, render, result_message
from mcp_gateway.federation.model import Change, Reply, Request
from mcp_gateway.federation.pipeline import Onward, Passage
from mcp_gateway.registry.model import Server

MAX_KEPT_BYTES: Final = 32 * 1024 * 1024
MAX_ONE_BYTES: Final = 256 * 1024
# Nobody vouches for longer, whatever they say.
MAX_TTL_MS: Final = 24 * 3_600_000

_Key = tuple[str, int, str, str]


class _Kept(NamedTuple):
    result: JsonObject
    until: float
    size: int


class Cache:
    """Reads of resources, of this replica. `drop` is told of every change, wherever it was heard."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._bytes = self._drops = 0

    async def __call__(self, passage: Passage, onward: Onward) -> Reply:
        request, route = passage.request, passage.route
        if request.method != "resources/read" or "inputResponses" in request.params:
            return await onward(passage)
        found = self._find(route.server, route.name, request)
        if found is not None:
            return Reply(body=render(result_message(request.id, found)))
        drops = self._drops
        reply = await onward(passage)
        # What changed while it was asked for may have made it untrue.
        if drops == self._drops and reply.body is not None and len(reply.body) <= MAX_ONE_BYTES:
            self._keep(route.server, route.name, request, reply.body)
        return reply

    def drop(self, change: Change) -> None:
        """Forget what a change of its server may have made untrue."""
        if change.kind not in ("resource", "resources", "lost"):
            return
        self._drops += 1
        uri = change.uri if change.kind == "resource" else ""
        gone = [key for key in self._kept if change.server in ("", key[0]) and (not uri or key[2] == uri)]
        for key in gone:
            self._bytes -= self._kept.pop(key).size

    def _find(self, server: Server, uri: str, request: Request) -> JsonObject | None:
        for owner in ("", _owner(request)):
            kept = self._kept.get((server.name, server.version, uri, owner))
            if kept is not None and self._monotonic() < kept.until:
                self._kept.move_to_end((server.name, server.version, uri, owner))
                left_ms = int((kept.until - self._monotonic()) * 1000)
                return {**kept.result, "ttlMs": left_ms}
        return None

    def _keep(self, server: Server, uri: str, request: Request, body: bytes) -> None:
        if b'"ttlMs"' not in body:
            return
        result = parse_object(body).get("result")
        if not isinstance(result, dict) or result.get("resultType", "complete") != "complete":
            return
        ttl_ms, scope = result.get("ttlMs"), result.get("cacheScope")
        if isinstance(ttl_ms, bool) or not isinstance(ttl_ms, int | float) or not ttl_ms > 0:
            return
        # A server that is asked in each caller's own name may tell each something else, whatever it says.
        shared = scope == "public" and server.credential.kind != "token_exchange"
        key = (server.name, server.version, uri, "" if shared else _owner(request))
        self._replace(key, _Kept(result, self._monotonic() + min(ttl_ms, MAX_TTL_MS) / 1000, len(body)))

    def _replace(self, key: _Key, kept: _Kept) -> None:
        before = self._kept.pop(key, None)
        self._bytes += kept.size - (before.size if before is not None else 0)
        self._kept[key] = kept
        while self._bytes > MAX_KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.size


def _owner(request: Request) -> str:
    caller = request.client.caller
    return f"{caller.tenant}\x1f{caller.issuer}\x1f{caller.subject}"
