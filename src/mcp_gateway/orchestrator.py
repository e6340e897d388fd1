"""The gateway as a library: several MCP servers behind one object, as the specification's orchestrator.

    async with MCPOrchestrator("mcp_config.yaml") as orchestrator:
        answer = await orchestrator.process_query("revenue by region this year")

Serving it to others is `asgi`; this opens no port and runs nothing in the background.
"""

import logging
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import structlog
from mcp.server.lowlevel.server import Server
from structlog.typing import EventDict

from mcp_gateway.ask.configuration import ConfigurationFile, MCPConfig, OrchestrationConfig
from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.gather_all import ResourceListener, ServerResources, gather_all
from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.ask.ports import Drafter, ProgressListener
from mcp_gateway.ask.resolve_entity import resolve_entity
from mcp_gateway.ask.servers import Servers
from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.correlation import with_correlation_id
from mcp_gateway.core.errors import Json, MCPOrchestratorException, NoMCPAvailableError
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.gateway import Gateway
from mcp_gateway.settings import Settings, load_settings, process_environment
from mcp_gateway.wiring.gateway import open_gateway
from mcp_gateway.wiring.servers import server_maker

__all__ = ["MCPOrchestrator"]

log = structlog.get_logger(__name__)


class NotInitialized(MCPOrchestratorException):
    """The orchestrator is not initialized."""

    code = "NOT_INITIALIZED"
    category = "unavailable"
    hint = "Call `await orchestrator.initialize()` first, or use `async with`."


