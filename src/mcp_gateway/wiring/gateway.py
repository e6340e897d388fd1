"""The gateway from its settings, part by part; everything opened here is closed here, in reverse, each close bounded."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from mcp.server.lowlevel.server import Server

from mcp_gateway.adapters.kit_probes import CircuitsProbe, StoreProbe
from mcp_gateway.adapters.probes import DatabaseProbe, LanguageModelProbe, OrchestratorProbe, ServerProbe, probe_name
from mcp_gateway.ask.answer import AnswerQuestion, AskLimits
from mcp_gateway.ask.configuration import ConfigurationFile
from mcp_gateway.ask.gather import ResourceGatherer
from mcp_gateway.ask.model import DraftRequest
from mcp_gateway.ask.narrowing import EverythingSeen, Narrowing
from mcp_gateway.ask.ports import ConversationStore, Drafter, Gathered, UpstreamServer
from mcp_gateway.ask.resolve import WordResolver
from mcp_gateway.ask.servers import Servers
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.health import HealthReport, HealthWatch
from mcp_gateway.diagnostics.ports import Probe
from mcp_gateway.diagnostics.query_figures import QueryFigures
from mcp_gateway.gateway import AskQuestion, Gateway, Limits, Mode, ModeInfo, ServerState
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.engine import open_engine
from mcp_gateway.wiring.following import repeat, running
from mcp_gateway.wiring.foundation import Foundation, open_bare_foundation
from mcp_gateway.wiring.governed import GovernedQuestion, governed_look
from mcp_gateway.wiring.language_model import open_model
from mcp_gateway.wiring.log_levels import logged_as, set_level
from mcp_gateway.wiring.measured import Admission, Measured
from mcp_gateway.wiring.servers import configuration_file, plain_configuration, server_maker
from mcp_gateway.wiring.traffic import Traffic

if TYPE_CHECKING:  # what it imports is for gateways that serve
    from mcp_gateway.access.access import Access

log = structlog.get_logger(__name__)

RELOAD_SECONDS = 1.0
CLOSE_SECONDS = 10.0


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    *,
    clock: Clock,
    upstreams: Mapping[str, Server[Any]] | Servers | None = None,
    engine: Drafter | None = None,
    model: Drafter | None = None,
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    staying: bool = True,
    foundation: Foundation | None = None,
) -> AsyncIterator[Gateway]:
    """`upstreams` are the servers in this process by key; `engine` and `model` stand in for the configured drafters.

    Upstreams given as `Servers` are used in place of those the settings name; whoever made them connects and closes them.
    `staying` False is for one question: nothing is warmed, checked or followed in the background.
    `foundation` None: one without access, made here.

    Servers that cannot be reached do not keep the gateway from opening unless `require_multi_mcp` says so.
    Raises `ConfigurationInvalid`, and with `require_multi_mcp` the first server's `MCPConnectionError`.
    """
    file = None if isinstance(upstreams, Servers) else configuration_file(settings)
    async with contextlib.AsyncExitStack() as stack:
        if foundation is None:
            foundation = await stack.enter_async_context(open_bare_foundation(settings, clock=clock, alone=not staying))
        traffic = foundation.traffic
        if isinstance(upstreams, Servers):
            servers = upstreams
        else:
            config = file.load() if file is not None else plain_configuration(settings, upstreams or {})
            made = Servers(config, server_maker(upstreams or {}, clock, traffic), clock, shelf_of=traffic.shelf_of)
            servers = await _open_servers(stack, settings, made)
        model = model or await stack.enter_async_context(open_model(settings, traffic))
        drafter = engine if engine is not None else await stack.enter_async_context(open_engine(settings, clock, staying=staying))
        parts = _Parts(
            settings=settings,
            clock=clock,
            servers=servers,
            gatherer=ResourceGatherer(servers, clock),
            resolver=WordResolver(servers),
            engine=drafter,
            model=model,
            conversations=foundation.conversations,
            traffic=traffic,
            access=foundation.access,
            probes=foundation.probes,
        )
        stack.enter_context(logged_as(servers.orchestration if file is not None else None))
        gateway = _assemble(parts, new_id)
        loops = [gateway.health.run(), _warm(parts)] if staying else []
        if file is not None and staying:
            loops.append(repeat(partial(_follow_file, file, servers), RELOAD_SECONDS, "configuration_not_followed"))
        async with running(*loops):
            yield gateway


async def _open_servers(stack: contextlib.AsyncExitStack, settings: Settings, servers: Servers) -> Servers:
    stack.push_async_callback(_close_within_bound, servers)
    failures = await servers.connect()
    for failure in failures.values():
        if settings.require_multi_mcp:
            raise failure
    return servers


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    """What the use cases are made of."""

    settings: Settings
    clock: Clock
    servers: Servers
    gatherer: ResourceGatherer
    resolver: WordResolver
    engine: Drafter
    model: Drafter | None
    conversations: ConversationStore
    traffic: Traffic
    access: "Access | None"
    probes: tuple[Probe, ...]

    @property
    def usual_mode(self) -> Mode:
        return "auto" if self.settings.enable_multi_mcp else "single_mcp"


def _assemble(parts: _Parts, new_id: Callable[[], str]) -> Gateway:
    settings, clock = parts.settings, parts.clock
    narrowing = Narrowing(parts.access.rights if parts.access is not None else EverythingSeen())
    ask = AnswerQuestion(
        gatherer=parts.gatherer,
        resolver=parts.resolver,
        engine=parts.engine,
        model=parts.model,
        conversations=parts.conversations,
        clock=clock,
        new_id=new_id,
        limits=AskLimits(
            question_timeout_seconds=settings.ask_timeout_seconds,
            query_timeout_seconds=settings.query_timeout_seconds,
            max_question_chars=settings.max_question_chars,
        ),
        narrowing=narrowing,
    )
    figures = QueryFigures(window_size=settings.metrics_window_size, clock=clock)
    admission = Admission(settings.max_questions_at_once)

    def measured(use_case: AskQuestion) -> Measured:
        return Measured(
            use_case=use_case, figures=figures, clock=clock, admission=admission, multi_allowed=settings.enable_multi_mcp
        )

    health = HealthWatch(
        _probes(parts) if settings.enable_health_checks else (),
        interval_seconds=settings.health_check_interval,
        timeout_seconds=settings.health_check_timeout_seconds,
        clock=clock,
    )

    async def look(caller: Caller) -> Gathered:
        return narrowing.for_caller(await parts.gatherer.gather(parts.usual_mode), caller, "read_schema")

    gateway = Gateway(
        ask=measured(ask),
        run_sql=measured(ask.run_sql),
        look=look,
        servers=lambda: server_states(parts.servers, health.report()),
        modes=lambda: modes_of(parts.servers, multi_allowed=settings.enable_multi_mcp),
        health=health,
        figures=figures,
        limits=Limits(max_question_chars=settings.max_question_chars, max_rows=settings.max_rows),
        drafters=tuple(drafter.name for drafter in (parts.engine, parts.model) if drafter is not None),
        limiter=parts.traffic.limiter,
        traffic_figures=parts.traffic.figures,
    )
    return gateway if parts.access is None else _govern(gateway, parts.access)


def _govern(gateway: Gateway, access: "Access") -> Gateway:
    """The same gateway, whose use cases are decided and written down."""
    governor = access.governor
    return replace(
        gateway,
        ask=GovernedQuestion(use_case=gateway.ask, governor=governor, action="ask"),
        run_sql=GovernedQuestion(use_case=gateway.run_sql, governor=governor, action="run_query"),
        look=governed_look(gateway.look, governor),
        access=access,
    )


def server_states(servers: Servers, report: HealthReport) -> tuple[ServerState, ...]:
    """Each server as it stands, most trusted first, with what its last check found."""
    parts = {part.name: part for part in report.parts}
    states = []
    for member in servers.members:
        config, part = member.config, parts.get(probe_name(member.key))
        checked = part is not None and part.checked_at is not None
        error = part.finding.facts.get("error") if part is not None else None
        states.append(
            ServerState(
                name=member.key,
                title=config.name,
                connected=member.server.connected,
                priority=config.priority,
                transport=config.transport if config.url or config.command else "in_process",
                domains=config.domains,
                capabilities=config.capabilities,
                error=str(error or "") if not member.server.connected else "",
                facts={"check_duration_ms": round(part.duration_ms, 1)} if part is not None and checked else {},
            )
        )
    return tuple(states)


def modes_of(servers: Servers, *, multi_allowed: bool) -> tuple[ModeInfo, ...]:
    """The contract's three modes and whether each can be used now."""
    connected = [member for member in servers.members if member.server.connected]
    single = any(member.config.runs_queries for member in connected)
    everyone = len(connected) == len(servers.members) and len(connected) > 1
    return (
        ModeInfo(mode="single_mcp", description="Only the server with the database; no business words.", available=single),
        ModeInfo(
            mode="multi_mcp",
            description="Every configured server; all of them must answer.",
            available=multi_allowed and single and everyone,
        ),
        ModeInfo(mode="auto", description="Every server that answers; what was missing is said.", available=single),
    )


