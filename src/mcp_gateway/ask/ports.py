"""What answering a question needs from outside. The adapters stand in `adapters/`; their words are here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from mcp_gateway.access.data.model import DataRights
from mcp_gateway.access.policy.model import Action
from mcp_gateway.ask.model import Draft, DraftRequest, Resolution, Step, Turn
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary

# Called with each step as it ends, and with a step of duration 0 and status "ok" named "<step>:started" as it begins.
ProgressListener: TypeAlias = Callable[[Step], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A resource as a server lists it."""

    uri: str
    name: str
    mime_type: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceListing:
    """What a server lists; it vouches for the list for `ttl_seconds` from when it was read."""

    resources: tuple[Resource, ...]
    ttl_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceContent:
    """A resource's text. The server vouches for it for `ttl_seconds` from when it was read; 0 means not at all."""

    uri: str
    text: str
    ttl_seconds: float = 0.0


class UpstreamServer(Protocol):
    """A connected MCP server. Every call is bounded by the server's time limit.

    All raise `MCPConnectionError` when the server cannot be reached, `TimedOut` when it does not answer in time.
    """

    @property
    def name(self) -> str:
        """Its key in the configuration: what errors, answers and logs call it."""
        ...

    @property
    def connected(self) -> bool: ...

    async def connect(self) -> None:
        """Open the connection, with the configured retries. Calling it on an open connection does nothing."""
        ...

    async def close(self) -> None:
        """Close within a bound; never raises."""
        ...

    async def list_resources(self) -> ResourceListing: ...

    async def read_resource(self, uri: str) -> ResourceContent:
        """Raises `ResourceFetchError` when the server refuses or the content is not text."""
        ...

    async def call_tool(self, name: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """The structured result.

        Raises `UpstreamToolError` (see `ask/errors.py`) with the server's code, message and data when the tool reports
        an error.
        """
        ...

    async def watch_resources(self, uris: Sequence[str], on_change: Callable[[str], None], on_end: Callable[[], None]) -> bool:
        """Ask to be told of changes, in place of what was asked before. False: the server or its era cannot.

        `on_change` gets the URI, or "" when the list itself changed. `on_end` is called once when the watch breaks; after that
        nothing more is told.
        """
        ...


class InspectedServer(UpstreamServer, Protocol):
    """What checking a configuration asks beyond that."""

    @property
    def protocol(self) -> str:
        """The protocol revision in use, "2026-07-28" for example; "" before the first connection."""
        ...

    async def list_tools(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class VocabularySource:
    """The words one server gave, as it gave them. `priority` 1 is most trusted; no `domains` means all of them."""

    server: str
    priority: int
    vocabulary: Vocabulary
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What the servers know about the data, merged, most trusted first.

    `database` is the server that runs the SQL. `mode` is what was really used: "single_mcp" when only the database's server
    took part. `missing_servers` did not answer and could be done without. `sources` are the words by server, most trusted first;
    `vocabulary` is the same with every word that a more trusted server explains taken from the less trusted. `rights`: this is
    the part of it all that one caller may see; None: all of it.
    """

    schema: DatabaseSchema
    database: UpstreamServer
    mode: Literal["single_mcp", "multi_mcp"]
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    sources: tuple[VocabularySource, ...] = ()
    servers_used: tuple[str, ...] = ()
    missing_servers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fetched: int = 0
    reused: int = 0
    rights: DataRights | None = None


class DataPolicy(Protocol):
    """Which part of a database a caller may read."""

    def rights(self, caller: Caller, action: Action, schema: DatabaseSchema, *, server: str = "") -> DataRights | None:
        """None: all of it. The same object for the same rights, as long as it is remembered.

        `server` is the name of the server that holds the database. Raises `NotAllowed` when the caller may not do this at all.
        """
        ...


class Gatherer(Protocol):
    """The step "gather"."""

    async def gather(self, mode: Literal["single_mcp", "multi_mcp", "auto"]) -> Gathered:
        """The resources of all servers; `fetched` counts those read anew, `reused` those a server still vouched for.

        Raises `NoMCPAvailableError`, `MCPConnectionError` or `ResourceFetchError` as the mode demands.
        """
        ...


class Resolver(Protocol):
    """The step "resolve"."""

    async def resolve(self, question: str, gathered: Gathered) -> Resolution:
        """The stored values and business words in the question. A server that fails is missing, not an error, unless strict."""
        ...


class Drafter(Protocol):
    """Turns a question into SQL readings. The engine and each language model are one."""

    @property
    def name(self) -> str: ...

    async def draft(self, request: DraftRequest) -> Draft:
        """Never raises for a question it cannot understand (it returns no reading, or is not confident);

        raises `SQLGenerationError` when it is broken.
        """
        ...


class ConversationStore(Protocol):
    """Earlier turns by session, kept per caller for a limited time."""

    async def read_turns(self, caller: Caller, session_id: str) -> tuple[Turn, ...]:
        """Oldest first; empty when the session is unknown, expired or somebody else's."""
        ...

    async def append_turn(self, caller: Caller, session_id: str, turn: Turn) -> None:
        """Add the turn, keep the newest few, and start the session's time to live anew."""
        ...
