"""One shape for files, requests and the store: it comes back as it went in, and every fault is named with its place."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.access.policy.policies import rules, statements

from mcp_gateway.access.errors import PolicyInvalid
from mcp_gateway.access.policy.bodies import MAX_BODY_CHARS, identity_of, kind_of, read_statement, to_text
from mcp_gateway.access.policy.build import Statements
from mcp_gateway.access.policy.model import (
    ABOUT_SERVERS,
    ABOUT_TABLES,
    OPERATORS,
    CallerValue,
    Grant,
    Role,
    RowFilter,
    Rule,
    Scalar,
)
from mcp_gateway.access.policy.ports import Kind
from mcp_gateway.core.errors import Json

RULE: dict[str, Json] = {"id": "r", "effect": "allow", "actions": ["ask"]}
MIXED: list[Json] = ["a", 1]
FILTER: dict[str, Json] = {"id": "f", "tables": ["orders"], "column": "region", "operator": "=", "value": "EU"}


def meant(grant: Grant | Rule) -> bool:
    """Whether it speaks of tables and of servers only where there are some."""
    about_tables = not (grant.tables or grant.columns) or grant.actions <= ABOUT_TABLES
    return about_tables and (not (grant.servers or grant.tools) or grant.actions <= ABOUT_SERVERS)


def sorted_patterns(rule: Rule, owner: str) -> Rule:
    return replace(
        rule,
        subjects=tuple(sorted(set(rule.subjects))),
        servers=tuple(sorted(set(rule.servers))),
        tools=tuple(sorted(set(rule.tools))),
        tables=tuple(sorted(set(rule.tables))),
        columns=tuple(sorted(set(rule.columns))),
        tenants=frozenset({owner}),
        owner=owner,
    )


@given(rules())
def test_a_rule_is_read_as_it_was_written(rule: Rule) -> None:
    if not meant(rule):
        rule = replace(rule, tables=(), columns=(), servers=(), tools=())
    stored = sorted_patterns(rule, "acme")
    assert read_statement("rule", to_text(stored), owner="acme") == stored


@given(statements())
def test_a_role_is_read_as_it_was_written(held: Statements) -> None:
    for role in held.roles:
        if all(map(meant, role.allow)):
            once = read_statement("role", to_text(role), owner="acme")
            assert isinstance(once, Role)
            assert (once.name, set(once.extends), once.tenant) == (role.name, set(role.extends), "acme")
            assert [one.actions for one in once.allow] == [one.actions for one in role.allow]
            assert [set(one.tables) for one in once.allow] == [set(one.tables) for one in role.allow]
            assert read_statement("role", to_text(once), owner="acme") == once


scalars = st.text(min_size=1, max_size=8).filter(str.isprintable) | st.booleans() | st.integers(-(10**15), 10**15)


@pytest.mark.parametrize("operator", OPERATORS)
@given(value=scalars, number=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_row_filter_is_read_as_it_was_written(operator: str, value: Scalar, number: float) -> None:
    one = RowFilter(
        id="f",
        tables=("a*", "b"),
        column="c",
        operator=operator,  # type: ignore[arg-type]  # one of them
        value=None if "null" in operator else (value,) if "in" in operator else value,
        tenants=frozenset({"acme"}),
        roles=frozenset({"viewer"}),
        note="why",
        owner="acme",
    )
    assert read_statement("row_filter", to_text(one), owner="acme") == one
    if operator in ("<", "="):
        assert read_statement("row_filter", to_text(replace(one, value=number)), owner="acme") == replace(one, value=number)


def test_a_value_may_be_the_callers() -> None:
    read = read_statement("row_filter", json.dumps({**FILTER, "value": {"caller": "region"}}), owner="acme")
    assert isinstance(read, RowFilter)
    assert read.value == CallerValue(attribute="region")
    assert (kind_of(read), identity_of(read)) == ("row_filter", "f")


@pytest.mark.parametrize(
    ("kind", "body", "fault"),
    [
        ("rule", {}, "rule: id: is missing"),
        ("rule", {"id": "r"}, "effect: is missing"),
        ("rule", {**RULE, "effect": "perhaps"}, "effect: "),
        ("rule", {"id": "r", "effect": "allow"}, "actions: is missing"),
        ("rule", {**RULE, "actions": []}, "actions: is empty"),
        ("rule", {**RULE, "actions": ["aks"]}, "'aks' is not an action. Did you mean ask?"),
        ("rule", {**RULE, "actions": ["*"]}, "'*' is not an action"),
        ("rule", {**RULE, "actions": "ask"}, "actions: must be a list"),
        ("rule", {**RULE, "action": ["ask"]}, "action: is not a known key. Did you mean actions?"),
        ("rule", {**RULE, "Effect": "deny"}, "Effect: is not a known key"),
        ("rule", {**RULE, "id": "no spaces"}, "id: is not a usable name"),
        ("rule", {**RULE, "id": "x" * 65}, "id: is not a usable name"),
        ("rule", {**RULE, "roles": ["ana*"]}, "roles: has a pattern"),
        ("rule", {**RULE, "roles": []}, "roles: is empty"),
        ("rule", {**RULE, "tables": [1]}, "tables[0]: must be text"),
        ("rule", {**RULE, "tables": ["x" * 300]}, "tables: has a pattern over 256"),
        ("rule", {**RULE, "columns": ["customers."]}, "columns: ends in a dot"),
        ("rule", {**RULE, "tenants": ["globex"]}, "tenants: names another tenant"),
        ("rule", {**RULE, "tenants": ["acme", "globex"]}, "tenants: names another tenant"),
        ("rule", {**RULE, "actions": ["call_tool", "ask"], "tables": ["t"]}, "tables: means nothing for call_tool"),
        ("rule", {**RULE, "effect": "deny", "actions": ["call_tool"], "columns": ["c"]}, "columns: means nothing for call_tool"),
        ("rule", {**RULE, "actions": ["ask", "read_audit"], "servers": ["hr"]}, "servers: means nothing for read_audit"),
        ("rule", {**RULE, "effect": "deny", "actions": ["see_metrics"], "tools": ["x"]}, "tools: means nothing for see_metrics"),
        ("rule", {**RULE, "note": "two\nlines"}, "note: has a line break"),
        ("rule", [RULE], "must be a mapping"),
        ("rule", "text", "must be a mapping"),
        ("role", {"name": "r", "allow": [{"actions": ["ask"], "rows": 1}]}, "allow[0].rows: is not a known key"),
        ("role", {"name": "r", "allow": {"actions": ["ask"]}}, "allow: must be a list"),
        ("role", {"name": "r", "allow": [{}]}, "allow[0].actions: is missing"),
        ("role", {"id": "r"}, "name: is missing"),
        ("row_filter", {**FILTER, "operator": "like"}, "operator: "),
        ("row_filter", {**FILTER, "operator": "in"}, "value: must be a list"),
        ("row_filter", {**FILTER, "operator": "in", "value": []}, "value: must be a list of 1 to"),
        ("row_filter", {**FILTER, "operator": "in", "value": MIXED}, "value: mixes"),
        ("row_filter", {**FILTER, "operator": "is null"}, "value: means nothing for is null"),
        ("row_filter", {**FILTER, "value": None}, "value: is missing"),
        ("row_filter", {**FILTER, "value": {"caller": "tenant"}, "operator": "<"}, "operator: is <"),
        ("row_filter", {**FILTER, "value": {"calller": "tenant"}}, "value.calller: is not a known key"),
        ("row_filter", {**FILTER, "value": {"sql": "1=1"}}, "value.sql: is not a known key"),
        ("row_filter", {**FILTER, "column": "orders.region"}, "column: is not one column's name"),
        ("row_filter", {**FILTER, "tables": []}, "tables: is empty"),
    ],
)
def test_each_fault_is_named_with_its_place(kind: Kind, body: Json, fault: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        read_statement(kind, json.dumps(body), owner="acme")
    assert fault in caught.value.message


def test_a_deny_may_be_about_more_than_its_patterns_fit() -> None:
    for actions in (["ask", "call_tool"], None):
        body = {"id": "r", "effect": "deny", "tables": ["t"], "servers": ["s"], **({"actions": actions} if actions else {})}
        assert isinstance(read_statement("rule", json.dumps(body), owner="acme"), Rule)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        read_statement("rule", '{"effect":"no","actions":["x"],"extra":1}', owner="acme")
    faults = caught.value.data["faults"]
    assert isinstance(faults, list)
    assert len(faults) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{} {}",
        "NaN",
        '{"id": "r", "id": "s"}',
        '{"id": "\ud800", "effect": "deny"}',
        "[" * 100_000,
        '{"a":' * 50 + "1" + "}" * 50,
        json.dumps({**RULE, "note": "x" * MAX_BODY_CHARS}),
        '{"id": "r", "effect": "deny", "note": "\\u0000"}',
    ],
)
def test_hostile_text_is_refused_and_nothing_worse(text: str) -> None:
    with pytest.raises(PolicyInvalid):
        read_statement("rule", text, owner="acme")


def test_a_request_never_reads_the_environment() -> None:
    read = read_statement("rule", json.dumps({**RULE, "note": "${HOME} ${X:-y} $$"}), owner="acme")
    assert isinstance(read, Rule)
    assert read.note == "${HOME} ${X:-y} $$"
