"""What a decision is without the store: each rule by its declared policy. Counts of its own, a share of each limit.

`closed`: refused. `open`: let through, not counted. `local`: counted here against limit ÷ replicas, rounded down; a share of
nothing is closed. What replicas let through together in any window of an outage is at most the limit; a window that also holds
calls from before the outage can hold up to twice the limit, for the counts of the store cannot be seen.
"""

from collections.abc import Mapping
from dataclasses import replace

from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.errors import StoreUnavailable
from mcp_gateway.kit.limits.memory import MemoryLimitStore
from mcp_gateway.kit.limits.model import PolicyDecision
from mcp_gateway.kit.limits.plans import Outcome, Plan
from mcp_gateway.kit.limits.rules import AwayPolicy, ConcurrencyRule, Kind, Rule, RuleSet

# Closed for writes: letting through what cannot be counted may cost money. Local for reads: they are worth serving.
DEFAULT_POLICIES: Mapping[Kind, AwayPolicy] = {"read": "local", "write": "closed"}
# What a call refused by policy is told: connecting anew is tried at least twice in that time.
RETRY_WHEN_CLOSED_US = 1_000_000
UNKNOWN = -1


class Fallback:
    """Decides while the store is away. `replicas`: how many processes share each limit."""

    def __init__(self, *, clock: Clock, replicas: int, policies: Mapping[Kind, AwayPolicy], capacity: int) -> None:
        self._replicas = replicas
        self._policies = {**DEFAULT_POLICIES, **policies}
        self._store = MemoryLimitStore(clock=clock, capacity=capacity)

    def policy(self, rule: Rule | ConcurrencyRule, kind: Kind) -> AwayPolicy:
        """A local share of nothing counts as closed."""
        chosen = rule.when_away or self._policies[kind]
        return "closed" if chosen == "local" and rule.limit < self._replicas else chosen

    def share(self, limit: int) -> int:
        return limit // self._replicas

    def decide(self, plan: Plan, cost: int, kind: Kind) -> PolicyDecision:
        aways = [None if rule.shadow else self.policy(rule, kind) for rule in plan.rules]
        if "closed" in aways:
            return _told(plan, cost, aways, [])
        try:
            local = self._store.take(self._local_plan(plan, aways), cost)
        except StoreUnavailable:  # more budgets than may be counted here: nothing is let through uncounted
            return _told(plan, cost, ["closed" if away == "local" else away for away in aways], [])
        return _told(plan, cost, aways, local)

    def _local_plan(self, plan: Plan, aways: list[AwayPolicy | None]) -> Plan:
        known = plan.away
        if isinstance(known, tuple) and known[0] == aways and isinstance(known[1], Plan):
            return known[1]
        shared = [self._shared(rule) for rule, away in zip(plan.rules, aways, strict=True) if away == "local"]
        local = Plan(RuleSet(rules=tuple(shared), revision=plan.revision), plan.tenant, plan.subject, plan.operation)
        plan.away = (aways, local)
        return local

    def _shared(self, rule: Rule) -> Rule:
        burst = max(1, rule.most_at_once // self._replicas) if rule.algorithm == "gcra" else None
        return replace(rule, limit=self.share(rule.limit), burst=burst)


def _told(plan: Plan, cost: int, aways: list[AwayPolicy | None], local: Outcome) -> PolicyDecision:
    """One outcome over all rules; `local` holds the figures of those counted here, in their order."""
    closed = "closed" in aways
    figures = iter(local[1:])
    outcome = [RETRY_WHEN_CLOSED_US if closed else local[0]]
    for away in aways:
        if away == "local" and local:
            outcome += [next(figures), next(figures), next(figures)]
        else:
            outcome += [UNKNOWN, 0, RETRY_WHEN_CLOSED_US if away == "closed" else 0]
    return PolicyDecision(plan, outcome, cost, aways)
