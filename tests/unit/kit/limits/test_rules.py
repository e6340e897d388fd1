"""Rules refuse at construction what could not be kept, and the most specific variant counts."""

from datetime import UTC, datetime, timedelta

import pytest

from mcp_gateway.kit.errors import InvalidRule
from mcp_gateway.kit.limits.plans import Plan
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule, RuleSet


def rule(**more: object) -> Rule:
    return Rule(**{"name": "tenant", "limit": 100, "window_seconds": 60, **more})  # type: ignore[arg-type]  # fields of a rule


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": 2_000_000_000},
        {"limit": 10**400},
        {"limit": 1.5},
        {"limit": "5"},
        {"window_seconds": "60"},
        {"buckets": 2.5},
        {"burst": 1.5, "algorithm": "gcra"},
        {"limit": 10_001, "algorithm": "exact"},
        {"limit": 2_000_000, "window_seconds": 1, "algorithm": "gcra"},
        {"window_seconds": 0},
        {"window_seconds": float("nan")},
        {"window_seconds": 1e9},
        {"buckets": 0},
        {"burst": 5},
        {"burst": 101, "algorithm": "gcra"},
        {"scope": "planet"},
        {"algorithm": "magic"},
        {"when_away": "perhaps"},
        {"name": "with space"},
        {"name": 'quote"'},
        {"name": ""},
        {"operations": ()},
        {"operations": ("a*b",)},
        {"tenants": ()},
        {"expires_at": datetime(2026, 11, 21)},  # noqa: DTZ001  (the missing zone is the point)
    ],
    ids=lambda wrong: str(wrong)[:60],
)
def test_what_cannot_be_kept_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRule):
        rule(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": 10**400},
        {"limit": 1.5},
        {"lease_seconds": 0},
        {"lease_seconds": float("nan")},
        {"expires_at": datetime(2026, 11, 21)},  # noqa: DTZ001  (the missing zone is the point)
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_concurrency_rule_that_cannot_be_kept_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRule):
        ConcurrencyRule(**{"name": "at-once", "limit": 5, **wrong})  # type: ignore[arg-type]  # fields of a rule


def test_variants_of_a_rule_share_its_scope_and_kind() -> None:
    with pytest.raises(InvalidRule):
        RuleSet(rules=(rule(), rule(scope="global")))
    with pytest.raises(InvalidRule):
        RuleSet(rules=(rule(),), concurrency=(ConcurrencyRule(name="tenant", limit=1),))


@pytest.mark.parametrize(
    ("tenant", "operation", "limit"),
    [
        ("acme", "ask", 1),
        ("acme", "list_x", 2),
        ("evil", "ask", 3),
        ("evil", "list_tables", 4),
        ("evil", "list_x", 5),
        ("evil", "z", 6),
    ],
)
def test_a_named_tenant_counts_before_a_named_operation_before_a_pattern(tenant: str, operation: str, limit: int) -> None:
    rules = RuleSet(
        rules=(
            rule(limit=4, operations=("list_tables",)),
            rule(limit=1, tenants=("acme",), operations=("ask",)),
            rule(limit=6),
            rule(limit=5, operations=("list_*",)),
            rule(limit=2, tenants=("acme",)),
            rule(limit=3, operations=("ask", "run")),
        )
    )
    assert [chosen.limit for chosen in rules.rules_for(tenant, operation)] == [limit]


def test_a_later_rule_overrides_one_that_is_as_specific() -> None:
    assert RuleSet(rules=(rule(),)).overlaid(RuleSet(rules=(rule(limit=7),))).rules_for("t", "o")[0].limit == 7


def test_an_override_ends_at_its_time() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    rules = RuleSet(rules=(rule(), rule(limit=7, expires_at=now + timedelta(seconds=1))))
    assert rules.without_expired(now).rules_for("t", "o")[0].limit == 7
    assert rules.without_expired(now + timedelta(seconds=1)).rules_for("t", "o")[0].limit == 100


def keys(tenant: str, subject: str = "s", operation: str = "ask", **more: object) -> tuple[str, ...]:
    return Plan(RuleSet(rules=(rule(**more),)), tenant, subject, operation).keys


def test_keys_say_whose_they_are_and_carry_the_tenant_as_their_cluster_tag() -> None:
    assert keys("acme") == ("rate_limit:{acme}:ask:tenant:w60",)
    assert keys("acme", scope="caller") == ("rate_limit:{acme}:ask:tenant:w60:s",)
    assert keys("acme", scope="global") == ("rate_limit:{*}:ask:tenant:w60",)
    assert keys("acme", each_operation=False) == ("rate_limit:{acme}:*:tenant:w60",)
    assert keys("acme", algorithm="gcra", window_seconds=0.5) == ("rate_limit:{acme}:ask:tenant:g0.5",)


@pytest.mark.parametrize("name", ["a:ask", "{b}", "*", "a\nb", "a%3Ab", "ä", "x" * 500, "}{", ""])
def test_no_name_reaches_another_key(name: str) -> None:
    (key,) = keys(name, scope="caller", subject=name, operation=name)
    assert key.count(":") == 5
    assert key.count("{") == key.count("}") == 1
    assert key.isascii()
    assert "*" not in key
    assert "\n" not in key
    assert len(key) < 500
    assert key != keys("other", scope="caller", subject=name, operation=name)[0]
