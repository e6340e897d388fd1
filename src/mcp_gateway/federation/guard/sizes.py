"""How large and how deep arguments may be, whatever their schema says."""

from dataclasses import dataclass
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.federation.guard.errors import ArgumentsTooLarge


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeLimits:
    """`depth` counts arrays and objects within each other, `nodes` every value; `length` is of one text, in characters, and
    `members` of one array or object.
    """

    depth: int = 32
    nodes: int = 100_000
    length: int = 4_000_000
    members: int = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    depth: int
    nodes: int


USUAL_LIMITS: Final = SizeLimits()
_CONTAINERS: Final = frozenset({dict, list})


def measure(arguments: dict[str, Json], limits: SizeLimits = USUAL_LIMITS) -> Measured:
    """How deep and how many. Raises `ArgumentsTooLarge`. Goes over it level by level, so that no depth can exhaust the stack."""
    depth, nodes = 0, 1
    level: list[Json] = [arguments]
    while level:
        depth += 1
        if depth > limits.depth:
            raise _too_large("nested deeper", "depth", limits.depth)
        below: list[Json] = []
        for container in level:
            values = container.values() if isinstance(container, dict) else container
            count = len(values)  # type: ignore[arg-type]  # only containers are put into a level
            if count > limits.members:
                raise _too_large("an array or object is longer", "members", limits.members)
            nodes += count
            if nodes > limits.nodes:
                raise _too_large("there are more values", "nodes", limits.nodes)
            for value in values:  # type: ignore[union-attr]
                if type(value) in _CONTAINERS:
                    below.append(value)
                elif type(value) is str and len(value) > limits.length:
                    raise _too_large("a text is longer", "length", limits.length)
        level = below
    return Measured(depth=depth, nodes=nodes)


def _too_large(what: str, limit: str, value: int) -> ArgumentsTooLarge:
    return ArgumentsTooLarge(f"In the arguments {what} than {value:,}.", limit=limit, value=value)
