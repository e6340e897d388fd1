"""An explanation as values."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mcp_gateway.core.identity import Caller

StepName: TypeAlias = Literal[
    "token", "tenant", "role", "scope", "rule",
    "server_registered", "server_tenant", "server_enabled", "server_health", "definition", "name",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """`passed` None: it is not known here, or not told to whoever asks. `rule` is the rule or role that spoke."""

    step: StepName
    passed: bool | None
    detail: str
    rule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """About one tool of one server. `server` "": nobody is known to have it. `name` is the server's own, `listed` that in /mcp.

    `works` None: nothing known stands in the way, but nobody saw such a tool.

    `reason` is the first thing that does, or what is not known. `virtual_servers` offer it too.
    """

    asked: str
    caller: Caller
    server: str
    name: str
    listed: str
    works: bool | None
    reason: str
    chain: tuple[Step, ...]
    advice: tuple[str, ...]
    virtual_servers: tuple[str, ...] = field(default=())
