"""What a program may be given: scopes of this gateway, and of those only what the person it acts for can use."""

from collections.abc import Iterable
from typing import Final

from mcp_gateway.access.oauth.errors import OAuthRefused
from mcp_gateway.access.policy.decide import ready_caller
from mcp_gateway.access.policy.model import Action, Policy
from mcp_gateway.access.policy.roles import SCOPE_OF, SCOPE_PREFIX, SCOPES
from mcp_gateway.core.identity import Caller

MAX_SCOPE_CHARS: Final = 1_000
# For a program that names none: looking, asking, calling tools; nothing that changes who may do what.
USUAL: Final = ("gateway.read", "gateway.ask", "gateway.call")
# Words of OpenID Connect that many programs add by habit; they give nothing here.
_PASSED_OVER: Final = frozenset({"openid", "profile", "email", "offline_access"})
WORDS: Final = {
    "gateway.read": "See which tables, tools and servers there are",
    "gateway.ask": "Ask questions and run read-only SQL as you",
    "gateway.call": "Call tools of the connected servers as you",
    "gateway.operate": "Diagnose servers, make and check routes as you",
    "gateway.admin": "Manage servers, rules and tokens, and read the audit trail as you",
}


def read_scopes(text: str | None) -> tuple[str, ...]:
    """The scopes asked for, in the gateway's order. Raises `OAuthRefused` for one that is not the gateway's."""
    if text is not None and len(text) > MAX_SCOPE_CHARS:
        raise OAuthRefused("invalid_scope", "The scope is too long.")
    words = set((text or "").split()) - _PASSED_OVER
    if words - set(SCOPES):
        raise OAuthRefused("invalid_scope", f"The scopes here are {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in (words or USUAL))


def grantable(policy: Policy, caller: Caller, scopes: Iterable[str]) -> tuple[str, ...]:
    """Those the caller has, and has a use for: some role or rule lets them do something with it."""
    held = {scope for scope in caller.scopes or () if scope.startswith(SCOPE_PREFIX)}
    useful = {scope for action, scope in SCOPE_OF.items() if _is_of_use(policy, caller, action)}
    return tuple(scope for scope in scopes if scope in useful and (not held or scope in held))


def _is_of_use(policy: Policy, caller: Caller, action: Action) -> bool:
    ready = ready_caller(policy, caller)
    by_role = any(role.allows.get(action) for role in ready.roles)
    return by_role or any(one.rule.effect == "allow" and action in one.rule.actions for one in ready.rules)
