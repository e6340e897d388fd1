"""Many servers that are looked at together are written down together, and none has to answer for another."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from mcp_gateway.adapters.memory_definitions import MemoryDefinitionStore
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.definitions.ports import Change, Read
from mcp_gateway.registry.definitions.writing import EMPTY_SECONDS
from mcp_gateway.registry.model import Server

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MANY = [Server(name=f"s{number}") for number in range(40)]
TOOL: JsonObject = {"name": "add", "description": "Add a note.", "inputSchema": {"type": "object"}}


class SlowStore(MemoryDefinitionStore):
    """Writes nothing before it is let; says what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.let, self.begun = asyncio.Event(), asyncio.Event()
        self.writes: list[int] = []
        self.reads = 0

    async def write(self, changes: Sequence[Change]) -> int | None:
        self.writes.append(len(changes))
        self.begun.set()
        await self.let.wait()
        return await super().write(changes)

    async def read(self, since: int) -> Read:
        self.reads += 1
        return await super().read(since)


async def opened(store: MemoryDefinitionStore, clock: FixedClock | None = None) -> Definitions:
    definitions = Definitions(store, clock or FixedClock(NOW))
    await definitions.reload()
    return definitions


def status(definitions: Definitions, server: str) -> str | None:
    standing = definitions.standing(server, "add")
    return None if standing is None else standing.status


async def test_who_comes_while_something_is_written_is_written_together() -> None:
    store = SlowStore()
    definitions = await opened(store)
    looks = [asyncio.create_task(definitions.observe(server, "tools", [TOOL])) for server in MANY]
    await store.begun.wait()
    await asyncio.sleep(0)
    store.let.set()
    await asyncio.gather(*looks)
    assert len(store.writes) <= 2
    assert {status(definitions, server.name) for server in MANY} == {"offered"}
    assert status(await opened(store), "s39") == "offered"


async def test_what_was_written_here_alone_is_not_read_again() -> None:
    store = SlowStore()
    store.let.set()
    definitions = await opened(store)
    read = store.reads
    await definitions.observe(MANY[0], "tools", [TOOL])
    await definitions.reload()
    assert store.reads == read

    other = await opened(store)
    await other.observe(MANY[1], "tools", [TOOL])
    await definitions.observe(MANY[2], "tools", [TOOL])
    await definitions.reload()
    assert [status(definitions, server.name) for server in MANY[:3]] == ["offered"] * 3


async def test_a_server_that_another_replica_was_quicker_with_holds_up_nobody() -> None:
    store = SlowStore()
    definitions, elsewhere = await opened(store), await opened(MemoryDefinitionStore())
    await elsewhere.observe(MANY[7], "tools", [{**TOOL, "description": "Add one note."}])
    looks = [asyncio.create_task(definitions.observe(server, "tools", [TOOL])) for server in MANY]
    await store.begun.wait()
    await MemoryDefinitionStore.write(store, [Change(known=None, record=record) for record in elsewhere.records()])
    store.let.set()
    await asyncio.gather(*looks)
    assert {status(definitions, server.name) for server in MANY} == {"offered"}
    assert definitions.records() == (await opened(store)).records()
    assert len(store.writes) <= 4


async def test_whoever_stops_waiting_takes_nobody_along() -> None:
    store = SlowStore()
    definitions = await opened(store)
    looks = [asyncio.create_task(definitions.observe(server, "tools", [TOOL])) for server in MANY[:3]]
    await store.begun.wait()
    looks[0].cancel()
    store.let.set()
    ends = await asyncio.gather(*looks, return_exceptions=True)
    assert isinstance(ends[0], asyncio.CancelledError)
    assert ends[1:] == [None, None]
    assert [status(definitions, server.name) for server in MANY[1:3]] == ["offered"] * 2


async def test_that_lists_are_empty_is_written_down_later_and_together() -> None:
    store, clock = SlowStore(), FixedClock(NOW)
    store.let.set()
    definitions = await opened(store, clock)
    for server in MANY:
        await definitions.observe(server, "tools", [])
    await definitions.reload()
    assert store.writes == []
    assert definitions.revision == 0
    clock.advance(EMPTY_SECONDS)
    await definitions.reload()
    assert store.writes == [len(MANY)]

    other = await opened(store)
    await other.observe(MANY[0], "tools", [TOOL])
    assert status(other, "s0") == "waiting"


async def test_a_tool_that_comes_after_an_empty_list_waits_though_nothing_was_written_yet() -> None:
    store = SlowStore()
    store.let.set()
    definitions = await opened(store)
    await definitions.observe(MANY[0], "tools", [])
    await definitions.observe(MANY[1], "tools", [])
    await definitions.observe(MANY[0], "tools", [TOOL])
    assert status(definitions, "s0") == "waiting"
    assert store.writes == [3]
    other = await opened(store)
    await other.observe(MANY[1], "tools", [TOOL])
    assert status(other, "s1") == "waiting"


async def test_replicas_that_saw_the_same_empty_lists_agree() -> None:
    store = MemoryDefinitionStore()
    one, other = await opened(store), await opened(store)
    for server in MANY[:3]:
        await one.observe(server, "tools", [])
    for server in MANY[1:5]:
        await other.observe(server, "tools", [])
    await one.flush()
    await other.flush()
    await other.flush()
    third = await opened(store)
    for server in MANY[:5]:
        await third.observe(server, "tools", [TOOL])
    assert {status(third, server.name) for server in MANY[:5]} == {"waiting"}


async def test_a_forgotten_servers_empty_list_is_forgotten_too() -> None:
    store = MemoryDefinitionStore()
    definitions = await opened(store)
    await definitions.observe(MANY[0], "tools", [])
    await definitions.forget("s0")
    await definitions.flush()
    await definitions.observe(MANY[0], "tools", [TOOL])
    assert status(definitions, "s0") == "offered"


async def test_a_list_that_is_empty_for_somebody_else_meanwhile_stands_in_no_ones_way() -> None:
    store = SlowStore()
    definitions = await opened(store)
    look = asyncio.create_task(definitions.observe(MANY[0], "tools", [TOOL]))
    await store.begun.wait()
    await definitions.observe(MANY[0], "tools", [])
    store.let.set()
    await look
    await definitions.observe(MANY[1], "tools", [TOOL])
    assert [status(definitions, server.name) for server in MANY[:2]] == ["offered", "offered"]


async def test_callers_who_come_at_once_and_are_shown_different_words_are_all_served() -> None:
    store = SlowStore()
    definitions = await opened(store)
    words: list[JsonObject] = [{**TOOL, "description": f"Add a note of caller {number}."} for number in range(20)]
    looks = [asyncio.create_task(definitions.observe(MANY[0], "tools", [one])) for one in words]
    await store.begun.wait()
    store.let.set()
    await asyncio.gather(*looks)
    assert all(definitions.offered("s0", [one]) == [one] for one in words)
