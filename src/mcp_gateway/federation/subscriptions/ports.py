"""What listening needs of the rest of federation."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.model import Client
from mcp_gateway.federation.ports import Link, Wanted
from mcp_gateway.federation.views import View


class Seen(NamedTuple):
    """The servers whose lists of each kind a client gets to see. Mostly one set, shared by many clients."""

    tools: frozenset[str] = frozenset()
    prompts: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()

    def kinds_of(self, server: str) -> frozenset[str]:
        """The lists of this server that are seen."""
        return frozenset(kind for kind, servers in zip(self._fields, self, strict=True) if server in servers)

    def every(self) -> frozenset[str]:
        """All of them."""
        return self.tools if self.tools is self.prompts is self.resources else self.tools | self.prompts | self.resources


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Where a resource of a view is: the server, and the URI that server knows it by."""

    server: str
    uri: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtensionRoute:
    """What of a filter's unknown keys concerns one server. `filter` is in that server's words.

    `acknowledge` puts what it honours into the view's words, `restore` the parameters of a notification.
    """

    server: str
    filter: JsonObject
    acknowledge: Callable[[JsonObject], JsonObject]
    restore: Callable[[JsonObject], JsonObject]


class Offers(Protocol):
    """What each view offers each client. Answers from memory, but for `locate`."""

    def current(self, view: View, client: Client) -> View | None:
        """The same endpoint as it is now; None: it is gone, or not there for this client any more."""
        ...

    def seen(self, view: View, client: Client) -> Seen:
        """Empty where the client may see nothing."""
        ...

    def kinds(self, view: View, client: Client) -> frozenset[str]:
        """The lists that can change: of "tools", "prompts", "resources"."""
        ...

    def signature(self, view: View, client: Client) -> Hashable:
        """Differs when the registry, the policy or an approval changed what this client sees."""
        ...

    async def locate(self, view: View, client: Client, uris: Collection[str]) -> Mapping[str, Located]:
        """Those that are offered here, and to this client. A server that is away raises nothing."""
        ...

    def extensions(self, view: View, client: Client, asked: JsonObject) -> Sequence[ExtensionRoute]:
        """Where keys of a filter go that nobody here knows, as far as they concern one server this client may use."""
        ...

    def shown_uri(self, view: View, server: str, uri: str) -> str:
        """How the view calls a server's resource."""
        ...


class Interest(Protocol):
    """A wish to be told, kept until it is closed."""

    def close(self) -> None: ...


class Watching(Protocol):
    """Sees to it that the changes of servers reach the bus."""

    def link_of(self, server: str) -> Link | None:
        """None: it is not there or not enabled. Raises `GatewayError`."""
        ...

    def identity_of(self, server: str, client: Client) -> str:
        """Whom the server takes this client for: "" where it takes everybody for the gateway."""
        ...

    def want(self, server: str, client: Client, wanted: Wanted) -> Interest: ...

    def state_of(self, server: str, client: Client) -> Literal["down", "live", "cannot"]:
        """ "cannot": the server tells nobody anything, or not this client; "down": it will as soon as it answers."""
        ...

    async def ready(self, wishes: Collection[Interest], *, timeout_seconds: float) -> None:
        """Returns when all of it is watched, or cannot be; at the latest after the time.

        What is watched only later is told as "lost" then.
        """
        ...
