"""Which rights a policy gives: computed once, shared by callers of a role, closed where anything is unclear."""

from dataclasses import replace

import pytest

from mcp_gateway.access.data.model import NO_ROWS, DataRights
from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.access.data.row_limits import condition, limit_for
from mcp_gateway.access.errors import NotAllowed
from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.model import (
    ACTIONS,
    Action,
    CallerValue,
    Grant,
    Operator,
    Role,
    RowCondition,
    RowFilter,
    Rule,
    Scalar,
)
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema import Column, ColumnKind, DatabaseSchema, ForeignKey, Table

EVERY = frozenset(ACTIONS)
EVA = Caller(tenant="acme", subject="eva", roles=frozenset({"analyst"}), attributes={"region": "EU", "shoe": "38"})


def column(name: str, kind: ColumnKind = "text", type_: str = "VARCHAR") -> Column:
    return Column(name=name, type=type_, kind=kind, samples=("a", "b"), distinct_count=2, minimum="a", maximum="b")


def table(name: str, *columns: str, row_count: int = 9, keys: tuple[ForeignKey, ...] = ()) -> Table:
    return Table(
        name=name, columns=tuple(column(one) for one in columns), primary_key=columns[:1], row_count=row_count, foreign_keys=keys
    )


SCHEMA = DatabaseSchema(
    dialect="duckdb",
    version="v1",
    tables=(
        table("customers", "id", "name", "email"),
        table(
            "orders", "id", "customer_id", "region",
            keys=(ForeignKey(columns=("customer_id",), target_table="customers", target_columns=("id",)),),
        ),
        table("hr.salaries", "id", "pay"),
    ),
)  # fmt: skip


def policy_rights(*rules: Rule, filters: tuple[RowFilter, ...] = (), roles: tuple[Role, ...] = ()) -> PolicyRights:
    policy = build_policy(Statements(rules=rules, row_filters=filters, roles=roles))
    return PolicyRights(lambda: policy)


def deny(*, tables: tuple[str, ...] = (), columns: tuple[str, ...] = (), **about: object) -> Rule:
    return Rule(id="deny", effect="deny", actions=EVERY, tables=tables, columns=columns, **about)  # type: ignore[arg-type]


def found(rights: PolicyRights, caller: Caller = EVA, action: Action = "ask", server: str = "tables") -> DataRights:
    held = rights.rights(caller, action, SCHEMA, server=server)
    assert held is not None
    return held


def test_a_policy_that_says_nothing_of_data_withholds_nothing() -> None:
    for rights in (policy_rights(), policy_rights(Rule(id="x", effect="deny", actions=frozenset({"call_tool"}), tools=("*",)))):
        assert rights.is_silent
        assert rights.rights(EVA, "ask", SCHEMA) is None


def test_a_rule_about_others_withholds_nothing_from_this_caller() -> None:
    others = (deny(tables=("hr.*",), tenants=frozenset({"other"})), deny(columns=("*.email",), roles=frozenset({"developer"})))
    for rule in others:
        assert policy_rights(rule).rights(EVA, "ask", SCHEMA) is None


def test_hidden_tables_and_columns_leave_no_trace_in_the_schema() -> None:
    rights = found(policy_rights(deny(tables=("HR.*",)), replace(deny(columns=("customers.ID", "email")), id="two")))
    assert [one.name for one in rights.schema.tables] == ["customers", "orders"]
    customers, orders = rights.schema.tables
    assert [one.name for one in customers.columns] == ["name"]
    assert customers.primary_key == ()
    assert orders.foreign_keys == ()
    assert customers.row_count == 9
    assert rights.schema.version not in ("", SCHEMA.version)
    assert {"salaries", "hr.salaries", "pay", "email"} <= rights.withheld


def test_a_table_with_no_column_to_see_is_not_there() -> None:
    assert found(policy_rights(deny(columns=("customers.*",)))).find("customers") is None


def test_figures_of_a_table_with_limited_rows_are_blank() -> None:
    only = RowFilter(id="f", tables=("orders",), column="region", operator="=", value="EU")
    rights = found(policy_rights(filters=(only,)))
    orders = rights.schema.table("orders")
    assert orders is not None
    assert orders.row_count is None
    assert all((one.samples, one.distinct_count, one.minimum, one.maximum) == ((), None, None, None) for one in orders.columns)
    assert orders.foreign_keys


def test_a_role_may_be_given_some_tables_and_nothing_else() -> None:
    clerk = Role(name="clerk", allow=(Grant(actions=frozenset({"ask"}), tables=("ord*",)),))
    rights = policy_rights(roles=(clerk,))
    caller = replace(EVA, roles=frozenset({"clerk"}))
    assert list(found(rights, caller).tables) == ["orders"]
    with pytest.raises(NotAllowed):
        rights.rights(caller, "run_query", SCHEMA)
    assert rights.rights(EVA, "ask", SCHEMA) is None


def test_rules_that_name_a_server_or_a_tool_hold_for_it() -> None:
    by_server = policy_rights(deny(tables=("orders",), servers=("tables",)))
    assert found(by_server).find("orders") is None
    assert by_server.rights(EVA, "ask", SCHEMA, server="other") is None
    by_tool = policy_rights(deny(tables=("orders",), tools=("execute_*",)))
    assert found(by_tool, action="run_query").find("orders") is None
    assert by_tool.rights(EVA, "ask", SCHEMA) is None


