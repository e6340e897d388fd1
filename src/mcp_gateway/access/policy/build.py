"""From roles, rules and row filters to a policy: everything checked, every pattern made ready. Refuses what cannot be meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from mcp_gateway.access.errors import PolicyInvalid
from mcp_gateway.access.policy.model import Action, Policy, ReadyRole, Role, RowFilter, Rule
from mcp_gateway.access.policy.ready import by_tenant, fingerprint, ready_filter, ready_grant, ready_rule
from mcp_gateway.access.policy.roles import BUILT_IN_ROLES
from mcp_gateway.access.policy.selectors import Selector

_NO_CIRCLE = "Leave one of these `extends` out."
# Far deeper than anybody can follow in their head.
MAX_DEPTH = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Statements:
    """What a policy is built from, besides the built-in roles. Their order says nothing."""

    roles: tuple[Role, ...] = ()
    rules: tuple[Rule, ...] = ()
    row_filters: tuple[RowFilter, ...] = ()


def build_policy(*sources: Statements) -> Policy:
    """Raises `PolicyInvalid` for a name taken twice, a role that is unknown or extends itself, and an unusable pattern."""
    roles = sorted((role for source in sources for role in source.roles), key=lambda one: (one.tenant, one.name))
    rules = sorted((rule for source in sources for rule in source.rules), key=lambda one: (one.id, one.owner))
    filters = sorted((one for source in sources for one in source.row_filters), key=lambda one: (one.id, one.owner))
    defined = _by_name(roles)
    for kind, held in (("rule", rules), ("row_filter", filters)):
        _refuse_same_id(kind, [(one.owner, one.id) for one in held])
        for one in held:
            _check_audience(kind, one, defined)
    try:
        return Policy(
            roles=tuple(defined.values()),
            rules=tuple(rules),
            row_filters=tuple(filters),
            version=fingerprint(roles, rules, filters),
            ready_roles={key: _ready_role(key, defined) for key in defined},
            ready_rules=by_tenant(rules, ready_rule),
            ready_filters=by_tenant(filters, ready_filter),
        )
    except ValueError as error:
        raise PolicyInvalid(f"A pattern cannot be used: {error}.") from error


def _by_name(roles: Sequence[Role]) -> dict[tuple[str, str], Role]:
    defined = {("", role.name): role for role in BUILT_IN_ROLES}
    for role in roles:
        for key in ((role.tenant, role.name), ("", role.name)):
            if key in defined:
                raise PolicyInvalid(
                    f"There already is a role {role.name}.", hint="Choose another name.", kind="role", id=role.name
                )
        defined[role.tenant, role.name] = role
    return defined


def _find_role(name: str, tenant: str, defined: Mapping[tuple[str, str], Role], *, kind: str, said_by: str) -> tuple[str, str]:
    """Where the role is defined, as seen from a tenant. Raises `PolicyInvalid`, which tells who spoke of it."""
    for key in ((tenant, name), ("", name)):
        if key in defined:
            return key
    near = get_close_matches(name, [known for of, known in defined if of in ("", tenant)], n=1)
    hint = f"Did you mean {near[0]}?" if near else "Define it, or take it out."
    raise PolicyInvalid(f"The {kind} {said_by} names the role {name}, which is not defined.", hint=hint, kind=kind, id=said_by)


def _ready_role(key: tuple[str, str], defined: Mapping[tuple[str, str], Role]) -> ReadyRole:
    """Follows `extends` to its end. Raises `PolicyInvalid` for a circle."""
    order: list[tuple[str, str]] = []
    _extend(key, defined, (), order)
    allows: dict[Action, list[tuple[str, Selector]]] = {}
    for found in order:
        for grant in defined[found].allow:
            selector = ready_grant(grant)
            for action in grant.actions:
                allows.setdefault(action, []).append((found[1], selector))
    return ReadyRole(names=frozenset(name for _, name in order), allows={action: tuple(held) for action, held in allows.items()})


def _extend(
    key: tuple[str, str],
    defined: Mapping[tuple[str, str], Role],
    above: tuple[tuple[str, str], ...],
    order: list[tuple[str, str]],
) -> None:
    if key in above:
        names = [name for _, name in (*above[above.index(key) :], key)]
        raise PolicyInvalid(f"The role {key[1]} extends itself: {' → '.join(names)}.", hint=_NO_CIRCLE, kind="role", id=key[1])
    if len(above) >= MAX_DEPTH:
        raise PolicyInvalid(f"The role {key[1]} is extended over {MAX_DEPTH} steps.", hint="Extend less.", kind="role", id=key[1])
    if key in order:
        return
    order.append(key)
    role = defined[key]
    for name in sorted(role.extends):
        _extend(_find_role(name, role.tenant, defined, kind="role", said_by=role.name), defined, (*above, key), order)


def _refuse_same_id(kind: str, keys: Sequence[tuple[str, str]]) -> None:
    seen: set[tuple[str, str]] = set()
    for key in keys:
        if key in seen:
            raise PolicyInvalid(f"The id {key[1]} stands twice.", hint=f"Give each {kind} its own.", kind=kind, id=key[1])
        seen.add(key)


def _check_audience(kind: str, one: Rule | RowFilter, defined: Mapping[tuple[str, str], Role]) -> None:
    """Whoever speaks of a role must mean one that is there; what a tenant stored may speak of that tenant alone."""
    if one.owner and one.tenants != {one.owner}:
        raise PolicyInvalid(f"The {kind} {one.id} must be about the tenant it belongs to.", kind=kind, id=one.id)
    for name in sorted(one.roles):
        for tenant in sorted(one.tenants) or [""]:
            _find_role(name, tenant, defined, kind=kind, said_by=one.id)
