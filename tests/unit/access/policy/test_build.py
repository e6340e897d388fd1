"""Building a policy: what cannot be meant is refused, and the version says what is in it."""

from dataclasses import replace

import pytest
from hypothesis import given
from tests.unit.access.policy.policies import statements

from mcp_gateway.access.errors import PolicyInvalid
from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.decide import decide
from mcp_gateway.access.policy.model import Action, Grant, Role, RowFilter, Rule
from mcp_gateway.core.identity import Caller

ASK: frozenset[Action] = frozenset({"ask"})


def rule(identity: str = "r", owner: str = "", **facts: frozenset[str]) -> Rule:
    return Rule(id=identity, effect="allow", actions=ASK, owner=owner, **facts)  # type: ignore[arg-type]  # names of a test


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (Statements(roles=(Role(name="a", extends=("b",)), Role(name="b", extends=("a",)))), "a extends itself: a → b → a"),
        (Statements(roles=(Role(name="a", extends=("a",)),)), "a extends itself: a → a"),
        (Statements(roles=(Role(name="a", extends=("analist",)),)), "The role a names the role analist, which is not defined"),
        (Statements(roles=(Role(name="admin"),)), "There already is a role admin"),
        (Statements(roles=(Role(name="a"), Role(name="a", tenant="acme"))), "There already is a role a"),
        (Statements(roles=(Role(name="viewer", tenant="acme"),)), "There already is a role viewer"),
        (Statements(rules=(rule(roles=frozenset({"typo"})),)), "The rule r names the role typo"),
        (Statements(rules=(rule(), rule())), "The id r stands twice"),
        (Statements(rules=(rule(owner="acme"),)), "The rule r must be about the tenant it belongs to"),
        (Statements(rules=(rule(owner="acme", tenants=frozenset({"acme", "globex"})),)), "must be about the tenant"),
        (Statements(rules=(replace(rule(), tables=("x" * 300,)),)), "A pattern cannot be used"),
        (Statements(row_filters=(RowFilter(id="f", tables=("t",), column="c", operator="=", roles=frozenset({"x"})),)), "role x"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(said: Statements, problem: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        build_policy(said)
    assert problem in caught.value.message


def test_a_chain_of_roles_that_never_ends_is_refused_before_it_costs_anything() -> None:
    chain = [Role(name="r0"), *(Role(name=f"r{number}", extends=(f"r{number - 1}",)) for number in range(1, 5_000))]
    with pytest.raises(PolicyInvalid, match="extended over 16 steps"):
        build_policy(Statements(roles=tuple(chain)))
    build_policy(Statements(roles=tuple(chain[:16])))


def test_a_typing_mistake_is_answered_with_the_name_that_was_meant() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        build_policy(Statements(rules=(rule(roles=frozenset({"analist"})),)))
    assert caught.value.hint == "Did you mean analyst?"


def test_a_role_may_be_extended_along_two_ways() -> None:
    diamond = (
        Role(name="left", extends=("viewer",)),
        Role(name="right", extends=("viewer",)),
        Role(name="top", extends=("left", "right"), allow=(Grant(actions=ASK),)),
    )
    policy = build_policy(Statements(roles=diamond))
    top = Caller(tenant="acme", subject="a", roles=frozenset({"top"}))
    assert decide(policy, top, "ask").rule == "role:top"
    assert decide(policy, top, "see_health").rule == "role:viewer"


def test_a_tenants_own_role_is_unknown_to_the_others() -> None:
    own = Role(name="lead", extends=("analyst",), tenant="acme")
    policy = build_policy(Statements(roles=(own, replace(own, tenant="globex", extends=("viewer",)))))
    lead = Caller(tenant="acme", subject="a", roles=frozenset({"lead"}))
    assert decide(policy, lead, "ask").allowed
    assert not decide(policy, replace(lead, tenant="globex"), "ask").allowed
    assert decide(policy, replace(lead, tenant="globex"), "see_health").allowed
    assert not decide(policy, replace(lead, tenant="initech"), "see_health").allowed


def test_a_tenants_role_may_extend_another_of_its_own() -> None:
    roles = (Role(name="a", extends=("analyst",), tenant="acme"), Role(name="b", extends=("a",), tenant="acme"))
    policy = build_policy(Statements(roles=roles))
    assert decide(policy, Caller(tenant="acme", subject="x", roles=frozenset({"b"})), "ask").rule == "role:analyst"
    with pytest.raises(PolicyInvalid, match="names the role a"):
        build_policy(Statements(roles=(roles[0], replace(roles[1], tenant="globex"))))


def test_a_rule_of_a_tenant_may_name_its_own_role_and_no_other_tenants() -> None:
    own = Role(name="lead", tenant="acme")
    build_policy(Statements(roles=(own,), rules=(rule(owner="acme", tenants=frozenset({"acme"}), roles=frozenset({"lead"})),)))
    with pytest.raises(PolicyInvalid):
        build_policy(
            Statements(roles=(own,), rules=(rule(owner="globex", tenants=frozenset({"globex"}), roles=frozenset({"lead"})),))
        )


@given(statements(), statements())
def test_versions_differ_exactly_when_what_is_said_does(one: Statements, two: Statements) -> None:
    same = set(one.roles) == set(two.roles) and set(one.rules) == set(two.rules)
    assert (build_policy(one).version == build_policy(two).version) == same


def test_statements_may_come_from_several_sources() -> None:
    one, two = Statements(rules=(rule("a"),)), Statements(rules=(rule("b"),))
    assert build_policy(one, two).version == build_policy(Statements(rules=(rule("b"), rule("a")))).version
