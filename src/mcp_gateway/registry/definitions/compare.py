"""Two definitions of one thing, compared."""

from dataclasses import dataclass

from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.registry.definitions.model import ChangeClass, Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    worst: ChangeClass
    reasons: tuple[str, ...] = ()


def compare(kind: Kind, before: JsonObject, after: JsonObject) -> Comparison:
    return Comparison(worst="wider", reasons=("changed",))


def describe_new(kind: Kind, item: JsonObject) -> Comparison:
    return Comparison(worst="wider")
