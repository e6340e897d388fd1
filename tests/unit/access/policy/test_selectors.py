"""What rules are about: each case by itself, as docs/access/policy.md tells it."""

import pytest

from mcp_gateway.access.policy.selectors import compile_selector

# Patterns for tables and columns; a table and a column asked about; whether an allow covers it and a deny hits it.
CASES = [
    ([], [], "", "", True, True),
    ([], [], "orders", "total", True, True),
    # A table that is not named yet: an allow covers the question, a deny does not hit it.
    (["orders"], [], "", "", True, False),
    (["*"], [], "", "", True, False),
    ([], ["*"], "", "", True, False),
    ([], ["*.*"], "", "", True, False),
    # A column of nowhere is no question, and is not covered by what names tables.
    (["orders"], [], "", "total", False, False),
    ([], ["total"], "", "total", False, True),
    (["orders"], [], "Orders", "", True, True),
    (["orders"], [], "orders", "total", True, True),
    (["orders"], [], "orders2", "", False, False),
    (["orders*"], [], "orders2", "total", True, True),
    (["*.orders"], [], "sales.orders", "", True, True),
    # Columns: a table that has one which is allowed may be asked about; a deny of one leaves the table.
    ([], ["customers.email"], "customers", "", True, False),
    ([], ["customers.email"], "CUSTOMERS", "EMAIL", True, True),
    ([], ["customers.email"], "customers", "name", False, False),
    ([], ["customers.email"], "orders", "email", False, False),
    ([], ["customers.email"], "orders", "", False, False),
    ([], ["email"], "orders", "email", True, True),
    ([], ["sales.orders.*"], "sales.orders", "total", True, True),
    ([], ["sales.orders.*"], "orders", "total", False, False),
    # Both: both must fit.
    (["customers"], ["email"], "customers", "email", True, True),
    (["customers"], ["email"], "orders", "email", False, False),
    (["customers"], ["email"], "customers", "name", False, False),
]


@pytest.mark.parametrize(("tables", "columns", "table", "column", "allowed", "denied"), CASES)
def test_tables_and_columns(
    tables: list[str], columns: list[str], table: str, column: str, *, allowed: bool, denied: bool
) -> None:
    selector = compile_selector(tables=tables, columns=columns)
    assert (selector.allows(table, column), selector.denies(table, column)) == (allowed, denied)


@pytest.mark.parametrize(
    ("servers", "tools", "server", "tool", "reached"),
    [
        ([], [], "", "", True),
        (["*"], ["*"], "", "", True),
        (["hr"], [], "hr", "x", True),
        (["hr"], [], "HR", "x", False),
        (["hr"], [], "", "x", False),
        (["hr*", "crm"], ["list_*"], "crm", "list_contacts", True),
        (["hr*", "crm"], ["list_*"], "crm", "drop_contacts", False),
        ([], ["list_*"], "crm", "", False),
    ],
)
def test_servers_and_tools_are_compared_as_written(
    servers: list[str], tools: list[str], server: str, tool: str, *, reached: bool
) -> None:
    assert compile_selector(servers=servers, tools=tools).reaches(server, tool) == reached
