"""The one decision of the whole product. Deny by default, and an explicit deny wins over every allow.

It looks at values alone: no clock, no store. What it says of the token is that there is a caller; whoever made the `Caller`
has checked the token. Health of servers and names are added by `explain.py`, which allows nothing.
"""

from collections.abc import Sequence
from typing import Final

from mcp_gateway.access.policy.model import (
    Action,
    Decision,
    DecisionKey,
    Link,
    Policy,
    Reach,
    ReadyCaller,
    ReadyRole,
    ReadyRule,
    Target,
)
from mcp_gateway.access.policy.roles import SCOPE_OF, SCOPE_PREFIX
from mcp_gateway.access.policy.selectors import Selector
from mcp_gateway.access.policy.uris import writings
from mcp_gateway.core.identity import Caller

ANYTHING: Final = Target()
# A few megabytes at most. When they are full all are forgotten: each costs some microseconds to make again.
MAX_REMEMBERED: Final = 8_192
MAX_CALLERS: Final = 512
MAX_REACHED: Final = 64
# Names longer than any real one are decided, but not remembered.
_MAX_REMEMBERED_CHARS: Final = 512


def decide(policy: Policy, caller: Caller, action: Action, target: Target = ANYTHING) -> Decision:
    """Whether this caller may do this, and the whole chain of why.

    Ask about each thing by itself, with its server, tool, table or column; without a table the answer says whether some table
    may be asked about. Raises nothing.
    """
    server, tool, table, column = target.server, target.tool, target.table, target.column
    key = (caller.tenant, caller.subject, caller.roles, caller.scopes, action, server, tool, table, column)
    known = policy.remembered.get(key)
    if known is not None:
        return known
    decision = decide_anew(policy, caller, action, target)
    _remember(policy, key, decision)
    return decision


def decide_anew(policy: Policy, caller: Caller, action: Action, target: Target = ANYTHING) -> Decision:
    """The same, decided again and not remembered."""
    ready = ready_caller(policy, caller)
    reach = _reach(ready, action, target.server, target.tool)
    tenant = _tenant_link(policy, caller)
    role = _role_link(ready, reach, caller, action, target)
    scope, lacking = _scope_link(caller, action)
    rule = _rule_link(reach, action, target, role)
    chain = (_token_link(caller), tenant, role, scope, rule)
    in_the_way = next((link for link in (tenant, rule, scope) if not link.passed), None)
    return Decision(
        allowed=in_the_way is None,
        chain=chain,
        rule=rule.rule,
        reason=(in_the_way or (role if role.passed else rule)).detail,
        scope=lacking if in_the_way is scope else "",
    )


def may_reach(policy: Policy, caller: Caller, action: Action, server: str) -> bool:
    """False where nothing on this server can be allowed to the caller, whatever its name. Scopes are not looked at."""
    ready = ready_caller(policy, caller)
    about = [one for one in ready.rules if action in one.rule.actions and one.selector.names_server(server)]
    if any(one.rule.effect == "deny" and one.selector.whole_servers for one in about):
        return False
    granted = any(about.names_server(server) for role in ready.roles for _, about in role.allows.get(action, ()))
    return granted or any(one.rule.effect == "allow" for one in about)


def ready_caller(policy: Policy, caller: Caller) -> ReadyCaller:
    """What of the policy speaks to this caller, whatever the action: found once, for questions about many things."""
    key = (caller.tenant, caller.subject, caller.roles)
    found = policy.callers.get(key)
    if found is None:
        if len(policy.callers) >= MAX_CALLERS:
            policy.callers.clear()
        found = policy.callers[key] = _find_caller(policy, caller)
    return found


def _find_caller(policy: Policy, caller: Caller) -> ReadyCaller:
    held = [(name, find_role(policy, caller.tenant, name)) for name in sorted(caller.roles)]
    roles = tuple(ready for _, ready in held if ready is not None)
    names = frozenset[str]().union(*(ready.names for ready in roles))
    rules = [one for one in policy.ready_rules.get(caller.tenant, policy.ready_rules[""]) if _speaks_to(one, caller, names)]
    return ReadyCaller(
        roles=roles,
        names=names,
        unknown=tuple(name for name, ready in held if ready is None),
        rules=tuple(rules),
    )


