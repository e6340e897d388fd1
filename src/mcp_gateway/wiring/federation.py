"""The federated endpoint's parts, joined: registry, definitions, links, catalog, subscriptions, and the pipeline between them."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from mcp_gateway.access.access import Access
from mcp_gateway.adapters.key_file import open_signing_key
from mcp_gateway.adapters.redis_client_sessions import RedisClientSessions
from mcp_gateway.adapters.shared_secret import shared_key
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.catalog import Catalog
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.client_sessions.memory import MemoryClientSessions
from mcp_gateway.federation.client_sessions.ports import ClientSessionStore
from mcp_gateway.federation.client_sessions.sessions import ClientSessions
from mcp_gateway.federation.federation import Federation
from mcp_gateway.federation.recent import RecentCalls
from mcp_gateway.federation.why.whys import Whys
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.registry.definitions.approvals import Approvals
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.registry import Registry
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.definitions import open_definitions
from mcp_gateway.wiring.foundation import Foundation
from mcp_gateway.wiring.links import BuiltIn, DefinitionOf, open_links
from mcp_gateway.wiring.looking import attach_looking
from mcp_gateway.wiring.older_links import open_older_eras
from mcp_gateway.wiring.pipeline import open_pipeline
from mcp_gateway.wiring.registry import open_registry
from mcp_gateway.wiring.replicas import Replicas, open_replicas
from mcp_gateway.wiring.subscriptions import Subscriptions, open_subscriptions

NAME: Final = "mcp-gateway"
TASKS: Final = b"tasks"


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnServer:
    """A server of this process: how it stands in the registry, and the way in."""

    server: Server
    inside: BuiltIn


@dataclass(frozen=True, kw_only=True, slots=True)
class Federated:
    """What the faces may ask of it. `sessions` are those of clients of older eras; `recent` are the last calls."""

    federation: Federation
    registry: Registry
    definitions: Definitions
    approvals: Approvals
    catalog: Catalog
    subscriptions: Subscriptions
    replicas: Replicas
    sessions: ClientSessions
    recent: RecentCalls
    whys: Whys


@asynccontextmanager
async def open_federation(
    settings: Settings, *, clock: Clock, foundation: Foundation, own: Sequence[OwnServer]
) -> AsyncIterator[Federated]:
    """`foundation` has a store and access. Raises what opening the registry raises."""
    assert foundation.store is not None and foundation.access is not None  # noqa: S101, PT018 - who opened it made them
    access, traffic = foundation.access, foundation.traffic
    key = open_signing_key(settings.state_dir)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        registry = await enter(
            open_registry(settings, clock=clock, engine=foundation.store, access=access, built_in=[one.server for one in own])
        )
        definitions = await enter(open_definitions(foundation.store, clock))
        registry.attach(forgetting=definitions)
        replicas = await enter(open_replicas(traffic.connection, key=key, clock=clock))
        older = await enter(open_older_eras(settings, clock=clock, peers=replicas.peers))
        links = await enter(
            open_links(
                clock=clock,
                allowed=lambda: registry.allowed_networks,
                definition_of=_definition_of(definitions),
                built_in={one.server.name: one.inside for one in own},
                older=older,
            )
        )
        info: JsonObject = {"name": NAME, "title": "MCP Gateway", "version": version("mcp-gateway")}
        around = Surroundings(
            registry=registry,
            links=links,
            deciding=access.policy,
            policy_version=lambda: access.policy.current.version,
            clock=clock,
            key=shared_key(key, TASKS),
            info=info,
            definitions=definitions,
            everybody_alike=settings.login == "none",
            limit=traffic.limiter.check_or_raise,
        )
        catalog = Catalog(around)
        stack.push_async_callback(catalog.close)
        stack.callback(registry.follow(catalog.follow_registry))
        subscriptions = await enter(
            open_subscriptions(replicas, around, registry, catalog, definitions, clock=clock, figures=traffic.figures)
        )
        attach_looking(registry, links, definitions, replicas.bus, clock, version=str(info["version"]))
        ways = await enter(open_pipeline(foundation, registry, definitions, links, replicas.bus, clock=clock))
        yield Federated(
            federation=Federation(catalog, subscriptions.listening, guarded=ways.guarded, own=ways.own),
            registry=registry,
            definitions=definitions,
            approvals=Approvals(definitions, registry, access.governor, clock),
            catalog=catalog,
            subscriptions=subscriptions,
            replicas=replicas,
            sessions=ClientSessions(_session_store(traffic.connection, clock), new_id=_new_secret),
            recent=ways.recent,
            whys=_whys(access, registry, definitions, catalog, subscriptions),
        )


def _whys(access: Access, registry: Registry, definitions: Definitions, catalog: Catalog, subscriptions: Subscriptions) -> Whys:
    return Whys(
        policy=access.policy,
        governor=access.governor,
        registry=registry,
        definitions=definitions,
        names=catalog.tool_names,
        roles_of=access.tokens.roles_of,
        health=subscriptions.health.of,
    )


def _definition_of(definitions: Definitions) -> DefinitionOf:
    def find(server: str, tool: str) -> JsonObject | None:
        standing = definitions.standing(server, tool)
        return None if standing is None else standing.definition

    return find


def _session_store(connection: RedisConnection | None, clock: Clock) -> ClientSessionStore:
    return MemoryClientSessions(clock) if connection is None else RedisClientSessions(connection, clock=clock)


def _new_secret() -> str:
    return secrets.token_urlsafe(24)
