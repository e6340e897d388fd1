"""Who would lose or gain what, if one policy took the place of another. Nothing is changed by asking."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from mcp_gateway.access.policy.decide import ANYTHING, decide_anew
from mcp_gateway.access.policy.model import ABOUT_TABLES, ACTIONS, Action, Grant, Policy, Role, Rule, Target
from mcp_gateway.core.identity import Caller

# What is compared at most; a change that touches more is told by its first ones.
MAX_TARGETS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class PastCall:
    """Something that was done or tried, `count` times."""

    caller: Caller
    action: Action
    target: Target = ANYTHING
    count: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """What becomes allowed, or no longer is. `rule` is what decides after the change, `reason` says it in words.

    For a past call `subject` did it, `count` times. Else it is what a role by itself may do: `subject` is "" or a pattern of the
    rule, and the names in `target` are patterns too.
    """

    subject: str
    roles: tuple[str, ...]
    action: Action
    target: Target
    allowed: bool
    rule: str
    reason: str
    count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DryRun:
    """`of_calls`: most frequent first. `of_roles`: by role. `compared_calls` is how many past calls were looked at."""

    of_calls: tuple[Shift, ...]
    of_roles: tuple[Shift, ...]
    compared_calls: int


def dry_run(before: Policy, after: Policy, calls: Iterable[PastCall], *, tenant: str | None) -> DryRun:
    """For one tenant; None, for the operator of them all: every tenant's calls, and what roles may do by the file alone."""
    of_calls, compared = _compare_calls(before, after, calls, tenant)
    of_roles = _compare_roles(before, after, tenant or "")
    return DryRun(of_calls=of_calls, of_roles=of_roles, compared_calls=compared)


def _compare_calls(before: Policy, after: Policy, calls: Iterable[PastCall], tenant: str | None) -> tuple[tuple[Shift, ...], int]:
    seen: Counter[tuple[Caller, frozenset[str], frozenset[str] | None, Action, Target]] = Counter()
    for call in calls:
        if tenant is None or call.caller.tenant == tenant:
            seen[call.caller, call.caller.roles, call.caller.scopes, call.action, call.target] += call.count
    shifts = (_shift(before, after, caller, action, target, count) for (caller, _, _, action, target), count in seen.items())
    found = sorted((one for one in shifts if one), key=lambda one: (-one.count, one.subject, one.action, str(one.target)))
    return tuple(found), seen.total()


def _compare_roles(before: Policy, after: Policy, tenant: str) -> tuple[Shift, ...]:
    probes = list(dict.fromkeys(_probes(before, after, tenant)))
    roles = sorted({name for policy in (before, after) for of, name in policy.ready_roles if of in ("", tenant)})
    subjects = {"", *(pattern for rule in _changed_rules(before, after, tenant) for pattern in rule.subjects)}
    callers = [
        Caller(tenant=tenant or "any", subject=subject, roles=frozenset({role}))
        for role, subject in product(roles, sorted(subjects))
    ]
    # A shift of the role alone is not said again for each subject.
    found: dict[tuple[tuple[str, ...], Action, Target, bool], Shift] = {}
    for caller, (action, target) in product(callers, probes):
        shift = _shift(before, after, caller, action, target, 0)
        if shift is not None:
            found.setdefault((shift.roles, action, target, shift.allowed), shift)
    return tuple(found.values())


def _shift(before: Policy, after: Policy, caller: Caller, action: Action, target: Target, count: int) -> Shift | None:
    was, will_be = decide_anew(before, caller, action, target), decide_anew(after, caller, action, target)
    if was.allowed == will_be.allowed:
        return None
    return Shift(
        subject=caller.subject,
        roles=tuple(sorted(caller.roles)),
        action=action,
        target=target,
        allowed=will_be.allowed,
        rule=will_be.rule,
        reason=will_be.reason,
        count=count,
    )


def _probes(before: Policy, after: Policy, tenant: str) -> Iterator[tuple[Action, Target]]:
    """Every action by itself, and what the changed statements are about: a pattern, taken as a name, fits itself."""
    yield from ((action, ANYTHING) for action in ACTIONS)
    grants: list[Grant | Rule] = [*_changed_rules(before, after, tenant)]
    grants += [grant for role in _changed_roles(before, after, tenant) for grant in role.allow]
    targets = 0
    for grant in grants:
        for target in _targets(grant):
            targets += 1
            if targets > MAX_TARGETS:
                return
            meant = grant.actions & ABOUT_TABLES if target.table else grant.actions
            yield from ((action, target) for action in ACTIONS if action in meant)


def _targets(grant: Grant | Rule) -> Iterator[Target]:
    columns = [tuple(pattern.rpartition(".")[::2]) for pattern in grant.columns]
    for server, tool, table in product(grant.servers or ("",), grant.tools or ("",), grant.tables or ("",)):
        if not columns:
            yield Target(server=server, tool=tool, table=table)
        for of_table, own in columns:
            yield Target(server=server, tool=tool, table=of_table or table or "*", column=own)


def _changed_rules(before: Policy, after: Policy, tenant: str) -> list[Rule]:
    changed = set(before.rules) ^ set(after.rules)
    return sorted((rule for rule in changed if not rule.tenants or tenant in rule.tenants), key=lambda one: one.id)


def _changed_roles(before: Policy, after: Policy, tenant: str) -> list[Role]:
    return sorted(
        (role for role in set(before.roles) ^ set(after.roles) if role.tenant in ("", tenant)), key=lambda one: one.name
    )
