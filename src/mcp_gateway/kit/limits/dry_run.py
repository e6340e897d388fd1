"""What rules would have done to recorded traffic. Decides in memory, by the recording's own times; touches no counts in use."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.limits.memory import MemoryLimitStore
from mcp_gateway.kit.limits.plans import Plan, PlanTable
from mcp_gateway.kit.limits.rules import RuleSet
from mcp_gateway.kit.limits.traffic import RecordedCall

MAX_NAMED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleTrial:
    """One rule over the recording. `peak_share`: the largest part of the limit in use, 0 to 1. `first_refusal_at`: None for
    never.

    `hardest_hit`: tenants with the most refusals by this rule, most first, at most `MAX_NAMED`.
    """

    name: str
    refused: int
    near: int
    peak_share: float
    first_refusal_at: float | None
    hardest_hit: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DryRun:
    """`calls` were judged; `refused` of them by the enforced rules. Rules in shadow are tried as if they were enforced."""

    calls: int
    refused: int
    seconds: float
    rules: tuple[RuleTrial, ...]


class _Trial:
    def __init__(self) -> None:
        self.tenants: Counter[str] = Counter()
        self.near = 0
        self.peak = 0.0
        self.first: float | None = None


def dry_run(rules: RuleSet, traffic: Iterable[RecordedCall]) -> DryRun:
    """Judge every call in order; a call refused here has cost nothing, as it would have been."""
    enforced = replace(rules, rules=tuple(replace(rule, shadow=False) for rule in rules.rules))
    table = PlanTable(enforced, capacity=100_000, dropped=lambda plan: None)
    clock = FixedClock(datetime.fromtimestamp(0, UTC))
    store = MemoryLimitStore(clock=clock, capacity=1_000_000)
    trials: dict[str, _Trial] = {rule.name: _Trial() for rule in enforced.rules}
    start = end = None
    calls = refused = 0
    for call in traffic:
        start = call.at if start is None else start
        end = call.at
        clock.advance(max(0.0, call.at - start - clock.monotonic()))
        plan = table.plan(call.tenant, call.subject, call.operation)
        calls += 1
        refused += _judge(store, plan, call, trials)
    return DryRun(
        calls=calls,
        refused=refused,
        seconds=(end or 0.0) - (start or 0.0),
        rules=tuple(_summed(name, trial) for name, trial in trials.items()),
    )


def _judge(store: MemoryLimitStore, plan: Plan, call: RecordedCall, trials: dict[str, _Trial]) -> bool:
    above = [rule for rule in plan.rules if call.cost > rule.most_at_once]
    for rule in above:
        _note_refusal(trials[rule.name], call)
    if above:
        return True
    outcome = store.take(plan, call.cost)
    for index, rule in enumerate(plan.rules):
        remaining, _, retry = outcome[1 + 3 * index : 4 + 3 * index]
        trial = trials[rule.name]
        trial.peak = max(trial.peak, 1.0 if retry else 1.0 - remaining / rule.most_at_once)
        if retry:
            _note_refusal(trial, call)
        elif not outcome[0] and remaining < plan.near[index]:
            trial.near += 1
    return bool(outcome[0])


def _note_refusal(trial: _Trial, call: RecordedCall) -> None:
    trial.tenants[call.tenant] += 1
    trial.first = call.at if trial.first is None else trial.first


def _summed(name: str, trial: _Trial) -> RuleTrial:
    return RuleTrial(
        name=name,
        refused=trial.tenants.total(),
        near=trial.near,
        peak_share=trial.peak,
        first_refusal_at=trial.first,
        hardest_hit=tuple(trial.tenants.most_common(MAX_NAMED)),
    )