def _probes(parts: _Parts) -> tuple[Probe, ...]:
    servers = parts.servers
    database = servers.database

    def finder(key: str) -> Callable[[], UpstreamServer | None]:
        return lambda: next((member.server for member in servers.members if member.key == key), None)

    def find_database() -> UpstreamServer | None:
        return next((member.server for member in servers.members if member.config.runs_queries), None)

    async def gather() -> dict[str, Json]:
        gathered = await parts.gatherer.gather(parts.usual_mode)
        return {
            "initialized": True,
            "connected_servers": len(gathered.servers_used),
            "missing_servers": list(gathered.missing_servers),
            "tables": len(gathered.schema.tables),
        }

    members = (
        ServerProbe(
            member.key,
            finder(member.key),
            title=member.config.name,
            priority=member.config.priority,
            needed=parts.settings.require_multi_mcp or member.key == database.key,
        )
        for member in servers.members
    )
    connection = parts.traffic.connection
    return (
        *((StoreProbe(connection),) if connection is not None else ()),
        CircuitsProbe(parts.traffic.circuits),
        *parts.probes,
        OrchestratorProbe(gather),
        *members,
        DatabaseProbe(find_database),
        LanguageModelProbe(parts.model.name if parts.model else None),
    )


async def _warm(parts: _Parts) -> None:
    """Go through a question nobody asked, so that indexes are built before the first one that somebody does."""
    question = "how many are there"
    try:
        gathered = await parts.gatherer.gather(parts.usual_mode)
        resolution = await parts.resolver.resolve(question, gathered)
        await parts.engine.draft(
            DraftRequest(
                question=question,
                schema=gathered.schema,
                now=parts.clock.now(),
                vocabulary=gathered.vocabulary,
                values=resolution.values,
                entities=resolution.entities,
            )
        )
    except GatewayError as error:
        log.info("not_warmed", code=error.code)


async def _follow_file(file: ConfigurationFile, servers: Servers) -> None:
    """A changed configuration takes effect within about a second; a faulty one changes nothing."""
    changed = await file.reload()
    if changed is None:
        return
    set_level(changed.orchestration)
    try:
        await servers.replace(changed)
    except GatewayError as error:
        # It is not tried again before the file changes, so this is no case of being away.
        log.warning("configuration_not_followed", code=error.code)


async def _close_within_bound(servers: Servers) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await servers.close()
