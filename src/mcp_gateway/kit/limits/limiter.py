"""`EnterpriseRateLimiter`: may this caller do this now? All rules of a call are decided together, in one round trip or none.

Knows no store and no web framework: stores implement `ports.py`, `headers.py` renders decisions. Does not queue or delay calls.
"""

import asyncio
from collections.abc import Mapping, Sequence
from operator import lt

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.errors import CostAboveLimit, InvalidRule, LimitsAway, RateLimited, StoreRefused, StoreUnavailable
from mcp_gateway.kit.figures import NO_FIGURES, Figures
from mcp_gateway.kit.limits.concurrency import Hold, Holds, places_of
from mcp_gateway.kit.limits.fallback import Fallback
from mcp_gateway.kit.limits.memory import MemoryLeaseStore, MemoryLimitStore
from mcp_gateway.kit.limits.model import Decision, Explanation, RememberedRefusal
from mcp_gateway.kit.limits.plans import NEVER_US, Outcome, Plan, PlanTable
from mcp_gateway.kit.limits.ports import LeaseStore, LimitStore
from mcp_gateway.kit.limits.rules import AwayPolicy, ConcurrencyRule, Kind, Rule, RuleSet
from mcp_gateway.kit.limits.tallies import Tallies
from mcp_gateway.kit.limits.traffic import TrafficRecorder

# The commonest outcomes are counted apart and brought into the figures so often.
REPORT_SECONDS = 1.0
# In a flood, refusals so close together are one decision; far below the millisecond that a wait is told in.
SAME_SECONDS = 0.0002


