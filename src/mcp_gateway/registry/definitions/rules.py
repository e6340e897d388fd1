"""What follows from a change: the server's `drift` rule against what the change amounts to.

    =========  =======  ========  ==========
    drift      safe     wider     suspicious
    =========  =======  ========  ==========
    pass       offered  offered   waiting
    approve    offered  waiting   blocked
    block      offered  blocked   blocked
    =========  =======  ========  ==========

Waiting and blocked things are neither listed nor called; an administrator can approve both. Blocked says that nobody needs to
look before it is known to be wrong. What a server offers when it is registered is approved by whoever registers it, except what
is suspicious, which waits to be looked at.
"""

from types import MappingProxyType
from typing import Final

from mcp_gateway.registry.definitions.model import ChangeClass, Status
from mcp_gateway.registry.model import DriftRule

CONSEQUENCES: Final = MappingProxyType[tuple[DriftRule, ChangeClass], Status](
    {
        ("pass", "safe"): "offered",
        ("pass", "wider"): "offered",
        ("pass", "suspicious"): "waiting",
        ("approve", "safe"): "offered",
        ("approve", "wider"): "waiting",
        ("approve", "suspicious"): "blocked",
        ("block", "safe"): "offered",
        ("block", "wider"): "blocked",
        ("block", "suspicious"): "blocked",
    }
)


def consequence(rule: DriftRule, change: ChangeClass) -> Status:
    return CONSEQUENCES[rule, change]


def at_first_sight(change: ChangeClass) -> Status:
    """Of what is offered when the server is registered."""
    return "waiting" if change == "suspicious" else "offered"
