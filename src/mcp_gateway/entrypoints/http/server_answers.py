"""What the routes of servers, virtual servers and what goes on at them answer, as clients see it in the description."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from mcp_gateway.entrypoints.http.models import JsonObject, deferred

_MANAGING = "For those who manage servers."


class RegisteredServerAnswer(TypedDict):
    """One registered server; never its secrets. `url` is its origin alone for those who do not manage it."""

    name: str
    title: str
    description: str
    url: str
    transport: str
    tenant: str
    enabled: bool
    prefix: str
    drift: str
    check_arguments: bool
    mask: list[str]
    limits: JsonObject
    source: str
    version: int
    created_at: str | None
    changeable: Annotated[bool, Field(description="By you, here.")]
    fault: str | None
    credential: NotRequired[Annotated[JsonObject, Field(description=_MANAGING)]]
    created_by: NotRequired[Annotated[str, Field(description=_MANAGING)]]
    command: NotRequired[Annotated[str, Field(description=_MANAGING)]]


@deferred
class ServerAnswer(TypedDict):
    """One of them."""

    server: RegisteredServerAnswer


class FoundListAnswer(TypedDict):
    """One list of what a server offers: how many, how large, how long it took."""

    kind: str
    count: int
    bytes: int
    tokens: int
    took_ms: float
    complete: bool


class AuthNeededAnswer(TypedDict):
    """How it wants to be logged in to."""

    scheme: str
    resource_metadata: str | None
    authorization_servers: list[str]
    scopes: list[str]


class ServerFindingAnswer(TypedDict):
    """Something about a server that somebody should know."""

    code: str
    severity: str
    message: str
    hint: str
    subject: str


class InspectionAnswer(TypedDict):
    """What was found when it was connected to. `era` None: nobody could be spoken to."""

    server: str
    reachable: bool
    usable: bool
    era: str | None
    revision: str | None
    supported_revisions: list[str]
    name: str | None
    version: str | None
    capabilities: list[str]
    lists: list[FoundListAnswer]
    latency_ms: float | None
    auth: AuthNeededAnswer | None
    findings: list[ServerFindingAnswer]


@deferred
class OutcomeAnswer(ServerAnswer):
    """A server after an act; `inspection` None: it was not connected to."""

    inspection: InspectionAnswer | None


class SelectedToolAnswer(TypedDict):
    """One tool of a virtual server. Preset values are told to those who could change them."""

    server: str
    tool: str
    name: str | None
    description: str | None
    hidden: list[str]
    preset: JsonObject


class VirtualServerAnswer(TypedDict):
    """A named selection of tools."""

    name: str
    title: str
    instructions: str
    tenant: str
    tools: list[SelectedToolAnswer]
    resources: list[str]
    prompts: list[str]
    source: str
    version: int
    changeable: bool
    fault: str | None


@deferred
class VirtualAnswer(TypedDict):
    """One of them."""

    virtual_server: VirtualServerAnswer


@deferred
class VirtualsAnswer(TypedDict):
    """Those the caller may see."""

    virtual_servers: list[VirtualServerAnswer]


class CallAnswer(TypedDict):
    """One call to an MCP server."""

    number: int
    at: str
    subject: str
    server: str
    method: str
    name: str
    outcome: str
    error_code: str
    duration_ms: float
    revision: str


@deferred
class CallsAnswer(TypedDict):
    """The last ones, oldest first; `last` is the highest number there is."""

    calls: list[CallAnswer]
    last: int


class LookAnswer(TypedDict):
    """One look at a server; `code` is empty when it answered."""

    at: float
    latency_ms: float
    code: str


@deferred
class ServerHealthAnswer(TypedDict):
    """How a server is, and was: times in seconds since 1970."""

    server: str
    condition: str
    since: float
    era: str | None
    revision: str
    code: str
    failures_in_a_row: int
    latency_ms: float | None
    samples: list[LookAnswer]


class StandingServerAnswer(TypedDict):
    """One server behind the answers."""

    name: str
    title: str
    connected: bool
    priority: int
    transport: str
    domains: list[str]
    capabilities: list[str]
    error: str | None
    facts: JsonObject


@deferred
class ServersAnswer(TypedDict):
    """The servers behind the answers, and the registered ones the caller may see."""

    servers: list[StandingServerAnswer]
    health: str
    registered: list[RegisteredServerAnswer]


class WhoAnswer(TypedDict):
    """Whose view it is."""

    tenant: str
    subject: str
    roles: list[str]


class StepAnswer(TypedDict):
    """One step from the token to the tool's name."""

    step: str
    passed: bool | None
    detail: str
    rule: str | None


@deferred
class WhyAnswer(TypedDict):
    """Why a tool is there, or is not. `works` None: nothing known stands in the way, but nobody saw such a tool."""

    asked: str
    caller: WhoAnswer
    server: str | None
    tool: str
    listed: str | None
    works: bool | None
    reason: str
    chain: list[StepAnswer]
    advice: list[str]
    virtual_servers: list[str]


@deferred
class WhysAnswer(TypedDict):
    """One for each server that has such a tool."""

    explanations: list[WhyAnswer]
