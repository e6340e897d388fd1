"""What a decision is, and what can be said about it. Values; nothing here waits or stores.

A decision is made a hundred thousand times a second, so it keeps the store's bare numbers and spells them out when asked.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mcp_gateway.kit.limits.plans import NEVER_US, Outcome, Plan
from mcp_gateway.kit.limits.rules import AwayPolicy, ConcurrencyRule, Rule

# The store answered; it did not and the rules' policies decided; or this process still knew of a refusal.
DecidedBy: TypeAlias = Literal["store", "memory of a refusal", "policy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleState:
    """One rule at the time of a decision.

    `remaining`: units left after it; None when the store was away and nothing was counted. `reset_seconds`: until all is back if
    nobody calls. `retry_after_seconds`: 0 when this rule let the call pass, infinite when it never will. `away`: the policy that
    stood in for the store, None when the store answered.
    """

    rule: Rule
    limit: int
    remaining: int | None
    reset_seconds: float
    retry_after_seconds: float
    away: AwayPolicy | None = None

    @property
    def used(self) -> int | None:
        return None if self.remaining is None else max(0, self.limit - self.remaining)

    @property
    def refuses(self) -> bool:
        return self.retry_after_seconds > 0


class Decision:
    """Whether a call may go on, and why. A refused call has cost nothing, in no rule.

    `plan` and `outcome` are the bare figures, for whoever renders a hundred thousand of them.
    """

    __slots__ = ("allowed", "cost", "outcome", "plan")

    def __init__(self, plan: Plan, outcome: Outcome, cost: int) -> None:
        self.allowed = not outcome[0]
        self.cost = cost
        self.plan = plan
        self.outcome = outcome

    @property
    def decided_by(self) -> DecidedBy:
        return "store"

    @property
    def revision(self) -> int:
        """Of the stored rules it was decided by."""
        return self.plan.revision

    @property
    def age_us(self) -> int:
        """How old the outcome is."""
        return 0

    @property
    def aways(self) -> Sequence[AwayPolicy | None]:
        """Per rule, the policy that stood in for the store."""
        return (None,) * len(self.plan.rules)

    @property
    def degraded(self) -> AwayPolicy | None:
        """The strictest policy that stood in for the store; None when the store answered."""
        found: list[AwayPolicy] = [away for away in self.aways if away is not None]
        return min(found, key=("closed", "local", "open").index) if found else None

    @property
    def retry_after_seconds(self) -> float:
        """0 when allowed; to the millisecond, rounded up; infinite when waiting does not help."""
        return _seconds(self.outcome[0], self.age_us, least=0 if self.allowed else 1_000)

    @property
    def rules(self) -> tuple[RuleState, ...]:
        """Every enforced rule, in the order of the rule set."""
        return tuple(state for state in self._states() if not state.rule.shadow)

    @property
    def shadow(self) -> tuple[RuleState, ...]:
        """The rules that are only tried out: what each would have said."""
        return tuple(state for state in self._states() if state.rule.shadow)

    @property
    def closest(self) -> RuleState | None:
        """The enforced rule that refuses the longest, otherwise the one with the least share left; None without rules."""
        states = self.rules
        if not states:
            return None
        return min(states, key=_closeness)

    @property
    def refused_by(self) -> tuple[str, ...]:
        return tuple(state.rule.name for state in self.rules if state.refuses)

    @property
    def bare(self) -> tuple[Sequence[Rule], Outcome, int]:
        """The rules, the store's numbers and their age in microseconds, for who renders every decision."""
        return self.plan.rules, self.outcome, self.age_us

    def _states(self) -> list[RuleState]:
        states = []
        for index, (rule, away) in enumerate(zip(self.plan.rules, self.aways, strict=True)):
            remaining, reset, retry = self.outcome[1 + 3 * index : 4 + 3 * index]
            states.append(
                RuleState(
                    rule=rule,
                    limit=rule.most_at_once if rule.algorithm == "gcra" else rule.limit,
                    remaining=None if remaining < 0 else remaining,
                    reset_seconds=_seconds(reset, self.age_us),
                    retry_after_seconds=_seconds(retry, self.age_us, least=1_000 if retry else 0),
                    away=away,
                )
            )
        return states

    def __repr__(self) -> str:
        said = "allowed" if self.allowed else f"refused by {', '.join(self.refused_by)} for {self.retry_after_seconds} s"
        return f"<Decision {said}>"


class RememberedRefusal(Decision):
    """A refusal that this process still knew of: the store was not asked."""

    __slots__ = ("_seconds_ago",)

    def __init__(self, plan: Plan, cost: int, seconds_ago: float) -> None:
        self.allowed = False
        self.cost = cost
        self.plan = plan
        self.outcome = plan.refused_outcome
        self._seconds_ago = seconds_ago

    @property
    def decided_by(self) -> DecidedBy:
        return "memory of a refusal"

    @property
    def age_us(self) -> int:
        return int(self._seconds_ago * 1_000_000 + 0.5)


class PolicyDecision(Decision):
    """The store was away and each rule's policy stood in."""

    __slots__ = ("_policies",)

    def __init__(self, plan: Plan, outcome: Outcome, cost: int, policies: Sequence[AwayPolicy | None]) -> None:
        super().__init__(plan, outcome, cost)
        self._policies = policies

    @property
    def decided_by(self) -> DecidedBy:
        return "policy"

    @property
    def aways(self) -> Sequence[AwayPolicy | None]:
        return self._policies


def _closeness(state: RuleState) -> tuple[float, float]:
    left = 1.0 if state.remaining is None else state.remaining / state.limit
    return (-state.retry_after_seconds, left)


def _seconds(microseconds: int, age_us: int, least: int = 0) -> float:
    if microseconds >= NEVER_US:
        return math.inf
    return math.ceil(max(least, microseconds - age_us) / 1_000) / 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ConcurrencyState:
    """One concurrency rule: how many hold it now, of how many. None for `held` when the store is away."""

    rule: ConcurrencyRule
    held: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Where a caller stands with one operation, without costing anything.

    `rules` includes those in shadow. `weight`: what one call costs. `refused_here_seconds`: how long this process still refuses
    without asking the store. `away`: per rule name, what would happen without the store.
    """

    tenant: str
    subject: str
    operation: str
    revision: int
    weight: int
    rules: tuple[RuleState, ...]
    concurrency: tuple[ConcurrencyState, ...]
    refused_here_seconds: float
    away: tuple[tuple[str, AwayPolicy], ...]
