"""The tables server over HTTP for a caller with fewer rights, in both eras and over the older transport; and for this process."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.types import TextResourceContents
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.data_rights_world import EUROPEAN, MARKS, POLICY, make_world
from tests.live_servers import served

from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.entrypoints.http.identity import CALLER
from mcp_gateway.entrypoints.mcp.glossary import build_glossary_server
from mcp_gateway.entrypoints.mcp.hosting import mcp_app
from mcp_gateway.entrypoints.mcp.server import McpFace
from mcp_gateway.entrypoints.mcp.tables import build_tables_server
from mcp_gateway.wiring.data import open_glossary, open_tables

pytestmark = pytest.mark.anyio

DOORS = ("http modern", "http legacy", "sse")
URIS = ("tables://schema", "tables://keys", "tables://samples")
CALLS: tuple[tuple[str, dict[str, object]], ...] = (
    ("list_tables", {}),
    ("describe_table", {"table": "orders"}),
    ("describe_table", {"table": "customers"}),
    ("describe_table", {"table": "salaries"}),
    ("execute_query", {"sql": "SELECT * FROM orders"}),
    ("execute_query", {"sql": "SELECT * FROM customers"}),
    ("execute_query", {"sql": "SELECT * FROM salaries"}),
    ("execute_query", {"sql": "SELECT pay FROM pay_view"}),
    ("execute_query", {"sql": "SELECT CAST(note AS INTEGER) AS n FROM orders WHERE CAST(note AS INTEGER) > 0"}),
    ("explain_query", {"sql": "SELECT * FROM orders WHERE region = 'US'"}),
    ("explain_query", {"sql": "SELECT * FROM salaries"}),
    ("find_values", {"text": "which canary-a, canary-1@mail and US are there for Dora and Anna?"}),
)


class Door:
    """Lets everybody in as one caller."""

    def __init__(self, app: ASGIApp, caller: Caller) -> None:
        self._app, self._caller = app, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[CALLER] = self._caller
        await self._app(scope, receive, send)


@asynccontextmanager
async def opened_face(folder: Path) -> AsyncIterator[McpFace]:
    url = make_world("duckdb", str(folder / "world.duckdb"), everything=True)
    async with open_tables(url, clock=SystemClock()) as tables:
        face = build_tables_server(tables)
        assert face.data is not None
        face.data.follow(PolicyRights(lambda: POLICY), server="tables")
        yield face


@asynccontextmanager
async def asked_over(door: str, folder: Path, caller: Caller) -> AsyncIterator[Client]:
    async with opened_face(folder) as face, served(mcp_app(face, guard=lambda app: Door(app, caller))) as base:
        if door == "sse":
            client = Client(sse_client(f"{base}/sse"), mode="legacy", cache=None)
        else:
            client = Client(f"{base}/mcp", mode="legacy" if door.endswith("legacy") else "2026-07-28", cache=None)
        async with client:
            yield client


async def everything_said(client: Client) -> dict[str, str]:
    said = {}
    for uri in URIS:
        (content,) = (await client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        said[uri] = content.text
    for tool, arguments in CALLS:
        result = await client.call_tool(tool, arguments)
        said[f"{tool} {json.dumps(arguments)}"] = json.dumps(result.structured_content)
    return said


def rows_of(said: dict[str, str], sql: str) -> list[Any]:
    return list(json.loads(said[f"execute_query {json.dumps({'sql': sql})}"])["rows"])


@pytest.mark.parametrize("door", DOORS)
async def test_a_caller_over_http_is_told_nothing_withheld(tmp_path: Path, door: str) -> None:
    async with asked_over(door, tmp_path, EUROPEAN) as client:
        said = await everything_said(client)
    for asked, answer in said.items():
        for word in (*MARKS, "email", "pay_view", "people", "salaries"):
            assert word not in answer.casefold() or word in asked, (asked, answer)
    assert [row[0] for row in rows_of(said, "SELECT * FROM orders")] == [1, 2, 4, 7]
    assert rows_of(said, "SELECT * FROM customers")[0] == [1, "Anna", "Austria", None]


async def test_this_process_and_callers_with_every_right_see_everything(tmp_path: Path) -> None:
    async with opened_face(tmp_path) as face, Client(face.server, mode="2026-07-28", cache=None) as client:
        said = await everything_said(client)
    assert "salaries" in said["tables://schema"]
    assert len(rows_of(said, "SELECT * FROM orders")) == 7


async def test_over_http_the_person_at_this_machine_is_held_to_rules_about_everybody(tmp_path: Path) -> None:
    async with asked_over("http modern", tmp_path, LOCAL_CALLER) as client:
        said = await everything_said(client)
    assert "salaries" not in said["tables://schema"]
    assert rows_of(said, "SELECT * FROM orders") == []


GLOSSARY = """
entities:
  - {kind: person, label: Dora, table: hr.people, column: name, value: Dora, aliases: [dorothy]}
  - {kind: note, label: Canary, table: orders, column: note, value: canary-a, aliases: [secret note]}
  - {kind: person, label: Anna, table: customers, column: name, value: Anna, aliases: [annie]}
terms:
  - {aliases: [wages], table: salaries, column: pay}
  - {aliases: [mail], table: customers, column: email}
  - {aliases: [turnover], table: orders, column: amount}
metrics:
  - {name: mean pay, table: salaries, expression: "AVG(salaries.pay)"}
"""


async def words_said(client: Client) -> str:
    said: list[object] = [
        (await client.read_resource(f"glossary://{kind}")).contents for kind in ("entities", "terms", "metrics", "status")
    ]
    said += [(await client.call_tool("lookup_term", {"term": term})).structured_content["matches"] for term in ("wages", "annie")]
    return str(said).casefold()


async def test_the_glossary_has_no_words_for_what_is_withheld(tmp_path: Path) -> None:
    file = tmp_path / "glossary.yaml"
    file.write_text(GLOSSARY)
    async with opened_face(tmp_path) as tables, open_glossary(file, clock=SystemClock()) as glossary:
        face = build_glossary_server(glossary, view=tables.data)
        async with (
            served(mcp_app(face, guard=lambda app: Door(app, EUROPEAN))) as base,
            Client(f"{base}/mcp", mode="2026-07-28", cache=None) as client,
        ):
            narrowed = await words_said(client)
        async with Client(face.server, mode="2026-07-28", cache=None) as client:
            everything = await words_said(client)
    for word in ("canary", "dora", "wages", "email", "salaries", "mean pay", "secret note"):
        assert word not in narrowed
        assert word in everything
    assert "annie" in narrowed
    assert "turnover" in narrowed
