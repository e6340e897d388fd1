"""Explanations: the whole chain in its order, and advice that would help."""

from dataclasses import replace

import pytest
from hypothesis import given
from tests.unit.access.policy.policies import actions, callers, policies, targets

from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.decide import decide
from mcp_gateway.access.policy.explain import Circumstances, explain, parse_column
from mcp_gateway.access.policy.model import ACTIONS, Action, Policy, RowFilter, Rule, Target
from mcp_gateway.access.policy.own_tools import parse_tool
from mcp_gateway.core.identity import Caller

RULES = (
    Rule(id="no-payroll", effect="deny", actions=frozenset(ACTIONS), tables=("payroll",), note="HR only"),
    Rule(id="z", effect="deny", actions=frozenset({"call_tool"}), owner="acme", tenants=frozenset({"acme"}), tools=("drop_*",)),
)
EU = RowFilter(id="eu", tables=("orders",), column="region", operator="=", value="EU")
POLICY = build_policy(Statements(rules=RULES, row_filters=(EU,)))


def caller(*roles: str, scopes: frozenset[str] | None = None) -> Caller:
    return Caller(tenant="acme", subject="alice", roles=frozenset(roles), scopes=scopes, issuer="entra")


@given(policies, callers, actions, targets)
def test_it_tells_every_step_in_order_and_what_was_decided(policy: Policy, who: Caller, action: Action, target: Target) -> None:
    explained = explain(policy, who, action, target)
    steps = [link.step for link in explained.chain]
    assert steps == ["token", "tenant", "role", "scope", "rule", "server_health", "name"]
    assert explained.allowed == explained.works == decide(policy, who, action, target).allowed
    assert bool(explained.advice) == (not explained.works)


@pytest.mark.parametrize(
    ("who", "action", "target", "advice"),
    [
        (
            caller("analyst"),
            "ask",
            Target(table="payroll"),
            'no-payroll, in ACCESS_FILE; no allow wins over it. It says: "HR only"',
        ),
        (caller("operator"), "call_tool", Target(tool="drop_all"), "Change the rule z, stored by tenant acme"),
        (caller("viewer"), "ask", Target(), "Give alice one of the roles that allow it (admin, analyst)"),
        (caller("analyst", scopes=frozenset({"gateway.read"})), "ask", Target(), "Ask for a token with the scope gateway.ask"),
    ],
)
def test_it_says_what_would_help(who: Caller, action: Action, target: Target, advice: str) -> None:
    explained = explain(POLICY, who, action, target)
    assert not explained.works
    assert advice in " ".join(explained.advice)


def test_what_stands_in_the_way_after_the_policy_is_told_too() -> None:
    target = parse_tool("crm.list_contacts")
    down = Circumstances(server_state="down", server_detail="connection refused", name_state="known")
    explained = explain(POLICY, caller("operator"), "call_tool", target, down)
    assert (explained.allowed, explained.works, explained.reason) == (True, False, "crm: connection refused")
    assert explained.advice == ("Start the server crm, or look at /api/health for what is wrong with it.",)
    hidden = explain(POLICY, caller("operator"), "call_tool", target, Circumstances(name_state="hidden", name_rule="n1"))
    assert (hidden.works, hidden.chain[-1].rule) == (False, "n1")
    unknown = explain(POLICY, caller("operator"), "call_tool", target, Circumstances(name_state="unknown"))
    assert unknown.reason == "crm.list_contacts: there is no such name here"


def test_a_refused_token_comes_first_and_nothing_else_is_advised() -> None:
    explained = explain(POLICY, caller(), "ask", Target(), Circumstances(token_refusal="expired at 12:00"))
    assert (explained.works, explained.reason) == (False, "expired at 12:00")
    assert explained.advice == ("Get a token that is accepted: `mcp-gateway auth doctor` says what is wrong with this one.",)


def test_row_filters_of_the_table_are_named() -> None:
    assert explain(POLICY, caller("analyst"), "ask", Target(table="Orders")).row_filters == ("eu",)
    assert explain(POLICY, caller("analyst"), "ask").row_filters == ()


def test_names_are_read_as_people_write_them() -> None:
    assert parse_tool("ask") == Target(server="gateway", tool="ask")
    assert parse_tool("a.b.c") == Target(server="a", tool="b.c")
    assert parse_column("sales.orders.total") == Target(table="sales.orders", column="total")
    assert parse_column("orders") == Target(table="orders")


@pytest.mark.parametrize(("state", "said"), [("unresolved", "nobody is asked"), ("unreachable", "does not say them now")])
def test_groups_that_did_not_fit_into_the_token_are_named_as_what_is_missing(state: str, said: str) -> None:
    explained = explain(POLICY, replace(caller(), attributes={"groups_overage": state}), "ask")
    assert said in explained.chain[0].detail
    assert "graph: true" in explained.advice[-1]
    resolved = explain(POLICY, replace(caller("analyst"), attributes={"groups_overage": "resolved"}), "ask")
    assert (resolved.chain[0].detail, resolved.advice) == ("subject alice from entra", ())
