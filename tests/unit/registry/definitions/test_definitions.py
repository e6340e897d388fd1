"""What a server offers counts as it was approved; what came or changed since is held back as its rule says."""

from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.definitions.memory import MemoryDefinitionStore
from mcp_gateway.registry.model import DriftRule, Server

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def definitions_over(store: MemoryDefinitionStore) -> Definitions:
    return Definitions(store, FixedClock(NOW))


def server(drift: DriftRule = "approve") -> Server:
    return Server(name="notes", drift=drift, created_by="ada")


def tool(name: str = "add", **members: object) -> JsonObject:
    plain: JsonObject = {"name": name, "description": "Add a note.", "inputSchema": {"type": "object", "properties": {}}}
    return {**plain, **members}  # type: ignore[dict-item]  # the tests write JSON values only


WIDER: JsonObject = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}


async def test_what_a_server_offers_when_it_is_first_seen_is_offered() -> None:
    definitions = definitions_over(MemoryDefinitionStore())
    await definitions.observe(server(), "tools", [tool()])
    standing = definitions.standing("notes", "add")
    assert standing is not None
    assert standing.status == "offered"
    assert standing.definition == tool()
    assert definitions.offered("notes", [tool()]) == [tool()]


async def test_what_was_never_seen_has_no_standing_and_is_not_shown() -> None:
    definitions = definitions_over(MemoryDefinitionStore())
    assert definitions.standing("notes", "add") is None
    assert definitions.offered("notes", [tool()]) == []


async def test_a_wider_schema_waits_for_approval() -> None:
    definitions = definitions_over(MemoryDefinitionStore())
    await definitions.observe(server(), "tools", [tool()])
    await definitions.observe(server(), "tools", [tool(inputSchema=WIDER)])
    standing = definitions.standing("notes", "add")
    assert standing is not None
    assert standing.status == "waiting"
    assert standing.definition == tool()
    assert definitions.offered("notes", [tool(inputSchema=WIDER)]) == []
    assert definitions.offered("notes", [tool()]) == []


async def test_what_goes_back_to_what_was_approved_is_offered_again() -> None:
    definitions = definitions_over(MemoryDefinitionStore())
    await definitions.observe(server(), "tools", [tool()])
    await definitions.observe(server(), "tools", [tool(inputSchema=WIDER)])
    await definitions.observe(server(), "tools", [tool()])
    assert definitions.offered("notes", [tool()]) == [tool()]


async def test_a_tool_that_comes_later_waits() -> None:
    definitions = definitions_over(MemoryDefinitionStore())
    await definitions.observe(server(), "tools", [tool()])
    await definitions.observe(server(), "tools", [tool(), tool("drop")])
    assert definitions.offered("notes", [tool(), tool("drop")]) == [tool()]


async def test_a_tool_that_comes_after_an_empty_list_waits() -> None:
    definitions = definitions_over(MemoryDefinitionStore())
    await definitions.observe(server(), "tools", [])
    await definitions.observe(server(), "tools", [tool()])
    standing = definitions.standing("notes", "add")
    assert standing is not None
    assert standing.status == "waiting"


async def test_what_one_replica_saw_another_knows_after_a_reload() -> None:
    store = MemoryDefinitionStore()
    one, other = definitions_over(store), definitions_over(store)
    await one.observe(server(), "tools", [tool()])
    await other.reload()
    assert other.standing("notes", "add") == one.standing("notes", "add")


async def test_two_replicas_that_see_the_same_change_agree() -> None:
    store = MemoryDefinitionStore()
    one, other = definitions_over(store), definitions_over(store)
    await one.observe(server(), "tools", [tool()])
    await other.observe(server(), "tools", [tool()])
    await one.observe(server(), "tools", [tool(inputSchema=WIDER)])
    await other.observe(server(), "tools", [tool(inputSchema=WIDER)])
    await one.reload()
    assert one.records() == other.records()


async def test_a_forgotten_server_is_seen_for_the_first_time_again_on_every_replica() -> None:
    store = MemoryDefinitionStore()
    one, other = definitions_over(store), definitions_over(store)
    await one.observe(server(), "tools", [tool()])
    await other.reload()
    await one.forget("notes")
    await other.reload()
    assert other.standing("notes", "add") is None
    await other.observe(server(), "tools", [tool(inputSchema=WIDER)])
    assert other.offered("notes", [tool(inputSchema=WIDER)]) == [tool(inputSchema=WIDER)]


async def test_listeners_hear_of_changes_and_not_of_sameness() -> None:
    definitions = definitions_over(MemoryDefinitionStore())
    heard: list[int] = []
    end = definitions.follow(lambda: heard.append(definitions.revision))
    await definitions.observe(server(), "tools", [tool()])
    await definitions.observe(server(), "tools", [tool()])
    await definitions.reload()
    assert heard == [1]
    end()
    await definitions.observe(server(), "tools", [])
    assert heard == [1]
