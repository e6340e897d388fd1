"""What watching the gateway needs from outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mcp_gateway.core.errors import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found: `status` in a word or two, `facts` with their units in the names."""

    healthy: bool
    status: str
    facts: Mapping[str, Json] = field(default_factory=dict)


class Probe(Protocol):
    """A check of one part that does the part's real work once. May hang and may raise: whoever runs it bounds and catches it."""

    @property
    def name(self) -> str: ...

    @property
    def needed(self) -> bool:
        """Whether the gateway is not ready while this part is unhealthy."""
        ...

    async def check(self) -> Finding: ...