class MCPOrchestrator:
    """Connects to every configured server, gathers what they know, and answers questions with it.

    `config` is a YAML file's path or the configuration as a value. `environment` serves `${VAR}` and overrides in the file; None
    takes the process's own. `upstreams` are servers in this process, by the key of a configured server without address. `model`
    drafts where the engine is unsure, in place of the one the settings name.
    """

    def __init__(
        self,
        config: str | os.PathLike[str] | MCPConfig,
        *,
        environment: Mapping[str, str] | None = None,
        settings: Settings | None = None,
        upstreams: Mapping[str, Server[Any]] | None = None,
        model: Drafter | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Reads the configuration, connects to nothing. Raises `ConfigurationUnreadable` and `ConfigurationInvalid`."""
        self._file: ConfigurationFile | None = None
        if isinstance(config, MCPConfig):
            self.config = config
        else:
            variables = process_environment() if environment is None else environment
            self._file = ConfigurationFile(Path(config), environment=variables)
            self.config = self._file.load()
        _set_up_logging(self.config.orchestration)
        self._settings = settings or load_settings()
        self._clock = clock or SystemClock()
        self._upstreams = dict(upstreams or {})
        self._model, self._engine = model, EmbeddedEngine()
        self._servers: Servers | None = None
        self._stack = AsyncExitStack()
        self._gateways: dict[int, Gateway] = {}

    async def initialize(self) -> None:
        """Connect to all servers at the same time. Calling it again does nothing.

        With `fail_fast` the first server that fails raises its `MCPConnectionError`. Without, `NoMCPAvailableError` is raised
        when none can be reached. Nothing stays open after an error.
        """
        if self._servers is not None:
            return
        servers = Servers(self.config, server_maker(self._upstreams, self._clock), self._clock)
        failures = await servers.connect()
        if failures and (self.config.orchestration.fail_fast or len(failures) == len(servers.members)):
            await servers.close()
            first = next(iter(failures.values()))
            if self.config.orchestration.fail_fast:
                raise first
            raise NoMCPAvailableError(f"None of the MCP servers can be used. {first.message}", servers=list(failures))
        self._servers = servers
        log.info("orchestrator_initialized", servers=len(servers.members), missing=list(failures))

    async def gather_all_resources(self, listener: ResourceListener | None = None) -> dict[str, dict[str, Json]]:
        """Every resource of every server by the server's key, most trusted first: priority, domains, capabilities, resources.

        Raises `MCPConnectionError`, `ResourceFetchError` or `TimedOut` with `fail_fast`; without, what fails is left out.
        """
        return {one.server: one.to_dict() for one in await gather_all(self._open, listener)}

    async def process_query(
        self,
        user_query: str,
        llm_client: Drafter | None = None,
        *,
        mode: Literal["single_mcp", "multi_mcp", "auto"] = "auto",
        session_id: str | None = None,
        enable_recovery: bool = True,
        max_rows: int | None = None,
        on_step: ProgressListener | None = None,
    ) -> Answer:
        """The answer, or the readings to choose from when the question is not clear.

        `llm_client` drafts where the engine is unsure.

        Raises `GatewayError`s: what the servers, the database and the limits have to say.
        """
        gateway = await self._gateway(llm_client)
        question = Question(
            text=user_query,
            mode=mode,
            session_id=session_id,
            enable_recovery=enable_recovery,
            max_rows=max_rows or self._settings.max_rows,
        )
        return await gateway.ask(LOCAL_CALLER, question, on_step)

    def resolve_entity_with_priority(
        self, entity_name: str, resource_type: str, all_resources: Mapping[str, Mapping[str, Json]]
    ) -> dict[str, Json] | None:
        """The entity as the most trusted server whose domains name the type knows it; None when none does.

        `all_resources` is what `gather_all_resources` gave. The result has server, entity, priority, and how it was matched.
        """
        servers = [_server_resources(key, shape) for key, shape in all_resources.items()]
        found = resolve_entity(entity_name, resource_type, servers)
        return None if found is None else found.to_dict()

    async def reload(self) -> bool:
        """Read the file again and take on what changed; False when it is unchanged, or faulty and so refused, as the log says."""
        changed = None if self._file is None else await self._file.reload()
        if changed is None:
            return False
        self.config = changed
        if self._servers is not None:
            await self._servers.replace(changed)
        return True

    def get_status(self) -> dict[str, Json]:
        """Whether it is initialized and ready, and each server as it stands."""
        members = self._servers.members if self._servers is not None else ()
        connected = {member.key for member in members if member.server.connected}
        servers: list[Json] = [
            {
                "name": server.key,
                "title": server.name,
                "connected": server.key in connected,
                "priority": server.priority,
                "transport": server.transport,
                "domains": list(server.domains),
                "capabilities": list(server.capabilities),
            }
            for server in self.config.mcp_servers
        ]
        return {
            "initialized": self._servers is not None,
            "ready": self.is_ready(),
            "fail_fast": self.config.orchestration.fail_fast,
            "resources": self.config.orchestration.resources,
            "servers": servers,
        }

    def is_ready(self) -> bool:
        """Whether a question can be asked: the server with the database is connected, with `fail_fast` all are."""
        if self._servers is None:
            return False
        members = self._servers.members
        if self.config.orchestration.fail_fast:
            return all(member.server.connected for member in members) and any(member.config.runs_queries for member in members)
        return any(member.config.runs_queries and member.server.connected for member in members)

    async def close(self) -> None:
        """Close every connection within a bound; never raises. It can be initialized again."""
        servers, self._servers = self._servers, None
        self._gateways.clear()
        await self._stack.aclose()
        if servers is not None:
            await servers.close()

    async def __aenter__(self) -> "MCPOrchestrator":
        await self.initialize()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def _open(self) -> Servers:
        if self._servers is None:
            raise NotInitialized
        return self._servers

    async def _gateway(self, llm_client: Drafter | None) -> Gateway:
        """One for each model; they share the servers and the engine."""
        servers, model = self._open, llm_client or self._model
        if id(model) not in self._gateways:
            self._gateways[id(model)] = await self._stack.enter_async_context(
                open_gateway(
                    self._settings, clock=self._clock, upstreams=servers, engine=self._engine, model=model, staying=False
                )
            )
        return self._gateways[id(model)]


def _server_resources(key: str, shape: Mapping[str, Json]) -> ServerResources:
    priority, resources = shape.get("priority"), shape.get("resources")
    return ServerResources(
        server=key,
        priority=priority if isinstance(priority, int) else 999,
        domains=_texts(shape.get("domains")),
        capabilities=_texts(shape.get("capabilities")),
        resources=resources if isinstance(resources, dict) else {},
    )


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _set_up_logging(rule: OrchestrationConfig) -> None:
    """JSON lines on stderr as the configuration says, unless the program that uses this has set up structlog itself."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            _pass_on if rule.enable_logging else _drop,
            structlog.contextvars.merge_contextvars,
            with_correlation_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(rule.log_level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _pass_on(_: object, __: str, event: EventDict) -> EventDict:
    return event


def _drop(_: object, __: str, ___: EventDict) -> EventDict:
    raise structlog.DropEvent
