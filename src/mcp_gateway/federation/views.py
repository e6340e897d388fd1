"""What a client connects to, and where one of its requests goes. Values only; `catalog/` makes them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.model import Reply, Request
from mcp_gateway.registry.model import Server, VirtualServer

ViewKind: TypeAlias = Literal["all", "server", "virtual"]


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One endpoint: `/mcp` ("all", and `name` is ""), or `/servers/NAME/mcp`. `server` or `virtual` is what stands behind it.

    `search`: the client asked for a search in place of the list of tools.
    """

    kind: ViewKind
    name: str = ""
    server: Server | None = None
    virtual: VirtualServer | None = None
    search: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """The one server a request goes to. `name` is what that server calls the tool, prompt, URI or task; "" for none.

    `rewrite` makes the request's parameters into those the server expects (its own name, preset arguments, task ids); None: they
    are right as they are, and so are the bytes. `restore` makes an answer's result fit the view again; None: it does. `answer` is
    there when the gateway answers itself; the request is sent nowhere then.
    """

    server: Server
    name: str = ""
    rewrite: Callable[[JsonObject], JsonObject] | None = None
    restore: Callable[[JsonObject], JsonObject] | None = None
    answer: Callable[[Request], Awaitable[Reply]] | None = None
