"""The assembled gateway: every use case a face may call, under one name each.

Faces (HTTP, MCP, command line) hold one of these and nothing else; `wiring` makes it. Use cases take the `Caller` first.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.ask.ports import Gathered, ProgressListener
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.health import HealthWatch
from mcp_gateway.diagnostics.query_figures import QueryFigures
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.prometheus import PrometheusFigures

if TYPE_CHECKING:  # what it imports is for gateways that serve
    from mcp_gateway.access.access import Access
    from mcp_gateway.federation.catalog.catalog import Catalog
    from mcp_gateway.federation.health.history import HealthHistory
    from mcp_gateway.federation.recent import RecentCalls
    from mcp_gateway.federation.why.whys import Whys
    from mcp_gateway.registry.definitions.approvals import Approvals
    from mcp_gateway.registry.definitions.definitions import Definitions
    from mcp_gateway.registry.registry import Registry

Mode = Literal["single_mcp", "multi_mcp", "auto"]


class AskQuestion(Protocol):
    """From a question to a checked answer."""

    async def __call__(self, caller: Caller, question: Question, on_step: ProgressListener | None = None, /) -> Answer:
        """Raises `GatewayError`s only. Cancelling it cancels the query in the database too."""
        ...


class RunSql(Protocol):
    """SQL written by hand, through the same checks and repairs as drafted SQL; `question.text` is the SQL."""

    async def __call__(self, caller: Caller, question: Question, on_step: ProgressListener | None = None, /) -> Answer: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerState:
    """One configured MCP server as it stands. `priority` 1 is most trusted; `error` is empty while all is well."""

    name: str
    title: str
    connected: bool
    priority: int
    transport: str
    domains: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    error: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModeInfo:
    """A way of answering, and whether it can be used now."""

    mode: Mode
    description: str
    available: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a face must hold requests to. `max_rows` is the most an answer shows."""

    max_question_chars: int
    max_rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class McpServers:
    """What is known of the registered MCP servers: what was approved, what is offered, how they are, what was called lately."""

    definitions: "Definitions"
    approvals: "Approvals"
    catalog: "Catalog"
    health: "HealthHistory"
    recent: "RecentCalls"
    whys: "Whys"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """`look` is what the servers say about the data, without a question; `drafters` names who can write SQL, in order of use.

    Faces on the network ask `limiter` before they call anything (None: nobody is limited); `traffic_figures` counts what the
    kit's parts did. `access` None: nobody is asked who they are. `registry` None: no MCP servers can be registered.
    """

    ask: AskQuestion
    run_sql: RunSql
    look: Callable[[Caller], Awaitable[Gathered]]
    servers: Callable[[], tuple[ServerState, ...]]
    modes: Callable[[], tuple[ModeInfo, ...]]
    health: HealthWatch
    figures: QueryFigures
    limits: Limits
    drafters: tuple[str, ...]
    examples: tuple[str, ...] = ()
    limiter: EnterpriseRateLimiter | None = None
    traffic_figures: PrometheusFigures | None = None
    access: "Access | None" = None
    mcp: McpServers | None = None
    registry: "Registry | None" = None
