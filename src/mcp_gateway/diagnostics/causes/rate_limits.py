"""Who is refused, and why: one tenant who asks for more, a rule that allows less, or counters that never go away."""

from collections.abc import Mapping

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import both, either, larger, neither, rose
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

DECISIONS = "gateway.limit_decisions_total"
# A tenant who causes this share of the refusals is the only one concerned; below the other, no single one is.
ONE = 0.8
# His demand against what is usual for him.
MORE = 2.0
PREFIX = "rate_limit"
# Keys that never expire are usual in small numbers: rules, configuration. So many more within one window are a leak.
LEAST_KEYS = 20
WITHOUT = "redis.sampled_without_ttl_share"
# The limiter's keys must be at least this share of those that came.
OWN_SHARE = 0.3


def keys_without_ttl(window: Window) -> Hypothesis:
    """A counting key that never expires is a writer's mistake; there is one more for each new window, tenant and operation."""
    case = Case(window, "limiter_keys_without_ttl", "limiter", "Counting keys of the limiter never expire")
    grown = window.change("redis.keys_without_ttl")
    usual = window.baseline("redis.keys_without_ttl", of="change") or 0.0
    case.must(
        None if grown is None else grown >= LEAST_KEYS and grown > 3 * max(usual, 0.0),
        sign("redis.keys_without_ttl"),
        but="Keys without a time to live do not become more.",
    )
    shares = {label: window.value(WITHOUT, prefix=label) or 0.0 for label in window.labels(WITHOUT, "prefix")}
    worst = max((one for one in shares if one.startswith(PREFIX)), key=lambda one: (shares[one], one), default="")
    least = max(0.02, _most_elsewhere(window) * 0.5)
    case.must(
        _limiters_own(window, grown, shares) and shares[worst] > least if worst else False if shares else None,
        *(sign(WITHOUT, prefix=one) for one in sorted(shares, key=lambda one: -shares[one])[:2]),
        but="The keys that do not expire are not the limiter's.",
    )
    case.may(larger(window, "redis.used_memory_bytes", factor=1.02), sign("redis.used_memory_bytes"))
    return case.concluded(
        "Keys without a time to live grow, and the sample finds them among the limiter's: their writer sets none."
    )


def tenant_flood(window: Window) -> Hypothesis:
    """Refusals of one tenant, whose own demand rose: the limiter does its work."""
    tenant, share = _most_refused(window)
    case = Case(
        window, "tenant_flood", f"tenant {tenant}" if tenant else "tenants", "One tenant asks for far more than his limit"
    )
    _refused_more(case, window)
    case.must(
        share is None or share >= ONE, sign(DECISIONS, outcome="refused", tenant=tenant), but="Many tenants are refused alike."
    )
    case.must(
        rose(window, DECISIONS, factor=MORE, least=10, tenant=tenant) if tenant else None,
        sign(DECISIONS, tenant=tenant),
        but="The refused tenant asks for no more than usual.",
    )
    case.may(_unchanged(window, "gateway.limit_rules_revision"), sign("gateway.limit_rules_revision"))
    return case.concluded(
        "Nearly all refusals are one tenant's, and he asks for more than twice what is usual; the rules are as they were."
    )


def limit_too_low(window: Window) -> Hypothesis:
    """Refusals of many whose demand did not rise: what changed is the rule."""
    rule = next(iter(window.by("gateway.limit_refusals_total", "rule")), "")
    case = Case(window, "limit_too_low", f"rule {rule}" if rule else "rules", "A limit is lower than ordinary traffic")
    _refused_more(case, window)
    _, share = _most_refused(window)
    case.must(
        None if share is None else share < ONE, sign("gateway.limit_refusals_total", rule=rule), but="Only one tenant is refused."
    )
    ratio = window.ratio(DECISIONS)
    case.must(None if ratio is None else ratio < MORE, sign(DECISIONS), but="All together ask for far more than usual.")
    changed = _unchanged(window, "gateway.limit_rules_revision")
    case.may(None if changed is None else not changed, sign("gateway.limit_rules_revision"))
    case.may(
        rose(window, "gateway.limit_refusals_total", rule=rule) if rule else None, sign("gateway.limit_refusals_total", rule=rule)
    )
    case.must(
        neither(rose(window, "gateway.limit_away_total", least=5)),
        sign("gateway.limit_away_total"),
        but="The store is away, and each replica decides by its share of the limit.",
    )
    return case.concluded("Many tenants who ask for no more than usual are refused at once, by one rule.")


def _refused_more(case: Case, window: Window) -> None:
    refused = either(rose(window, DECISIONS, outcome="refused"), rose(window, "gateway.limit_refusals_total"))
    case.must(both(refused), sign(DECISIONS, outcome="refused"), but="No more is refused than usual.")


def _most_refused(window: Window) -> tuple[str, float | None]:
    """The tenant with most refusals and his share of them; None when nobody was refused."""
    by_tenant = window.by(DECISIONS, "tenant", of="change", outcome="refused")
    together = sum(by_tenant.values())
    tenant = next(iter(by_tenant), "")
    return tenant, by_tenant[tenant] / together if together else None


def _limiters_own(window: Window, grown: float | None, shares: Mapping[str, float]) -> bool:
    """Whether the limiter has keys enough to be those that came; True where keys are not counted by prefix."""
    counted = {one: window.value("redis.prefix_keys", prefix=one) for one in shares if one.startswith(PREFIX)}
    known = [keys * shares[one] for one, keys in counted.items() if keys is not None]
    return not known or grown is None or sum(known) >= OWN_SHARE * grown


def _most_elsewhere(window: Window) -> float:
    """The largest share of keys without a time to live of a prefix that is not the limiter's: those may be meant so."""
    labels = (label for label in window.labels(WITHOUT, "prefix") if not label.startswith(PREFIX))
    sampled = {label: window.value("redis.sampled_keys", prefix=label) or 0.0 for label in labels}
    return max(
        (window.value(WITHOUT, prefix=label) or 0.0 for label, n in sampled.items() if n >= 20),
        default=0.0,
    )


def _unchanged(window: Window, name: str) -> bool | None:
    now, usual = window.value(name), window.baseline(name)
    return None if now is None or usual is None else now == usual
