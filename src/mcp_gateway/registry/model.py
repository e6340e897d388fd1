"""A registered server and what it may be asked for. Values only; a change makes a new value with a higher `version`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from mcp_gateway.core.errors import Json

TransportName: TypeAlias = Literal["http", "sse", "stdio", "built_in"]
CredentialKind: TypeAlias = Literal["none", "bearer", "header", "client_credentials", "token_exchange"]
# What happens to a changed definition that is more than wording: it counts at once, waits for approval, or is blocked.
DriftRule: TypeAlias = Literal["pass", "approve", "block"]
# Where a server is written down: in the gateway's store, in the servers file, or in the program itself.
Source: TypeAlias = Literal["store", "file", "built_in"]

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """How the gateway makes itself known to a server. Secrets are in the clear here and nowhere else; never log one.

    "bearer": `secret` is the token. "header": `header` is its name and `secret` its value. "client_credentials" (OAuth 2.0) and
    "token_exchange" (RFC 8693, the caller's token being the subject): `token_url`, `client_id`, `secret`, and `scope` and
    `audience` where the server wants them.
    """

    kind: CredentialKind = "none"
    secret: str = field(default="", repr=False)
    header: str = ""
    token_url: str = ""
    client_id: str = ""
    scope: str = ""
    audience: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerLimits:
    """`timeout_seconds` for a whole call, `connect_seconds` for a connection; `calls_at_once` on each replica.

    `max_list_bytes` for all pages of one list together: unlike answers, lists are read here, and meanwhile nothing else is done.
    """

    timeout_seconds: float = 60.0
    connect_seconds: float = 5.0
    max_answer_bytes: int = 64 * 1024 * 1024
    calls_at_once: int = 64
    max_list_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A program to be run, spoken with over its stdin and stdout. Only the servers file can hold one.

    `idle_seconds` after its last use it is ended; above `max_memory_bytes` it is killed.
    """

    program: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: NOTHING, repr=False)
    directory: str = ""
    idle_seconds: float = 600.0
    max_memory_bytes: int = 1024 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One MCP server. `name` is lower-case letters, digits and dashes, 40 at most, and never changes.

    `tenant` "" means that callers of every tenant may see it, where the policy lets them. `prefix` goes before its names in the
    one endpoint; "" leaves them as they are. `check_arguments` holds arguments against the tool's schema before they are sent;
    `mask` names what is struck out of its answers ("email", "secret", "card", "phone"). Behind its question mark an address may
    hold a secret.
    """

    name: str
    url: str = field(default="", repr=False)
    transport: TransportName = "http"
    title: str = ""
    description: str = ""
    tenant: str = ""
    enabled: bool = True
    prefix: str = ""
    credential: Credential = field(default_factory=Credential)
    command: Command | None = None
    limits: ServerLimits = field(default_factory=ServerLimits)
    drift: DriftRule = "approve"
    check_arguments: bool = True
    mask: frozenset[str] = frozenset()
    source: Source = "store"
    version: int = 1
    created_at: float = 0.0
    created_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selected:
    """One tool of a virtual server. `name` and `description` None: those of the tool itself.

    `preset` are arguments that are always sent so; they and `hidden` ones are not shown, and may not be given.
    """

    server: str
    tool: str
    name: str | None = None
    description: str | None = None
    hidden: frozenset[str] = frozenset()
    preset: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualServer:
    """A named selection, reached at /servers/NAME/mcp like a server. `resources` and `prompts` name servers that give theirs."""

    name: str
    title: str = ""
    instructions: str = ""
    tenant: str = ""
    tools: tuple[Selected, ...] = ()
    resources: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    source: Source = "store"
    version: int = 1
