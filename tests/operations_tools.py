"""The tools over a deployment as tests use them: a short pause, and an administrator and a viewer who ask."""

import secrets
from collections.abc import Sequence

from mcp_gateway.adapters.deployment.readers import Addresses
from mcp_gateway.adapters.deployment.tools import DeploymentTools, tools_of
from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.asking import Rights
from mcp_gateway.diagnostics.diagnose_health import FindCauses, FindRemedies
from mcp_gateway.diagnostics.history import SnapshotHistory
from mcp_gateway.diagnostics.ports import History
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Action, Hypothesis

ADMIN = Caller(tenant="acme", subject="ann", roles=frozenset({"admin"}))
VIEWER = Caller(tenant="acme", subject="bob")
CLOCK = SystemClock()


def nothing_found(_: Window) -> Sequence[Hypothesis]:
    return ()


def nothing_helps(_: Hypothesis, __: Window) -> Sequence[Action]:
    return ()


def tools_for(
    addresses: Addresses,
    *,
    history: History | None = None,
    clock: Clock = CLOCK,
    find_causes: FindCauses = nothing_found,
    find_remedies: FindRemedies = nothing_helps,
) -> DeploymentTools:
    """Administrators see every tenant's name, nobody else does."""
    return tools_of(
        addresses,
        history=history if history is not None else SnapshotHistory(),
        clock=clock,
        rights=Rights(sees_everybody=lambda caller: "admin" in caller.roles, secret=secrets.token_bytes(16)),
        find_causes=find_causes,
        find_remedies=find_remedies,
        pause_seconds=0.05,
    )
