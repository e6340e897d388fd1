"""The roles every gateway has, and which scope of a token covers which action."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mcp_gateway.access.policy.model import ACTIONS, Action, Grant, Role

ADMIN: Final = "admin"
SCOPE_PREFIX: Final = "gateway."


def _role(name: str, *actions: Action, extends: tuple[str, ...] = ("viewer",), note: str) -> Role:
    return Role(name=name, extends=extends, allow=(Grant(actions=frozenset(actions)),), note=note)


BUILT_IN_ROLES: Final[tuple[Role, ...]] = (
    _role(
        "viewer", "read_schema", "read_resource", "see_servers", "see_health", "see_limits",
        extends=(), note="Looks at what there is.",
    ),
    _role("analyst", "ask", "run_query", note="Asks questions and runs read-only SQL."),
    _role("operator", "diagnose", "call_tool", "get_prompt", "see_metrics", note="Finds faults and calls tools."),
    _role("developer", "generate", "validate", note="Makes and checks routes."),
    _role(ADMIN, *ACTIONS, extends=(), note="Everything, within its own tenant."),
)  # fmt: skip

# Each action needs one scope, once a token carries any of ours. No scope includes another: what is missing is named exactly.
SCOPE_OF: Final[Mapping[Action, str]] = MappingProxyType(
    {
        "read_schema": "gateway.read",
        "read_resource": "gateway.read",
        "get_prompt": "gateway.read",
        "see_servers": "gateway.read",
        "see_health": "gateway.read",
        "see_metrics": "gateway.read",
        "see_limits": "gateway.read",
        "ask": "gateway.ask",
        "run_query": "gateway.ask",
        "call_tool": "gateway.call",
        "diagnose": "gateway.operate",
        "generate": "gateway.operate",
        "validate": "gateway.operate",
        "manage_servers": "gateway.admin",
        "manage_access": "gateway.admin",
        "issue_tokens": "gateway.admin",
        "read_audit": "gateway.admin",
    }
)
SCOPES: Final[tuple[str, ...]] = tuple(dict.fromkeys(SCOPE_OF.values()))
