"""Which rules meet in one call, bound to its caller: worked out once per caller and operation, kept in a bounded table.

A plan carries what makes the hot path short: keys, the store's own prepared form, and the last refusal. Plans hold no counts;
those are the store's.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from mcp_gateway.kit.keys import escape_part, tagged
from mcp_gateway.kit.limits.rules import ANY, Rule, RuleSet, Scope

# What the store says, microseconds throughout: how long a refused call has to wait (0: admitted), then for each rule what
# remains, when all of it is back, and how long this rule alone makes the call wait.
Outcome: TypeAlias = list[int]
# Waiting that never ends: the cost is above what the rule allows at once.
NEVER_US = 1 << 52
# A refusal is remembered at most so long, so that a raised limit or an emptied store is felt soon.
LONGEST_MEMORY_SECONDS = 1.0
NEAR_SHARE = 0.8
# The share of everybody's keys in a cluster; no escaped tenant looks like it.
EVERYBODY = "{*}"


class Plan:
    """The rules of one caller and operation. `ceiling` is the largest cost that can ever pass the enforced ones.

    `prepared` belongs to the store that the plan is used with, `shown` to the headers, `away` to the fallback; `near` is per
    rule what must remain for the call not to count as near its limit. `allowed` and `refused_here` count decisions since they
    were last collected.
    """

    __slots__ = (
        "allowed", "away", "ceiling", "keys", "kind", "near", "operation", "prepared", "refused_cost", "refused_from",
        "refused_here", "refused_outcome", "refused_until", "revision", "rules", "shown", "subject", "tenant", "told",
        "told_until", "weight",
    )  # fmt: skip

    def __init__(self, rule_set: RuleSet, tenant: str, subject: str, operation: str) -> None:
        self.tenant, self.subject, self.operation = tenant, subject, operation
        self.rules = rule_set.rules_for(tenant, operation)
        self.keys = tuple(key_of(rule, tenant, subject, operation) for rule in self.rules)
        self.weight = rule_set.weights.get(operation, 1)
        self.kind = rule_set.kind_of(operation)
        self.revision = rule_set.revision
        self.ceiling = min((rule.most_at_once for rule in self.rules if not rule.shadow), default=NEVER_US)
        self.near = tuple(rule.most_at_once - int(rule.most_at_once * NEAR_SHARE) for rule in self.rules)
        self.prepared: object = None
        self.away: object = None
        self.shown: object = None
        self.allowed = 0
        self.refused_here = 0
        self.refused_until = 0.0
        self.refused_from = 0.0
        self.refused_cost = 0
        self.refused_outcome: Outcome = []
        self.told: object = None
        self.told_until = 0.0

    def remember_refusal(self, outcome: Outcome, cost: int, now: float) -> None:
        """Refuse the same or a larger cost without asking, until it could pass but no longer than `LONGEST_MEMORY_SECONDS`."""
        self.refused_from = now
        self.refused_cost = cost
        self.refused_outcome = outcome
        self.told_until = 0.0
        self.refused_until = now + min(outcome[0] / 1_000_000, LONGEST_MEMORY_SECONDS)


class PlanTable:
    """At most `capacity` plans; when it is full, the half not used lately is dropped, each handed to `dropped` first."""

    def __init__(self, rule_set: RuleSet, *, capacity: int, dropped: Callable[[Plan], None]) -> None:
        self.rule_set = rule_set
        self._dropped = dropped
        self._half = max(1, capacity // 2)
        self.young: dict[tuple[str, str, str], Plan] = {}
        self.old: dict[tuple[str, str, str], Plan] = {}

    def plan(self, tenant: str, subject: str, operation: str) -> Plan:
        name = (tenant, subject, operation)
        found = self.young.get(name)
        if found is None:
            found = self.old.pop(name, None) or Plan(self.rule_set, tenant, subject, operation)
            if len(self.young) >= self._half:
                for plan in self.old.values():
                    self._dropped(plan)
                self.old = self.young
                self.young = {}
            self.young[name] = found
        return found

    def __iter__(self) -> Iterator[Plan]:
        yield from self.young.values()
        yield from self.old.values()


def key_of(rule: Rule, tenant: str, subject: str, operation: str) -> str:
    return key_name("rate_limit", rule.scope, tenant, subject, _budget(rule, operation), f"{rule.name}:{rule.shape}")


def key_name(prefix: str, scope: Scope, tenant: str, subject: str, operation: str, name: str) -> str:
    """`rate_limit:{tenant}:operation:rule…[:subject]`; what everybody shares has `{*}` in the tenant's place."""
    owner = EVERYBODY if scope == "global" else tagged(tenant)
    key = f"{prefix}:{owner}:{operation}:{name}"
    return f"{key}:{escape_part(subject)}" if scope == "caller" else key


def budget_name(operations: tuple[str, ...], *, each_operation: bool, operation: str) -> str:
    """The operation's part of a key; what several operations share starts with `*`, which no escaped name does."""
    if each_operation:
        return escape_part(operation)
    return ANY if operations == (ANY,) else ANY + escape_part("|".join(operations))


def _budget(rule: Rule, operation: str) -> str:
    return budget_name(rule.operations, each_operation=rule.each_operation, operation=operation)