def test_the_same_rights_are_the_same_object_and_one_role_shares_a_schema() -> None:
    own = RowFilter(id="f", tables=("orders",), column="region", operator="=", value=CallerValue(attribute="region"))
    rights = policy_rights(filters=(own,))
    first, again = found(rights), found(rights)
    other = found(rights, replace(EVA, subject="ben", attributes={"region": "US"}))
    assert first is again
    assert other is not first
    assert other.schema is first.schema
    assert first.tables["orders"].limits != other.tables["orders"].limits
    assert found(rights, replace(EVA, attributes={"region": "US"})).tables["orders"].limits == other.tables["orders"].limits


def test_a_filter_for_a_role_holds_for_every_role_that_extends_it() -> None:
    rows = RowFilter(id="f", tables=("orders",), column="region", operator="=", value="EU", roles=frozenset({"viewer"}))
    assert found(policy_rights(filters=(rows,))).limited == {"orders"}


def test_names_are_found_as_sql_means_them() -> None:
    schema = replace(SCHEMA, tables=(*SCHEMA.tables, table("Orders", "x"), table("a.items", "x"), table("b.items", "x")))
    rights = policy_rights(deny(columns=("customers.email",))).rights(EVA, "ask", schema)
    assert rights is not None

    def name_of(written: str) -> str | None:
        table_ = rights.find(written)
        return table_.name if table_ else None

    assert (name_of("orders"), name_of("Orders"), name_of("ORDERS")) == ("orders", "Orders", None)
    assert (name_of("main.customers"), name_of("PUBLIC.customers"), name_of("x.customers")) == ("customers", "customers", None)
    assert (name_of("salaries"), name_of("items"), name_of("a.items"), name_of("HR.Salaries")) == (
        "hr.salaries", None, "a.items", "hr.salaries",
    )  # fmt: skip
    assert (name_of("shop.main.customers"), name_of("main.hr.salaries"), name_of("")) == (None, None, None)


@pytest.mark.parametrize(
    ("kind", "type_", "operator", "value", "expected"),
    [
        ("text", "VARCHAR", "=", "EU", '"t"."c" = \'EU\''),
        ("text", "VARCHAR", "=", "E'U\\", "\"t\".\"c\" = 'E''U\\'"),
        ("text", "UUID", "=", "x", 'CAST("t"."c" AS TEXT) = \'x\''),
        ("text", "mood", "in", ("a", "b"), "CAST(\"t\".\"c\" AS TEXT) IN ('a', 'b')"),
        ("text", "TEXT", "not in", ("a",), 'NOT "t"."c" IN (\'a\')'),
        ("text", "TEXT", "=", 5, '"t"."c" = \'5\''),
        ("integer", "INTEGER", ">=", 5, '"t"."c" >= 5'),
        ("integer", "INTEGER", "=", "-12", '"t"."c" = -12'),
        ("integer", "INTEGER", "=", "+12", '"t"."c" = 12'),
        ("integer", "INTEGER", "=", "12; DROP", None),
        ("integer", "INTEGER", "=", "1 OR 1=1", None),
        ("integer", "INTEGER", "=", True, None),
        ("integer", "INTEGER", "=", "٣", None),
        ("number", "DECIMAL", "<", "1.50", '"t"."c" < 1.50'),
        ("number", "DOUBLE", "<", 1.5, '"t"."c" < 1.5'),
        ("number", "DOUBLE", "<", float("nan"), None),
        ("number", "DOUBLE", "<", float("inf"), None),
        ("boolean", "BOOLEAN", "=", "true", '"t"."c" = TRUE'),
        ("boolean", "BOOLEAN", "=", "yes", None),
        ("date", "DATE", ">", "2026-01-31", '"t"."c" > CAST(\'2026-01-31\' AS DATE)'),
        ("date", "DATE", ">", "2026-02-31", None),
        ("timestamp", "TIMESTAMP", ">", "2026-01-31T10:00", '"t"."c" > CAST(\'2026-01-31 10:00:00\' AS TIMESTAMP)'),
        ("timestamp", "TIMESTAMPTZ", ">", "2026-01-31", '"t"."c" > CAST(\'2026-01-31 00:00:00\' AS TIMESTAMPTZ)'),
        ("text", "TEXT", "=", None, None),
        ("text", "TEXT", "in", ("a", "\x00"), None),
        ("integer", "INTEGER", "in", (1, "x"), None),
        ("other", "JSON", "=", "x", None),
        ("other", "JSON", "is null", None, '"t"."c" IS NULL'),
        ("binary", "BLOB", "is not null", None, 'NOT "t"."c" IS NULL'),
    ],
)
def test_a_value_becomes_a_literal_that_fits_or_lets_no_row_through(
    kind: ColumnKind, type_: str, operator: Operator, value: Scalar | tuple[Scalar, ...] | None, expected: str | None
) -> None:
    about = Table(name="x", columns=(column("c", kind, type_),))
    limit = limit_for(RowCondition(filter_id="f", column="C", operator=operator, value=value), about)
    assert condition(limit, "t", "duckdb").sql(dialect="duckdb") == (expected or "1 = 0")


def test_a_missing_column_or_attribute_lets_no_row_through() -> None:
    about = Table(name="x", columns=(column("c"),))
    assert limit_for(RowCondition(filter_id="f", column="d", operator="is null", value=None), about) is NO_ROWS
    impossible = RowCondition(filter_id="f", column="c", operator="=", value=None, impossible=True)
    assert limit_for(impossible, about) is NO_ROWS
    unknown = RowFilter(id="f", tables=("orders",), column="region", operator="=", value=CallerValue(attribute="nothing"))
    assert found(policy_rights(filters=(unknown,))).tables["orders"].limits == (NO_ROWS,)
