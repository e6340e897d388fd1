"""What a view says of itself: the capabilities of all its servers as one, and the instructions of each."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

import structlog

from mcp_gateway.core.errors import Json, Unavailable
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.core.protocol.revisions import REVISIONS
from mcp_gateway.core.protocol.words import SERVER_INFO_KEY
from mcp_gateway.federation.catalog.asking import Asking
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.catalog.replies import MISSING_KEY, told_missing
from mcp_gateway.federation.catalog.shelf import identity_of
from mcp_gateway.federation.catalog.showing import Rights, rights_of
from mcp_gateway.federation.catalog.sight import Sight
from mcp_gateway.federation.model import Client, UpstreamFacts
from mcp_gateway.federation.views import View
from mcp_gateway.registry.model import Server

MAX_INSTRUCTIONS: Final = 16_000
MAX_OF_ONE: Final = 2_000
INSTRUCTIONS: Final = "instructions"
# A client of an older era asks with each session it opens. What came together is given to all of them for a moment at least.
LEAST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 60.0
MAX_KEPT: Final = 1_000
_Key: TypeAlias = tuple[str, Rights, str]

log = structlog.get_logger(__name__)


class _Kept(NamedTuple):
    """Times are monotonic."""

    stamp: tuple[int, str, int]
    since: float
    until: float
    ttl_ms: int
    result: JsonObject


class Discovery:
    """What servers said is kept by their links, not here."""

    def __init__(self, around: Surroundings, sight: Sight) -> None:
        self._around, self._sight = around, sight
        self._asking = Asking(around)
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    async def result(self, view: View, client: Client) -> JsonObject:
        """Raises `GatewayError` where the view is one server that does not answer."""
        if view.server is not None:
            facts = await self._around.links.link(view.server).facts(client)
            return self._of_one(facts, await self._instructions(view.server, facts))
        key, stamp = (view.name, rights_of(client.caller), identity_of(client)), self._stamp()
        now = self._around.clock.monotonic()
        kept = self._kept.get(key)
        if kept is not None and kept.stamp == stamp and now < kept.until:
            return {**kept.result, "ttlMs": max(0, kept.ttl_ms - int((now - kept.since) * 1000))}
        result = await self._merged(view, client)
        ttl_ms = result["ttlMs"]
        if isinstance(ttl_ms, int) and MISSING_KEY not in object_at(result, "_meta"):
            until = now + min(max(ttl_ms / 1000, LEAST_SECONDS), MOST_SECONDS)
            self._keep(key, _Kept(stamp=stamp, since=now, until=until, ttl_ms=ttl_ms, result=result))
        return result

    def _stamp(self) -> tuple[int, str, int]:
        locked = self._around.definitions
        return (self._around.registry.revision, self._around.policy_version(), 0 if locked is None else locked.revision)

    def _keep(self, key: _Key, kept: "_Kept") -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    async def _merged(self, view: View, client: Client) -> JsonObject:
        servers = self._servers(view, client)
        said, missing = await self._asking.facts(servers, client)
        own = view.virtual.instructions if view.virtual is not None else ""
        result: JsonObject = {
            "resultType": "complete",
            "supportedVersions": [*REVISIONS],
            "capabilities": merge_capabilities(facts.capabilities for facts in said.values()),
            "ttlMs": min([facts.ttl_ms for facts in said.values()] or [0]) if not missing else 0,
            "cacheScope": "public" if self._around.everybody_alike else "private",
        }
        texts = {one.name: await self._instructions(one, said[one.name]) for one in servers if not own and one.name in said}
        instructions = own or merge_instructions(texts)
        if instructions:
            result["instructions"] = instructions
        info = self._around.info
        if view.virtual is not None:
            info = {**info, "name": view.name, **({"title": view.virtual.title} if view.virtual.title else {})}
        meta: JsonObject = {SERVER_INFO_KEY: info}
        if missing:
            meta[MISSING_KEY] = [*told_missing(missing)]
        result["_meta"] = meta
        return result

    async def close(self) -> None:
        """Ends what is under way."""
        await self._asking.close()

    async def _instructions(self, server: Server, facts: UpstreamFacts) -> str:
        """Those that may be shown: what a server tells a model is held back like a changed tool."""
        locked = self._around.definitions
        if locked is None or not facts.instructions:
            return facts.instructions
        try:
            await locked.observe_instructions(server, facts.instructions)
        except Unavailable as error:
            log.warning("instructions_left_out", server=server.name, code=error.code)
            return ""
        standing = locked.standing(server.name, INSTRUCTIONS, INSTRUCTIONS)
        return facts.instructions if standing is not None and standing.status == "offered" else ""

    def _of_one(self, facts: UpstreamFacts, instructions: str) -> JsonObject:
        """A server's own words, in every revision the gateway can speak for it."""
        result: JsonObject = {
            "resultType": "complete",
            "supportedVersions": [*REVISIONS],
            "capabilities": facts.capabilities,
            "ttlMs": facts.ttl_ms,
            "cacheScope": "public" if self._around.everybody_alike else "private",
            "_meta": {SERVER_INFO_KEY: facts.info},
        }
        if instructions:
            result["instructions"] = instructions
        return result

    def _servers(self, view: View, client: Client) -> tuple[Server, ...]:
        kinds = ("tools", "prompts", "resources") if view.kind == "virtual" else ("tools",)
        found = (one for kind in kinds for one in self._sight.servers(view, client.caller, kind))  # type: ignore[arg-type]  # literals
        return tuple({one.name: one for one in found}.values())


def merge_capabilities(all_of_them: Iterable[JsonObject]) -> JsonObject:
    """What any of them can do. Objects become one, `true` wins; where two say different things the first is believed."""
    merged: JsonObject = {}
    for one in all_of_them:
        merged = _merge(merged, one)
    return merged


def merge_instructions(said: Mapping[str, str]) -> str:
    """Each under its server's name, cut where it is too long."""
    texts = [f"## {name}\n{_cut(text, MAX_OF_ONE)}" for name, text in said.items() if text.strip()]
    return _cut("\n\n".join(texts), MAX_INSTRUCTIONS)


def _merge(first: JsonObject, second: JsonObject) -> JsonObject:
    merged = dict(first)
    for key, value in second.items():
        merged[key] = _both(first[key], value) if key in first else value
    return merged


def _both(first: Json, second: Json) -> Json:
    if isinstance(first, dict) and isinstance(second, dict):
        return _merge(first, second)
    return True if second is True and first is False else first


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 2] + " …"
