"""Lists of upstream servers as they are kept, and as they are shown. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from mcp_gateway.access.policy.model import Action
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.registry.model import Server

ListKind: TypeAlias = Literal["tools", "prompts", "resources", "templates"]
# What is locked: instructions are read by models too.
LockedKind: TypeAlias = ListKind | Literal["instructions"]
Scope: TypeAlias = Literal["public", "private"]

KIND_OF: Final[Mapping[str, ListKind]] = MappingProxyType(
    {
        "tools/list": "tools",
        "prompts/list": "prompts",
        "resources/list": "resources",
        "resources/templates/list": "templates",
    }
)
METHOD_OF: Final[Mapping[ListKind, str]] = MappingProxyType({kind: method for method, kind in KIND_OF.items()})
# The member an item of each list is known by.
KEY_OF: Final[Mapping[ListKind, str]] = MappingProxyType(
    {"tools": "name", "prompts": "name", "resources": "uri", "templates": "uriTemplate"}
)
ACTION_OF: Final[Mapping[ListKind, Action]] = MappingProxyType(
    {"tools": "call_tool", "prompts": "get_prompt", "resources": "read_resource", "templates": "read_resource"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One tool, prompt, resource or template. `key` is what its server knows it by; `body` its JSON, nothing lost."""

    key: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, weakref_slot=True)
class Held:
    """One list of one server as one caller, or everybody, gets it. Two are the same only when they are one.

    `owner` is whose it is, "" for everybody's. `asked_at` and `fresh_until` are monotonic. `items` are those that may be shown,
    `all_items` as the server gave them; `meta` and `ttl_ms` are what it said. `cut`: more came than is taken from one server.
    `refused` is the error of a server that knows no such list.
    """

    server: Server
    kind: ListKind
    owner: str
    items: tuple[Item, ...]
    all_items: tuple[Item, ...]
    asked_at: float
    fresh_until: float
    ttl_ms: int = 0
    meta: JsonObject = field(default_factory=dict)
    cut: bool = False
    refused: JsonObject | None = None
    size: int = 0

    @property
    def scope(self) -> Scope:
        return "private" if self.owner else "public"


# The code of a server that was asked, and has neither answered nor failed.
SLOW: Final = "UPSTREAM_SLOW"


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A server whose list is not there. `since` is seconds since 1970, when it was first seen to be away."""

    server: str
    code: str
    since: float


FindingCode: TypeAlias = Literal["NAME_TAKEN", "NAME_CUT", "URI_TAKEN"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something an administrator may want to change: the name of a server's thing is taken by an older server, or too long.

    `listed` is what it is called now; "" when it cannot be reached because `other`, an older server, has the same URI.
    """

    code: FindingCode
    server: str
    kind: ListKind
    name: str
    listed: str
    other: str = ""
