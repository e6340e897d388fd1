"""Groups that did not fit into a token: how a caller says so, and what it means for somebody who wonders about roles."""

from typing import Final, Literal, TypeAlias

from mcp_gateway.core.identity import Caller

Overage: TypeAlias = Literal["resolved", "unresolved", "unreachable"]

# The caller's attribute that carries it.
ATTRIBUTE: Final = "groups_overage"
_MISSING: Final = {
    "unresolved": "its groups did not fit into it and nobody is asked for them, so roles of groups are missing",
    "unreachable": "its groups did not fit into it and Microsoft Graph does not say them now, so roles of groups are missing",
}
_ADVICE: Final = (
    "Let the gateway ask Microsoft Graph for the groups (graph: true), or give the role as an app role, which always fits."
)


def missing_groups(caller: Caller) -> str:
    """What is missing, as a clause about the token; "" when nothing is."""
    return _MISSING.get(caller.attributes.get(ATTRIBUTE, ""), "")


def advice_on_groups(caller: Caller) -> tuple[str, ...]:
    return (_ADVICE,) if missing_groups(caller) else ()
