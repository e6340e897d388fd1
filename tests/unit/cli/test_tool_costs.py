"""What `mcp-gateway tools cost` prints."""

import json

import pytest

from mcp_gateway.cli.tool_costs import costs_of, print_costs
from mcp_gateway.core.protocol.frames import JsonObject, render
from mcp_gateway.registry.definitions.approvals import Shown
from mcp_gateway.registry.definitions.model import Record, Status


def shown(server: str, tool: JsonObject, status: Status = "offered") -> Shown:
    body = render(tool)
    record = Record(
        server=server, kind="tools", name=str(tool["name"]), approved_fingerprint="a", approved_body=body,
        latest_fingerprint="a", latest_body=body, status=status, verdict="approved",
    )  # fmt: skip
    return Shown(record=record, managing=True)


SHORT: JsonObject = {"name": "short", "inputSchema": {"type": "object"}, "icons": [{"src": "x" * 1_000}]}
LONG: JsonObject = {"name": "long", "description": "word " * 80, "inputSchema": {"type": "object"}}


def test_a_token_is_four_bytes_of_what_a_model_is_shown() -> None:
    cost = costs_of([shown("one", SHORT)])

    assert cost.tokens == -(-len(render({"name": "short", "inputSchema": {"type": "object"}})) // 4)


def test_what_costs_most_comes_first_and_what_is_held_back_costs_nothing() -> None:
    cost = costs_of([shown("cheap", SHORT), shown("dear", LONG), shown("dear", SHORT), shown("held", LONG, "waiting")])

    assert [(one.server, one.tools) for one in cost.servers] == [("dear", 2), ("cheap", 1)]
    assert [(one.server, one.name) for one in cost.largest] == [("dear", "long"), ("cheap", "short"), ("dear", "short")]
    assert cost.tokens == sum(one.tokens for one in cost.servers)


def test_it_is_printed_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    cost = costs_of([shown("dear", LONG), shown("dear", SHORT)])

    print_costs(cost, as_json=False)
    printed = capsys.readouterr()
    assert "dear" in printed.out
    assert f"about {cost.tokens} tokens for 2 tools" in printed.err

    print_costs(cost, as_json=True)
    assert json.loads(capsys.readouterr().out)["servers"] == [{"server": "dear", "tools": 2, "tokens": cost.tokens}]
