"""The table of records in memory: who else has a tool of a name, however many servers there are."""

from dataclasses import replace

from mcp_gateway.registry.definitions.model import Record
from mcp_gateway.registry.definitions.table import StandingTable

PAY = Record(
    server="bank",
    kind="tools",
    name="pay",
    approved_fingerprint=None,
    approved_body=None,
    latest_fingerprint="1",
    latest_body=b"{}",
    status="offered",
    verdict="first",
)


def test_a_name_is_of_others_only_where_another_server_has_it() -> None:
    table = StandingTable()
    table.put([PAY, replace(PAY, server="shop", name="look")])
    assert "pay" not in table.around("bank").others
    assert set(table.around("shop").others) == {"pay"}
    assert table.around("shop").own == {"look"}

    table.put([replace(PAY, server="shop"), replace(PAY, server="shop", latest_fingerprint="2")])
    assert "pay" in table.around("bank").others

    table.forget("shop")
    assert not set(table.around("bank").others)
    assert set(table.around("shop").others) == {"pay"}


def test_a_prompt_is_no_tool() -> None:
    table = StandingTable()
    table.put([replace(PAY, kind="prompts")])
    assert not table.around("shop").others


def test_names_are_others_only_when_something_comes_or_goes() -> None:
    table = StandingTable()
    table.put([replace(PAY, name="")])
    assert table.names_revision == 0
    table.put([PAY])
    known = table.names_revision
    table.put([replace(PAY, latest_fingerprint="2"), replace(PAY, name="", kind="prompts")])
    assert table.names_revision == known
    table.forget("bank")
    assert table.names_revision > known
