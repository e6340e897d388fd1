"""What the limiter reports: decisions, refusals by rule, calls near a limit, verdicts of shadow rules, decisions without the
store.
"""

from mcp_gateway.kit.figures import Counter, Figures, Metric
from mcp_gateway.kit.limits.model import Decision
from mcp_gateway.kit.limits.plans import Plan

DECISIONS = Metric(
    name="limit_decisions",
    help="Decisions of the rate limiter; decided by the store, here (a remembered refusal) or a policy.",
    kind="counter",
    labels=("outcome", "decided_by", "tenant"),
)
REFUSALS = Metric(name="limit_refusals", help="Refusals by rule, asked of the store.", kind="counter", labels=("rule", "tenant"))
NEAR = Metric(name="limit_near", help="Calls let through above 0.8 of a rule's limit.", kind="counter", labels=("rule",))
SHADOW = Metric(
    name="limit_shadow_refusals",
    help="Calls let through that a rule in shadow would have refused.",
    kind="counter",
    labels=("rule",),
)
AWAY = Metric(
    name="limit_away",
    help="Decisions without the store, by the strictest policy that applied.",
    kind="counter",
    labels=("policy",),
)
LEASES = Metric(
    name="limit_leases",
    help="Places for calls under way: given, refused, lost (lapsed while held).",
    kind="counter",
    labels=("outcome",),
)
RULES_REVISION = Metric(
    name="limit_rules_revision", help="Revision of the stored rules in force; 0 when none are stored.", kind="gauge"
)
RULES_UNREAD = Metric(
    name="limit_rules_unread", help="Readings of the stored rules that failed; the last good ones stay.", kind="counter"
)


class Tallies:
    """Turns decisions into figures. Frequent ones are counted in plans and folded in now and then; the rest at once."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._bound: dict[tuple[str, ...], Counter] = {}

    def fold(self, plan: Plan) -> None:
        if plan.allowed:
            self._count(DECISIONS, outcome="allowed", decided_by="store", tenant=plan.tenant).add(plan.allowed)
            plan.allowed = 0
        if plan.refused_here:
            self._count(DECISIONS, outcome="refused", decided_by="here", tenant=plan.tenant).add(plan.refused_here)
            plan.refused_here = 0
            plan.told_until = 0.0  # the next one counts from zero again, and has itself reported

    def refused(self, plan: Plan, decision: Decision) -> None:
        self._figures.counter(DECISIONS, outcome="refused", decided_by="store", tenant=plan.tenant).add()
        for name in decision.refused_by:
            self._figures.counter(REFUSALS, rule=name, tenant=plan.tenant).add()

    def close_look(self, plan: Plan, outcome: list[int]) -> None:
        """Some rule of an admitted call is near its limit, or one in shadow refused: say which."""
        for index, rule in enumerate(plan.rules):
            remaining, _, retry = outcome[1 + 3 * index : 4 + 3 * index]
            if rule.shadow and retry:
                self._count(SHADOW, rule=rule.name).add()
            elif remaining < plan.near[index]:
                self._count(NEAR, rule=rule.name).add()

    def away(self, plan: Plan, decision: Decision) -> None:
        outcome = "allowed" if decision.allowed else "refused"
        self._figures.counter(DECISIONS, outcome=outcome, decided_by="policy", tenant=plan.tenant).add()
        self._count(AWAY, policy=decision.degraded or "open").add()

    def lease(self, outcome: str) -> None:
        self._count(LEASES, outcome=outcome).add()

    def rules_read(self, revision: int) -> None:
        self._figures.gauge(RULES_REVISION).set(revision)

    def rules_unread(self) -> None:
        self._count(RULES_UNREAD).add()

    def _count(self, metric: Metric, **labels: str) -> Counter:
        """Kept only when the labels are few: the sink bounds tenants, this table would not."""
        if "tenant" in labels:
            return self._figures.counter(metric, **labels)
        name = (metric.name, *labels.values())
        found = self._bound.get(name)
        if found is None:
            found = self._bound[name] = self._figures.counter(metric, **labels)
        return found
