"""Which row filters hold for whom, and what they compare with."""

from collections.abc import Mapping

from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.model import CallerValue, RowCondition, RowFilter
from mcp_gateway.access.policy.row_filters import row_conditions
from mcp_gateway.core.identity import Caller

REGION = RowFilter(id="region", tables=("orders*",), column="region", operator="=", value="EU", roles=frozenset({"analyst"}))
OWN = RowFilter(id="own", tables=("*",), column="tenant", operator="=", value=CallerValue(attribute="tenant"))
BRANCH = RowFilter(
    id="branch",
    tables=("Staff",),
    column="branch",
    operator="!=",
    value=CallerValue(attribute="branch"),
    tenants=frozenset({"acme"}),
)
POLICY = build_policy(Statements(row_filters=(REGION, OWN, BRANCH)))


def caller(*roles: str, tenant: str = "acme", attributes: Mapping[str, str] | None = None) -> Caller:
    return Caller(tenant=tenant, subject="alice", roles=frozenset(roles), attributes=attributes or {})


def ids(who: Caller, table: str) -> list[str]:
    return [one.filter_id for one in row_conditions(POLICY, who, table)]


def test_a_filter_holds_for_its_tables_roles_and_tenants() -> None:
    assert ids(caller("analyst"), "orders_2024") == ["own", "region"]
    assert ids(caller("viewer"), "ORDERS") == ["own"]
    assert ids(caller("viewer"), "staff") == ["branch", "own"]
    assert ids(caller("viewer", tenant="globex"), "staff") == ["own"]


def test_a_value_of_the_caller_is_taken_from_this_caller() -> None:
    condition = RowCondition(filter_id="own", column="tenant", operator="=", value="globex")
    assert row_conditions(POLICY, caller("viewer", tenant="globex"), "x") == (condition,)


def test_a_caller_without_the_attribute_sees_no_row() -> None:
    branch, _ = row_conditions(POLICY, caller("viewer"), "staff")
    assert branch.impossible
    branch, _ = row_conditions(POLICY, caller("viewer", attributes={"branch": ""}), "staff")
    assert (branch.impossible, branch.value) == (False, "")


def test_an_attribute_cannot_stand_in_for_the_tenant() -> None:
    (own,) = row_conditions(POLICY, caller("viewer", attributes={"tenant": "globex", "subject": "x"}), "x")
    assert own.value == "acme"


def test_without_filters_every_row_may_be_seen() -> None:
    assert row_conditions(build_policy(), caller("viewer"), "orders") == ()