def _reach(ready: ReadyCaller, action: Action, server: str, tool: str) -> Reach:
    """A database has thousands of columns and one tool to read them with: its patterns are looked at once for all of them."""
    found = ready.reached.get((action, server, tool))
    if found is not None:
        return found
    uri = writings(tool) if action == "read_resource" and tool else None

    def covers(about: Selector, *, denying: bool = False) -> bool:
        return about.reaches(server, tool) if uri is None else about.reaches_uri(server, uri, denying=denying)

    grants = [(name, about) for role in ready.roles for name, about in role.allows.get(action, ()) if covers(about)]
    rules = [one for one in ready.rules if action in one.rule.actions and covers(one.selector, denying=one.rule.effect == "deny")]
    found = Reach(grants=tuple(grants), rules=ready.rules if len(rules) == len(ready.rules) else tuple(rules))
    if len(server) + len(tool) <= _MAX_REMEMBERED_CHARS:
        if len(ready.reached) >= MAX_REACHED:
            ready.reached.clear()
        ready.reached[action, server, tool] = found
    return found


def _speaks_to(ready: ReadyRule, caller: Caller, roles: frozenset[str]) -> bool:
    """Of its tenant it is already."""
    wanted = ready.rule.roles
    if wanted and wanted.isdisjoint(roles):
        return False
    return not ready.subjects or any(glob.matches(caller.subject) for glob in ready.subjects)


def find_role(policy: Policy, tenant: str, name: str) -> ReadyRole | None:
    """A role as seen from a tenant: one of its own, or one of every tenant's."""
    return policy.ready_roles.get((tenant, name)) or policy.ready_roles.get(("", name))


def _remember(policy: Policy, key: DecisionKey, decision: Decision) -> None:
    if sum(map(len, key[5:])) > _MAX_REMEMBERED_CHARS:
        return
    if len(policy.remembered) >= MAX_REMEMBERED:
        policy.remembered.clear()
    policy.remembered[key] = decision


def _token_link(caller: Caller) -> Link:
    return Link(step="token", passed=True, detail=f"subject {caller.subject}")


def _tenant_link(policy: Policy, caller: Caller) -> Link:
    if not caller.tenant:
        return Link(step="tenant", passed=False, detail="the token names no tenant")
    own = "" if caller.tenant not in policy.ready_rules else ", which has rules of its own"
    return Link(step="tenant", passed=True, detail=f"tenant {caller.tenant}{own}")


def _role_link(ready: ReadyCaller, reach: Reach, caller: Caller, action: Action, target: Target) -> Link:
    """Whether one of the caller's roles allows this; those that are unknown are named."""
    aside = f"; unknown here: {_listed(ready.unknown)}" if ready.unknown else ""
    for name, about in reach.grants:
        if about.allows(target.table, target.column):
            return Link(step="role", passed=True, detail=f"role {name} allows {action}{aside}", rule=f"role:{name}")
    held = _listed(sorted(caller.roles)) or "no role"
    return Link(step="role", passed=False, detail=f"{held}: none allows {_what(action, target)}{aside}")


def _scope_link(caller: Caller, action: Action) -> tuple[Link, str]:
    """Scopes take away and never give; a token without any of ours is not narrowed."""
    ours = [scope for scope in caller.scopes or () if scope.startswith(SCOPE_PREFIX)]
    if not ours:
        return Link(step="scope", passed=True, detail="the token's scopes narrow nothing"), ""
    needed = SCOPE_OF.get(action, "")
    if needed in ours:
        return Link(step="scope", passed=True, detail=f"scope {needed} covers {action}"), ""
    return Link(step="scope", passed=False, detail=f"{action} needs the scope {needed}"), needed


def _rule_link(reach: Reach, action: Action, target: Target, role: Link) -> Link:
    """Denies before allows, and of several the smallest id, so that the order they were written in says nothing."""
    allowing: ReadyRule | None = None
    for ready in reach.rules:
        rule = ready.rule
        if rule.effect == "deny":
            if ready.selector.denies(target.table, target.column):
                return Link(step="rule", passed=False, detail=f"rule {rule.id} denies {_what(action, target)}", rule=rule.id)
        elif allowing is None and ready.selector.allows(target.table, target.column):
            allowing = ready
    if role.passed:
        return Link(step="rule", passed=True, detail="no rule denies it", rule=role.rule)
    if allowing is not None:
        rule = allowing.rule
        return Link(step="rule", passed=True, detail=f"rule {rule.id} allows {_what(action, target)}", rule=rule.id)
    return Link(step="rule", passed=False, detail=f"no role and no rule allows {_what(action, target)}")


def _listed(names: Sequence[str]) -> str:
    """Some of them: a token may carry hundreds."""
    shown = ", ".join(name[:60] for name in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown


def _what(action: Action, target: Target) -> str:
    named = str(target)
    return f"{action} on {named}" if named else action
