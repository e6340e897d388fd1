"""What a modern server says of itself: asked with `server/discover`, and kept while the server vouches for it."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final, TypeAlias

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object
from mcp_gateway.core.protocol.revisions import MODERN
from mcp_gateway.core.protocol.words import SERVER_INFO_KEY
from mcp_gateway.federation.errors import UpstreamMisbehaved
from mcp_gateway.federation.model import Client, Reply, Request, UpstreamFacts

Send: TypeAlias = Callable[[Request], Awaitable[Reply]]

_MAX_KEPT: Final = 256
# What a server may vouch for at most, so that a mistaken one is asked again some day.
_MAX_TTL_MS: Final = 24 * 3600 * 1000


class KeptFacts:
    """An answer the server calls public is kept for everybody, any other for its caller alone."""

    def __init__(self, send: Send, faults: Faults, *, clock: Clock) -> None:
        self._send, self._faults, self._clock = send, faults, clock
        self._ids = count(1)
        self._kept: dict[tuple[str, str] | None, tuple[float, UpstreamFacts]] = {}

    async def of(self, client: Client) -> UpstreamFacts:
        now = self._clock.monotonic()
        for key in (None, _owner(client)):
            kept = self._kept.get(key)
            if kept is not None and now < kept[0]:
                return kept[1]
        response = await self._asked(client)
        result = object_at(response, "result")
        facts = read_facts(result, self._faults)
        if facts.ttl_ms > 0:
            key = None if result.get("cacheScope") == "public" else _owner(client)
            while len(self._kept) >= _MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = (now + facts.ttl_ms / 1000, facts)
        return facts

    def forget(self) -> None:
        self._kept.clear()

    async def _asked(self, client: Client) -> JsonObject:
        request = Request(id=f"discover-{next(self._ids)}", method="server/discover", params={}, client=client)
        response = await response_of(await self._send(request), self._faults)
        error = object_at(response, "error")
        if error:
            code = error.get("code")
            raise UpstreamMisbehaved(
                f"{self._faults.server} does not say what it offers.",
                server=self._faults.server,
                rpc_code=code if isinstance(code, int) else None,
            )
        return response


def read_facts(result: JsonObject, faults: Faults) -> UpstreamFacts:
    """From the result of `server/discover`. Raises `UpstreamMisbehaved`."""
    supported = result.get("supportedVersions")
    if not isinstance(supported, list) or MODERN not in supported:
        raise faults.misbehaved("does not say which revisions it speaks")
    instructions, ttl = result.get("instructions"), result.get("ttlMs")
    return UpstreamFacts(
        era="modern",
        revision=MODERN,
        supported=tuple(version for version in supported if isinstance(version, str)),
        capabilities=object_at(result, "capabilities"),
        info=object_at(result, "_meta", SERVER_INFO_KEY) or object_at(result, "serverInfo"),
        instructions=instructions if isinstance(instructions, str) else "",
        ttl_ms=_ttl(ttl),
    )


async def response_of(reply: Reply, faults: Faults) -> JsonObject:
    """The whole response, notifications before it dropped. Raises what the link raises, and `UpstreamMisbehaved`."""
    body = b""
    try:
        if reply.body is not None:
            body = reply.body
        elif reply.chunks is not None:
            body = b"".join([chunk async for chunk in reply.chunks])
        elif reply.events is not None:
            async for message in reply.events:
                body = message
        return parse_object(body)
    except ValueError as error:
        raise faults.misbehaved("answers with something that is no JSON-RPC message") from error
    finally:
        await reply.close()


def _owner(client: Client) -> tuple[str, str]:
    return (client.caller.tenant, client.caller.subject)


def _ttl(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return 0
    return int(min(value, _MAX_TTL_MS))
