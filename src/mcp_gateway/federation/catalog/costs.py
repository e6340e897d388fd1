"""What a definition costs a model that reads it, about: a token for every four bytes of what is put before it.

An estimate: the models' tokenizers differ, and none of them is asked. JSON schemas come out at 3.5 to 4.5 bytes a token.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from mcp_gateway.core.protocol.frames import JsonObject, render
from mcp_gateway.federation.catalog.snapshot import Snapshot

LARGEST: Final = 20
BYTES_PER_TOKEN: Final = 4
_READ: Final = ("name", "description", "inputSchema")


def tokens_of(tool: JsonObject) -> int:
    """Of its name, description and input schema; clients show a model nothing else."""
    return -(-len(render({key: tool[key] for key in _READ if key in tool})) // BYTES_PER_TOKEN)


class ToolCost(NamedTuple):
    """`name` is the one it is listed under."""

    name: str
    server: str
    tokens: int


class ServerCost(NamedTuple):
    server: str
    tools: int
    tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of one list, as one caller gets it. `servers` and `largest` begin with what costs most; of tools there are 20 at most.

    `missing` are servers whose tools are not counted.
    """

    tools: int
    tokens: int
    servers: tuple[ServerCost, ...]
    largest: tuple[ToolCost, ...]
    missing: tuple[str, ...] = ()


def cost_of(snapshot: Snapshot) -> Cost:
    missing = tuple(one.server for one in snapshot.missing)
    return sum_costs((ToolCost(one.name, one.server, one.tokens) for one in snapshot.items()), missing)


def sum_costs(tools: Iterable[ToolCost], missing: tuple[str, ...] = ()) -> Cost:
    each = sorted(tools, key=lambda one: (-one.tokens, one.server, one.name))
    servers: dict[str, list[int]] = {}
    for one in each:
        servers.setdefault(one.server, []).append(one.tokens)
    summed = (ServerCost(server, len(costs), sum(costs)) for server, costs in servers.items())
    return Cost(
        tools=len(each),
        tokens=sum(one.tokens for one in each),
        servers=tuple(sorted(summed, key=lambda one: (-one.tokens, one.server))),
        largest=tuple(each[:LARGEST]),
        missing=missing,
    )
