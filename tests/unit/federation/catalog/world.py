"""A small world for the catalog: servers that answer from memory, and a policy that is a function."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from mcp_gateway.access.policy.model import Action, Decision, Target
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, error_message, object_at, parse_object, render, result_message
from mcp_gateway.core.protocol.words import LISTS, METHOD_NOT_FOUND
from mcp_gateway.federation.catalog.catalog import Catalog
from mcp_gateway.federation.catalog.ports import Locked, Surroundings
from mcp_gateway.federation.errors import UpstreamUnreachable
from mcp_gateway.federation.model import Change, Client, Reply, Request, UpstreamFacts
from mcp_gateway.federation.ports import Watch
from mcp_gateway.federation.views import View
from mcp_gateway.kit.errors import RateLimited
from mcp_gateway.registry.model import Server, VirtualServer

ANN = Caller(tenant="acme", subject="ann", roles=frozenset({"user"}))
BEN = Caller(tenant="acme", subject="ben", roles=frozenset({"user"}))
EVE = Caller(tenant="other", subject="eve", roles=frozenset({"user"}))
INFO: JsonObject = {"name": "mcp-gateway", "version": "1"}


@dataclass
class Upstream:
    """A server that lists what it is told to; `lists` by method, or one for each subject of a caller."""

    name: str
    lists: dict[str, list[JsonObject]] = field(default_factory=dict)
    lists_of: dict[str, dict[str, list[JsonObject]]] = field(default_factory=dict)
    ttl_ms: int = 60_000
    scope: str = "public"
    page_size: int = 1_000
    error: GatewayError | None = None
    gate: asyncio.Event | None = None
    facts_said: UpstreamFacts | None = None
    asked: Counter[str] = field(default_factory=Counter)
    meta: JsonObject | None = None

    async def facts(self, client: Client) -> UpstreamFacts:
        self.asked["server/discover"] += 1
        await self._ready()
        return self.facts_said or UpstreamFacts(
            era="modern", revision="2026-07-28", supported=("2026-07-28",), capabilities={"tools": {}}, info={"name": self.name}
        )

    async def send(self, request: Request) -> Reply:
        self.asked[request.method] += 1
        await self._ready()
        items = self.lists_of.get(request.client.caller.subject, self.lists).get(request.method)
        if items is None:
            return Reply(status=404, body=render(error_message(request.id, METHOD_NOT_FOUND, "Method not found")))
        cursor = request.params.get("cursor")
        start = int(cursor) if isinstance(cursor, str) else 0
        result: JsonObject = {
            "resultType": "complete",
            LISTS[request.method]: [*items[start : start + self.page_size]],
            "ttlMs": self.ttl_ms,
            "cacheScope": self.scope,
        }
        if self.meta is not None:
            result["_meta"] = self.meta
        if start + self.page_size < len(items):
            result["nextCursor"] = str(start + self.page_size)
        return Reply(body=render(result_message(request.id, result)))

    async def watch(self, client: Client, on_change: Callable[[Change], None]) -> Watch:
        raise UpstreamUnreachable(server=self.name)

    async def close(self) -> None:
        """Nothing is open."""

    async def _ready(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error


class World:
    """A catalog over upstreams. `rule` says what may be seen; `refuse` makes it say no."""

    def __init__(self, *, definitions: Locked | None = None, everybody_alike: bool = False) -> None:
        self.clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        self.upstreams: dict[str, Upstream] = {}
        self.servers: Mapping[str, Server] = MappingProxyType({})
        self.virtual_servers: Mapping[str, VirtualServer] = MappingProxyType({})
        self.revision = 0
        self.policy = "1"
        self.decided = 0
        self.admitted: list[str] = []
        self.too_much: set[str] = set()
        self.rule: Callable[[Caller, Action, Target], bool] = lambda _caller, _action, _target: True
        self.reach: Callable[[Caller, Action, str], bool] = lambda _caller, _action, _server: True
        self.around = Surroundings(
            registry=self,
            links=self,
            deciding=self,
            policy_version=lambda: self.policy,
            clock=self.clock,
            key=b"k" * 32,
            info=INFO,
            definitions=definitions,
            everybody_alike=everybody_alike,
            limit=self._limit,
        )
        self.catalog = Catalog(self.around)

    async def _limit(self, caller: Caller, what: str) -> None:
        self.admitted.append(f"{caller.subject} {what}")
        if what in self.too_much:
            raise RateLimited(retry_after_seconds=1)

    def link(self, server: Server) -> Upstream:
        return self.upstreams[server.name]

    def decide(self, caller: Caller, action: Action, target: Target, /) -> Decision:
        self.decided += 1
        return Decision(allowed=self.rule(caller, action, target), chain=(), rule="", reason="")

    def may_reach(self, caller: Caller, action: Action, server: str, /) -> bool:
        return self.reach(caller, action, server)

    def add(self, server: Server, upstream: Upstream | None = None) -> Upstream:
        upstream = upstream or Upstream(server.name)
        self.upstreams[server.name] = upstream
        self.servers = MappingProxyType({**self.servers, server.name: server})
        self.revision += 1
        return upstream

    def remove(self, name: str) -> None:
        self.servers = MappingProxyType({key: one for key, one in self.servers.items() if key != name})
        self.revision += 1

    def select(self, virtual: VirtualServer) -> None:
        self.virtual_servers = MappingProxyType({**self.virtual_servers, virtual.name: virtual})
        self.revision += 1

    def view(self, name: str = "") -> View:
        view = self.catalog.view(name)
        assert view is not None
        return view

    async def listed(
        self, name: str = "", *, method: str = "tools/list", caller: Caller = ANN, cursor: str | None = None
    ) -> JsonObject:
        params: JsonObject = {} if cursor is None else {"cursor": cursor}
        reply = await self.catalog.list(self.view(name), request(method, params, caller=caller))
        assert reply.body is not None
        return object_at(parse_object(reply.body), "result")

    async def names(self, name: str = "", *, method: str = "tools/list", caller: Caller = ANN) -> list[str]:
        return keys(await self.listed(name, method=method, caller=caller), method)


def tool(name: str, **more: object) -> JsonObject:
    return parse_object(render({"name": name, "inputSchema": {"type": "object"}, **more}))  # type: ignore[dict-item]  # rendered


def request(
    method: str, params: JsonObject | None = None, *, caller: Caller = ANN, capabilities: JsonObject | None = None
) -> Request:
    client = Client(caller=caller, info={"name": "test"}, capabilities=capabilities or {})
    return Request(id=1, method=method, params=params or {}, client=client)


def keys(result: JsonObject, method: str) -> list[str]:
    key = {"resources/list": "uri", "resources/templates/list": "uriTemplate"}.get(method, "name")
    items = result[LISTS[method]]
    assert isinstance(items, list)
    return [str(item[key]) for item in items if isinstance(item, dict)]


def server(name: str, **more: object) -> Server:
    return Server(name=name, url=f"http://{name}.test/mcp", **more)  # type: ignore[arg-type]  # the test says what fits
