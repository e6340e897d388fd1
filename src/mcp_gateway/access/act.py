"""What somebody wants to do, as one value: what the policy decides on and the audit trail writes down."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from mcp_gateway.access.policy.model import Action, Target
from mcp_gateway.core.errors import Json
from mcp_gateway.core.values import call_value

FaceName: TypeAlias = Literal["http", "mcp", "command"]

# The gateway's own state. Balancers, pages and monitors read it every few seconds: only a refusal is worth a line.
UNREMARKABLE: frozenset[Action] = frozenset({"see_servers", "see_health", "see_metrics", "see_limits"})


# What changes what others may do: whoever reads the trail must see what was changed, and not only that something was.
ADMINISTRATIVE: frozenset[Action] = frozenset({"manage_access", "issue_tokens", "manage_servers"})


@call_value
class Act:
    """`arguments` are what the caller sent, as JSON values; the trail keeps a fingerprint of them, of administrators' all.

    `kept`: all of them too, secrets masked, whatever the action is; for what changes things and is looked up afterwards.
    """

    action: Action
    target: Target = field(default_factory=Target)
    arguments: Mapping[str, Json] = field(default_factory=dict)
    correlation_id: str = ""
    face: FaceName = "http"
    kept: bool = False

    @property
    def remarkable(self) -> bool:
        """Whether it is written down when it was allowed; refusals always are."""
        return self.action not in UNREMARKABLE
