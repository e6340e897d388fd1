"""Scopes a program may have: those that exist, and those its person has a use for."""

from typing import get_args

import pytest

from mcp_gateway.access.oauth.errors import OAuthRefused
from mcp_gateway.access.oauth.scopes import USUAL, WORDS, grantable, read_scopes
from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.model import Action, Grant, Role, Rule
from mcp_gateway.access.policy.roles import SCOPE_OF, SCOPES
from mcp_gateway.core.identity import Caller


def caller(*roles: str, scopes: frozenset[str] | None = None) -> Caller:
    return Caller(tenant="acme", subject="ada", roles=frozenset(roles), scopes=scopes)


def given(who: Caller, *statements: Role | Rule) -> set[str]:
    roles = tuple(one for one in statements if isinstance(one, Role))
    rules = tuple(one for one in statements if isinstance(one, Rule))
    return set(grantable(build_policy(Statements(roles=roles, rules=rules)), who, SCOPES))


def test_each_scope_has_words_for_the_page_and_each_action_a_scope() -> None:
    assert set(WORDS) == set(SCOPES)
    assert set(SCOPE_OF) == set(get_args(Action))


@pytest.mark.parametrize("text", [None, "", "openid", "openid profile email offline_access"])
def test_whoever_names_none_of_ours_gets_the_usual_ones(text: str | None) -> None:
    assert read_scopes(text) == USUAL
    assert "gateway.admin" not in USUAL


def test_scopes_are_read_in_one_order_and_once() -> None:
    assert read_scopes("gateway.ask  gateway.read gateway.ask offline_access") == ("gateway.read", "gateway.ask")


@pytest.mark.parametrize(
    "text", ["gateway.everything", "GATEWAY.READ", "gateway.read,gateway.ask", "gateway.read\u00a0x", "x" * 2_000]
)
def test_other_scopes_are_refused(text: str) -> None:
    with pytest.raises(OAuthRefused) as refused:
        read_scopes(text)
    assert refused.value.error == "invalid_scope"


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("viewer", {"gateway.read"}),
        ("analyst", {"gateway.read", "gateway.ask"}),
        ("operator", {"gateway.read", "gateway.call", "gateway.operate"}),
        ("developer", {"gateway.read", "gateway.operate"}),
        ("admin", set(SCOPES)),
        ("unknown", set()),
    ],
)
def test_a_role_has_a_use_for_its_scopes_alone(role: str, expected: set[str]) -> None:
    assert given(caller(role)) == expected


def test_a_right_to_one_tool_is_a_use_for_its_scope() -> None:
    helper = Role(name="helper", allow=(Grant(actions=frozenset({"call_tool"}), servers=("crm",), tools=("find_*",)),))
    assert given(caller("helper"), helper) == {"gateway.call"}


def test_a_rule_that_allows_is_a_use_and_one_that_denies_is_none() -> None:
    allow = Rule(id="a", effect="allow", actions=frozenset({"ask"}), subjects=("ada",))
    deny = Rule(id="d", effect="deny", actions=frozenset({"read_audit"}), subjects=("ada",))
    assert given(caller(), allow, deny) == {"gateway.ask"}
    assert given(caller(), deny) == set()


def test_who_is_narrowed_gives_no_more_than_that() -> None:
    assert given(caller("admin", scopes=frozenset({"gateway.ask", "profile"}))) == {"gateway.ask"}
    assert given(caller("admin", scopes=frozenset({"profile"}))) == set(SCOPES)
