"""One step of an examination and its verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from mcp_gateway.core.errors import Json

Verdict: TypeAlias = Literal["ok", "problem", "unknown"]
Place: TypeAlias = Literal["", "access file", "provider", "this machine", "client", "gateway"]

NO_FACTS: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """`unknown`: it cannot be told, or has to be looked at by a person. `change` says what to do, `where` in whose hands it is.

    `facts` are for reading on; no secret and no token ever stands in them.
    """

    name: str
    verdict: Verdict
    said: str
    change: str = ""
    where: Place = ""
    facts: Mapping[str, Json] = field(default_factory=lambda: NO_FACTS)

    def to_dict(self) -> dict[str, Json]:
        shape: dict[str, Json] = {"step": self.name, "verdict": self.verdict, "said": self.said}
        if self.change:
            shape |= {"change": self.change, "where": self.where}
        if self.facts:
            shape["facts"] = dict(self.facts)
        return shape


def ok(name: str, said: str, **facts: Json) -> Step:
    return Step(name=name, verdict="ok", said=said, facts=facts)


def problem(name: str, said: str, change: str, where: Place, **facts: Json) -> Step:
    return Step(name=name, verdict="problem", said=said, change=change, where=where, facts=facts)


def unknown(name: str, said: str, change: str = "", where: Place = "", **facts: Json) -> Step:
    return Step(name=name, verdict="unknown", said=said, change=change, where=where, facts=facts)
