"""What differs between two definitions. Values only."""

from dataclasses import dataclass
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.definitions.findings import Finding
from mcp_gateway.registry.definitions.model import ChangeClass

_RANK: Final[dict[ChangeClass, int]] = {"safe": 0, "wider": 1, "suspicious": 2}
_REASONS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """`path` is dotted, from the definition's top ("" for all of it); `what` says it in words.

    `before` and `after` None: there is none, or null.
    """

    path: str
    what: str
    change: ChangeClass
    before: Json = None
    after: Json = None

    def words(self) -> str:
        return f"{self.path}: {self.what}" if self.path else self.what


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """`findings` are those the earlier definition did not have."""

    differences: tuple[Difference, ...] = ()
    findings: tuple[Finding, ...] = ()
    suspicious: bool = False

    @property
    def worst(self) -> ChangeClass:
        if self.suspicious:
            return "suspicious"
        return max((one.change for one in self.differences), key=_RANK.__getitem__, default="safe")

    @property
    def reasons(self) -> tuple[str, ...]:
        """The weightiest first, in a few words each, and not more than a few."""
        weighty = sorted(self.differences, key=lambda one: -_RANK[one.change])
        told = [*(finding.words() for finding in self.findings), *(one.words() for one in weighty if one.change != "safe")]
        told = told or [one.words() for one in weighty]
        more = [f"and {len(told) - _REASONS} more"] if len(told) > _REASONS else []
        return (*(one[:400] for one in told[:_REASONS]), *more)