class EnterpriseRateLimiter:
    """Rate and concurrency limits per caller, tenant and for everybody.

    Without `store` and `leases` it counts in this process. One instance belongs to one event loop.
    """

    def __init__(  # noqa: PLR0913  (every part can be replaced)
        self,
        rules: RuleSet | Sequence[Rule | ConcurrencyRule] = (),
        *,
        store: LimitStore | None = None,
        leases: LeaseStore | None = None,
        clock: Clock | None = None,
        figures: Figures = NO_FIGURES,
        replicas: int = 1,
        when_away: Mapping[Kind, AwayPolicy] | None = None,
        remembered_callers: int = 20_000,
        recorder: TrafficRecorder | None = None,
    ) -> None:
        """`replicas`: how many processes share the limits; a local share is limit ÷ replicas.

        `when_away`: the policy without the store for reads and writes whose rules name none; default local and closed.
        `remembered_callers`: for how many callers × operations the matching rules and refusals are kept at hand.
        """
        if replicas < 1:
            raise InvalidRule("replicas must be at least 1.", field="replicas")
        clock = clock or SystemClock()
        self._clock = clock
        self._monotonic = clock.monotonic
        self._store: LimitStore = MemoryLimitStore(clock=clock) if store is None else store
        self._tallies = Tallies(figures)
        self._measured = figures is not NO_FIGURES
        self._reporting: asyncio.TimerHandle | None = None
        self._fallback = Fallback(clock=clock, replicas=replicas, policies=when_away or {}, capacity=remembered_callers)
        self._holds = Holds(
            MemoryLeaseStore(clock=clock) if leases is None else leases,
            fallback=self._fallback,
            tallies=self._tallies,
            clock=clock,
        )
        self._capacity = remembered_callers
        self._recorder = recorder
        self._table = self._new_table(_as_rule_set(rules))

    @property
    def rules(self) -> RuleSet:
        """The rules in force."""
        return self._table.rule_set

    def apply(self, rules: RuleSet) -> None:
        """Decide by these rules from the next call on. Counts stay, remembered refusals are forgotten."""
        self.report()
        self._table = self._new_table(rules)
        self._tallies.rules_read(rules.revision)

    def note_unread_rules(self) -> None:
        """The stored rules could not be read: count it; the rules in force stay."""
        self._tallies.rules_unread()

    def report(self) -> None:
        """Bring the figures up to date; decisions are counted apart for at most `REPORT_SECONDS` before that."""
        if self._reporting is not None:
            self._reporting.cancel()
            self._reporting = None
        for plan in self._table:
            self._tallies.fold(plan)

    async def decide(
        self, caller: Caller | str, operation: str, *, cost: int | None = None, kind: Kind | None = None
    ) -> Decision:
        """Charge the call to every rule that applies or, when one refuses, to none.

        `caller` may be a tenant's name alone. `cost`: None takes the operation's weight, 1 by default. `kind`: None follows the
        rule set. Never raises because of the store. Raises `CostAboveLimit` when no waiting would help, and `InvalidRule` for a
        cost that is not a whole number of at least 1.
        """
        if isinstance(caller, Caller):
            tenant, subject = caller.tenant, caller.subject
        else:
            tenant, subject = caller, ""
        plan = self._table.young.get((tenant, subject, operation)) or self._table.plan(tenant, subject, operation)
        if plan.told_until and cost is None and self._monotonic() < plan.told_until:
            plan.refused_here += 1
            return plan.told  # type: ignore[return-value]  # what `_tell` put there
        cost = plan.weight if cost is None else cost
        if self._recorder is not None:
            self._recorder.record(tenant, subject, operation, cost)
        if plan.refused_until:
            now = self._monotonic()
            if now < plan.refused_until and cost >= plan.refused_cost:
                return self._tell(plan, cost, now)
            if now >= plan.refused_until:
                plan.refused_until = 0.0
        if cost.__class__ is not int or not 0 < cost <= plan.ceiling:
            raise _bad_cost(plan, cost)
        try:
            taken = self._store.take(plan, cost)
            outcome = taken if isinstance(taken, list) else await taken
        except (StoreUnavailable, StoreRefused):
            return self._without_store(plan, cost, kind)
        if outcome[0]:
            return self._refused(plan, cost, outcome)
        if not plan.allowed:
            self._report_later()
        plan.allowed += 1
        if True in map(lt, outcome[1::3], plan.near):
            self._tallies.close_look(plan, outcome)
        return Decision(plan, outcome, cost)

    async def check_or_raise(
        self, caller: Caller | str, operation: str, *, cost: int | None = None, kind: Kind | None = None
    ) -> Decision:
        """As `decide`, but a refusal raises `RateLimited`, or `LimitsAway` when only the store's absence refused."""
        decision = await self.decide(caller, operation, cost=cost, kind=kind)
        if not decision.allowed:
            raise refusal(decision)
        return decision

    def hold(self, caller: Caller | str, operation: str, *, kind: Kind | None = None) -> Hold:
        """`async with limiter.hold(...)`: a place under every concurrency rule while the block runs.

        Entering raises `TooManyAtOnce`, or `LimitsAway` when the store is away and a rule is closed without it.
        """
        tenant, subject = _names(caller)
        rule_set = self._table.rule_set
        rules = rule_set.concurrency_for(tenant, operation)
        return Hold(self._holds, rules, places_of(rules, tenant, subject, operation), kind or rule_set.kind_of(operation))

    async def explain(self, caller: Caller | str, operation: str) -> Explanation:
        """Windows, used, remaining and reset of every rule, as they are now. Costs nothing, changes nothing.

        Raises `StoreUnavailable` or `StoreRefused`: an explanation is not guessed.
        """
        tenant, subject = _names(caller)
        plan = self._table.plan(tenant, subject, operation)
        looked = self._store.look(plan)
        outcome = looked if isinstance(looked, list) else await looked
        states = Decision(plan, outcome, 0)
        rules = self._table.rule_set.concurrency_for(tenant, operation)
        counted: list[Rule | ConcurrencyRule] = [*plan.rules, *rules]
        return Explanation(
            tenant=tenant,
            subject=subject,
            operation=operation,
            revision=plan.revision,
            weight=plan.weight,
            rules=states.rules + states.shadow,
            concurrency=await self._holds.states(rules, tenant, subject, operation),
            refused_here_seconds=max(0.0, plan.refused_until - self._monotonic()),
            away=tuple((rule.name, self._fallback.policy(rule, plan.kind)) for rule in counted),
        )

    def _tell(self, plan: Plan, cost: int, now: float) -> Decision:
        """The remembered refusal as of now; in a flood, calls at the usual cost within `SAME_SECONDS` are told the same."""
        told = RememberedRefusal(plan, cost, now - plan.refused_from)
        if not plan.refused_here:
            self._report_later()
        plan.refused_here += 1
        if cost == plan.weight and self._recorder is None:
            plan.told, plan.told_until = told, min(now + SAME_SECONDS, plan.refused_until)
        return told

    def _refused(self, plan: Plan, cost: int, outcome: Outcome) -> Decision:
        decision = Decision(plan, outcome, cost)
        plan.remember_refusal(outcome, cost, self._monotonic())
        self._tallies.refused(plan, decision)
        return decision

    def _report_later(self) -> None:
        if self._reporting is None and self._measured:
            self._reporting = asyncio.get_running_loop().call_later(REPORT_SECONDS, self.report)

    def _without_store(self, plan: Plan, cost: int, kind: Kind | None) -> Decision:
        decision = self._fallback.decide(plan, cost, kind or plan.kind)
        self._tallies.away(plan, decision)
        return decision

    def _new_table(self, rules: RuleSet) -> PlanTable:
        return PlanTable(rules, capacity=self._capacity, dropped=self._tallies.fold)


def refusal(decision: Decision) -> RateLimited | LimitsAway:
    """The error that says what a refused decision says; its data name the rules, never another tenant's figures."""
    shown = [name for state in decision.rules if state.refuses and state.rule.shown for name in (state.rule.name,)]
    kind = LimitsAway if decision.degraded == "closed" else RateLimited
    return kind(retry_after_seconds=decision.retry_after_seconds, violated_policies=list(shown), degraded=decision.degraded)


def _bad_cost(plan: Plan, cost: int) -> CostAboveLimit | InvalidRule:
    if cost.__class__ is not int or cost < 1:
        return InvalidRule("A call's cost is a whole number of at least 1.", field="cost")
    return CostAboveLimit(cost=cost, most_at_once=min(plan.ceiling, NEVER_US))


def _names(caller: Caller | str) -> tuple[str, str]:
    return (caller, "") if isinstance(caller, str) else (caller.tenant, caller.subject)


def _as_rule_set(rules: RuleSet | Sequence[Rule | ConcurrencyRule]) -> RuleSet:
    if isinstance(rules, RuleSet):
        return rules
    return RuleSet(
        rules=tuple(rule for rule in rules if isinstance(rule, Rule)),
        concurrency=tuple(rule for rule in rules if isinstance(rule, ConcurrencyRule)),
    )
