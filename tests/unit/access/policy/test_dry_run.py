"""Dry runs: who would lose or gain what."""

from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.dry_run import PastCall, dry_run
from mcp_gateway.access.policy.model import ACTIONS, Grant, Role, Rule, Target
from mcp_gateway.core.identity import Caller

EXECUTE = Target(server="tables", tool="execute_query")
LIST = Target(server="tables", tool="list_tables")
NO_EXECUTE = Rule(id="no-execute", effect="deny", actions=frozenset({"call_tool"}), tools=("execute_*",))
BEFORE = build_policy()


def caller(subject: str, *roles: str, tenant: str = "acme") -> Caller:
    return Caller(tenant=tenant, subject=subject, roles=frozenset(roles))


def test_past_calls_that_would_be_refused_are_counted_by_whoever_made_them() -> None:
    calls = [PastCall(caller=caller("alice", "operator"), action="call_tool", target=EXECUTE)] * 3
    calls += [PastCall(caller=caller("bob", "operator"), action="call_tool", target=EXECUTE, count=7)]
    calls += [PastCall(caller=caller("bob", "operator"), action="call_tool", target=LIST)]
    calls += [PastCall(caller=caller("eve", "operator", tenant="globex"), action="call_tool", target=EXECUTE)]
    run = dry_run(BEFORE, build_policy(Statements(rules=(NO_EXECUTE,))), calls, tenant="acme")
    assert [(one.subject, one.count, one.allowed, one.rule) for one in run.of_calls] == [
        ("bob", 7, False, "no-execute"),
        ("alice", 3, False, "no-execute"),
    ]
    assert run.compared_calls == 11


def test_the_same_person_with_other_roles_is_compared_by_these() -> None:
    calls = [PastCall(caller=caller("alice", role), action="ask") for role in ("viewer", "analyst", "viewer")]
    grant = Rule(id="all-ask", effect="allow", actions=frozenset({"ask"}))
    run = dry_run(BEFORE, build_policy(Statements(rules=(grant,))), calls, tenant="acme")
    assert [(one.roles, one.count, one.allowed) for one in run.of_calls] == [(("viewer",), 2, True)]


def test_without_past_calls_roles_are_compared_over_what_the_change_is_about() -> None:
    run = dry_run(BEFORE, build_policy(Statements(rules=(NO_EXECUTE,))), (), tenant="acme")
    assert [(one.roles, one.action, str(one.target), one.allowed) for one in run.of_roles] == [
        (("admin",), "call_tool", "execute_*", False),
        (("operator",), "call_tool", "execute_*", False),
    ]


def test_a_rule_about_a_column_is_shown_at_that_column_for_actions_on_tables() -> None:
    deny = Rule(id="pii", effect="deny", actions=frozenset(ACTIONS), roles=frozenset({"analyst"}), columns=("customers.email",))
    run = dry_run(BEFORE, build_policy(Statements(rules=(deny,))), (), tenant="acme")
    assert {(one.roles, one.action, str(one.target)) for one in run.of_roles} == {
        (("analyst",), action, "customers.email") for action in ("ask", "run_query", "read_schema")
    }


def test_a_rule_for_a_subject_is_told_with_the_subject() -> None:
    deny = Rule(id="night", effect="deny", actions=frozenset({"ask"}), subjects=("svc-*",))
    run = dry_run(BEFORE, build_policy(Statements(rules=(deny,))), (), tenant="acme")
    assert {(one.subject, one.roles) for one in run.of_roles} == {("svc-*", ("admin",)), ("svc-*", ("analyst",))}


def test_a_new_role_is_a_gain() -> None:
    lead = Role(name="lead", extends=("viewer",), allow=(Grant(actions=frozenset({"ask"}), tables=("orders*",)),))
    run = dry_run(BEFORE, build_policy(Statements(roles=(lead,))), (), tenant="acme")
    assert all(one.allowed and one.roles == ("lead",) for one in run.of_roles)
    assert ("ask", "orders*") in {(one.action, str(one.target)) for one in run.of_roles}


def test_another_tenants_rule_shifts_nothing_here() -> None:
    foreign = Rule(id="x", effect="deny", actions=frozenset(ACTIONS), tenants=frozenset({"globex"}))
    calls = [PastCall(caller=caller("eve", "admin", tenant="globex"), action="ask")]
    after = build_policy(Statements(rules=(foreign,)))
    run = dry_run(BEFORE, after, calls, tenant="acme")
    assert (run.of_calls, run.of_roles, run.compared_calls) == ((), (), 0)
    assert [one.subject for one in dry_run(BEFORE, after, calls, tenant=None).of_calls] == ["eve"]


def test_nothing_changed_shifts_nothing() -> None:
    calls = [PastCall(caller=caller("alice", "analyst"), action="ask")]
    run = dry_run(BEFORE, build_policy(), calls, tenant="acme")
    assert (run.of_calls, run.of_roles) == ((), ())
