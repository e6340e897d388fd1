"""The decision: its properties for any policy, and the words it says."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.access.policy.policies import (
    GRID,
    actions,
    callers,
    naively_allowed,
    policies,
    rules,
    statements,
    targets,
)

from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.decide import MAX_CALLERS, MAX_REMEMBERED, decide, decide_anew, may_reach
from mcp_gateway.access.policy.model import ACTIONS, Action, Policy, Role, Rule, Target
from mcp_gateway.access.policy.roles import BUILT_IN_ROLES, SCOPE_OF
from mcp_gateway.core.identity import LOCAL_CALLER, Caller

BUILT_IN = build_policy()


def caller(*roles: str, tenant: str = "acme", subject: str = "alice", scopes: frozenset[str] | None = None) -> Caller:
    return Caller(tenant=tenant, subject=subject, roles=frozenset(roles), scopes=scopes)


def with_rule(statements: Statements, rule: Rule) -> Policy:
    return build_policy(replace(statements, rules=(*statements.rules, rule)))


def allowed(policy: Policy, who: Caller) -> set[tuple[Action, Target]]:
    """Of all that can be asked, what this caller may do."""
    return {(action, target) for action, target in GRID if decide(policy, who, action, target).allowed}


@given(policies, callers)
def test_it_decides_as_the_naive_model_does(policy: Policy, who: Caller) -> None:
    assert allowed(policy, who) == {one for one in GRID if naively_allowed(policy, who, *one)}


@given(policies, callers, actions, targets)
def test_what_is_remembered_is_what_would_be_decided(policy: Policy, who: Caller, action: Action, target: Target) -> None:
    first = decide(policy, who, action, target)
    assert decide(policy, who, action, target) is first
    assert decide_anew(policy, who, action, target) == first


@given(statements(), rules(effect="deny", prefix="new"), callers)
def test_adding_a_deny_never_allows_more(held: Statements, deny: Rule, who: Caller) -> None:
    assert allowed(with_rule(held, deny), who) <= allowed(build_policy(held), who)


@given(statements(), rules(effect="allow", prefix="new"), callers)
def test_adding_an_allow_never_refuses_what_was_allowed(held: Statements, allow: Rule, who: Caller) -> None:
    assert allowed(with_rule(held, allow), who) >= allowed(build_policy(held), who)


@given(statements(), rules(tenants=["globex"], prefix="new"), callers)
def test_a_rule_of_one_tenant_changes_nothing_for_another(held: Statements, foreign: Rule, who: Caller) -> None:
    who = replace(who, tenant="acme")
    before, after = build_policy(held), with_rule(held, foreign)
    for action, target in GRID[::3]:
        assert decide(before, who, action, target) == decide(after, who, action, target)


@given(statements(), st.randoms(use_true_random=False), callers, actions, targets)
def test_the_order_rules_are_written_in_says_nothing(
    held: Statements, random: object, who: Caller, action: Action, target: Target
) -> None:
    shuffled = [list(held.roles), list(held.rules)]
    for one in shuffled:
        random.shuffle(one)  # type: ignore[attr-defined]  # Hypothesis types its Random loosely
    other = Statements(roles=tuple(shuffled[0]), rules=tuple(shuffled[1]))  # type: ignore[arg-type]  # what went in
    one, two = build_policy(held), build_policy(other)
    assert one.version == two.version
    assert decide(one, who, action, target) == decide(two, who, action, target)


@given(policies, callers)
def test_scopes_only_ever_narrow(policy: Policy, who: Caller) -> None:
    unscoped = replace(who, scopes=None)
    assert allowed(policy, who) <= allowed(policy, unscoped)
    for action, target in GRID[::3]:
        scoped = decide(policy, who, action, target)
        if scoped.allowed or not decide(policy, unscoped, action, target).allowed:
            assert scoped.scope == ""
            continue
        assert scoped.scope == SCOPE_OF[action]
        helped = replace(who, scopes=(who.scopes or frozenset()) | {scoped.scope})
        assert decide(policy, helped, action, target).allowed


@given(policies, callers, targets, st.text(max_size=12))
def test_nothing_but_the_listed_actions_is_ever_allowed(policy: Policy, who: Caller, target: Target, action: str) -> None:
    assume(action not in ACTIONS)
    for one in (who, LOCAL_CALLER):
        assert not decide(policy, one, action, target).allowed  # type: ignore[arg-type]  # that is the point


@given(policies, callers, actions, targets)
def test_the_chain_tells_the_same_as_the_decision(policy: Policy, who: Caller, action: Action, target: Target) -> None:
    decision = decide(policy, who, action, target)
    steps = {link.step: link for link in decision.chain}
    assert list(steps) == ["token", "tenant", "role", "scope", "rule"]
    assert decision.allowed == (steps["tenant"].passed and steps["scope"].passed and steps["rule"].passed)
    assert decision.reason in {link.detail for link in decision.chain}
    if decision.allowed:
        assert decision.rule


@pytest.mark.parametrize(
    ("role", "more"),
    [
        ("viewer", set()),
        ("analyst", {"ask", "run_query"}),
        ("operator", {"diagnose", "call_tool", "get_prompt", "see_metrics"}),
        ("developer", {"generate", "validate"}),
    ],
)
def test_a_built_in_role_may_do_what_a_viewer_may_and_its_own(role: str, more: set[str]) -> None:
    viewing = {"read_schema", "read_resource", "see_servers", "see_health", "see_limits"}
    assert {action for action in ACTIONS if decide(BUILT_IN, caller(role), action).allowed} == viewing | more


def test_an_administrator_may_do_everything_and_somebody_without_a_role_nothing() -> None:
    assert all(decide(BUILT_IN, caller("admin"), action).allowed for action in ACTIONS)
    assert not any(decide(BUILT_IN, caller(), action).allowed for action in ACTIONS)


@pytest.mark.parametrize("role", ["", "Admin", "admin ", "ADMIN", "admin\n", "*", "role:admin"])
def test_a_role_that_only_looks_like_one_grants_nothing_and_is_named(role: str) -> None:
    decision = decide(BUILT_IN, caller(role, "viewer"), "manage_access")
    assert not decision.allowed
    assert f"unknown here: {role}" in decision.chain[2].detail


def test_hundreds_of_unknown_roles_are_not_all_named() -> None:
    decision = decide(BUILT_IN, caller(*(f"group-{number:04}" * 10 for number in range(500))), "ask")
    assert "and 492 more" in decision.chain[2].detail
    assert len(decision.chain[2].detail) < 2_000


def test_a_caller_without_a_tenant_may_do_nothing() -> None:
    decision = decide(BUILT_IN, caller("admin", tenant=""), "see_health")
    assert (decision.allowed, decision.reason) == (False, "the token names no tenant")


def test_a_deny_says_its_name_and_wins_over_the_administrator() -> None:
    deny = Rule(id="no-payroll", effect="deny", actions=frozenset(ACTIONS), tables=("payroll",))
    decision = decide(build_policy(Statements(rules=(deny,))), caller("admin"), "ask", Target(table="PayRoll", column="x"))
    assert (decision.allowed, decision.rule) == (False, "no-payroll")
    assert decision.reason == "rule no-payroll denies ask on PayRoll.x"


def test_of_several_rules_the_smallest_id_is_named_whoever_wrote_it() -> None:
    everybodys = Rule(id="b", effect="deny", actions=frozenset(ACTIONS))
    own = frozenset({"acme"})
    policy = build_policy(Statements(rules=(everybodys, replace(everybodys, id="a", tenants=own), replace(everybodys, id="c"))))
    assert decide(policy, caller("admin"), "ask").rule == "a"
    assert decide(policy, caller("admin", tenant="globex"), "ask").rule == "b"


def test_a_missing_scope_is_not_asked_for_when_it_would_not_help() -> None:
    narrowed = frozenset({"gateway.read"})
    assert decide(BUILT_IN, caller("viewer", scopes=narrowed), "ask").scope == ""
    assert decide(BUILT_IN, caller("analyst", scopes=narrowed), "ask").scope == "gateway.ask"


def test_scopes_of_others_narrow_nothing() -> None:
    assert decide(BUILT_IN, caller("analyst", scopes=frozenset({"openid", "profile"})), "ask").allowed
    assert decide(BUILT_IN, caller("analyst", scopes=frozenset()), "ask").allowed
    assert not decide(BUILT_IN, caller("analyst", scopes=frozenset({"openid", "gateway.unknown"})), "ask").allowed


def test_a_rule_for_a_role_speaks_to_those_that_extend_it() -> None:
    deny = Rule(id="d", effect="deny", actions=frozenset(ACTIONS), roles=frozenset({"viewer"}), servers=("hr",))
    policy = build_policy(Statements(roles=(Role(name="lead", extends=("analyst",)),), rules=(deny,)))
    hr = Target(server="hr")
    assert not decide(policy, caller("lead"), "see_servers", hr).allowed
    assert decide(policy, caller("admin"), "see_servers", hr).allowed
    assert decide(policy, caller("lead"), "see_servers").allowed


def test_what_is_remembered_is_bounded_and_long_names_are_not() -> None:
    policy = build_policy()
    for number in range(MAX_REMEMBERED + 10):
        decide(policy, caller("viewer"), "read_schema", Target(table=f"t{number}"))
        assert len(policy.remembered) <= MAX_REMEMBERED
    count = len(policy.remembered)
    decide(policy, caller("viewer"), "read_schema", Target(table="t" * 10_000))
    assert len(policy.remembered) == count


def test_what_is_known_of_callers_is_bounded() -> None:
    policy = build_policy()
    for number in range(MAX_CALLERS + 10):
        decide_anew(policy, caller("viewer", subject=f"s{number}"), "read_schema")
        assert len(policy.callers) <= MAX_CALLERS


def test_two_callers_that_differ_in_anything_that_decides_are_not_mixed_up() -> None:
    policy = build_policy()
    assert decide(policy, caller("admin"), "read_audit").allowed
    # Equal as callers: the same tenant and subject, with another token.
    assert not decide(policy, caller("viewer"), "read_audit").allowed
    assert not decide(policy, caller("admin", scopes=frozenset({"gateway.read"})), "read_audit").allowed


def test_the_built_in_roles_are_the_ones_documented() -> None:
    assert [role.name for role in BUILT_IN_ROLES] == ["viewer", "analyst", "operator", "developer", "admin"]


@given(policies, callers)
def test_a_server_out_of_reach_holds_nothing_that_is_allowed_or_lacks_only_a_scope(policy: Policy, who: Caller) -> None:
    for action, target in GRID:
        decision = decide(policy, who, action, target)
        if decision.allowed or decision.scope:
            assert may_reach(policy, who, action, target.server)


def test_a_server_denied_as_a_whole_is_out_of_reach_and_one_denied_in_part_is_not() -> None:
    deny = Rule(id="no", effect="deny", actions=frozenset({"call_tool"}), servers=("hr",))
    part = replace(deny, id="some", servers=("tables",), tools=("execute_*",))
    policy = build_policy(Statements(rules=(deny, part)))

    assert not may_reach(policy, caller("admin"), "call_tool", "hr")
    assert may_reach(policy, caller("admin"), "call_tool", "tables")
    assert not may_reach(policy, caller(), "call_tool", "tables")
