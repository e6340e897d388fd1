"""Names are made anew when names changed, and not when anything else was written down."""

from collections.abc import Collection, Sequence

import pytest

from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.known import Known
from mcp_gateway.federation.catalog.model import Held, Item, ListKind
from mcp_gateway.federation.catalog.ports import Standing
from mcp_gateway.registry.definitions.model import Kind
from mcp_gateway.registry.model import Server


class Remembered:
    """What replicas remember, as a test writes it."""

    def __init__(self) -> None:
        self.revision = 1
        self.held: dict[tuple[str, ListKind], frozenset[str]] = {}

    def write(self, server: str, *names: str, kind: ListKind = "tools") -> None:
        self.held[server, kind] = frozenset(names)
        self.revision += 1

    @property
    def names_revision(self) -> int:
        return self.revision

    def names(self, server: str, kind: ListKind) -> Collection[str]:
        return self.held.get((server, kind), frozenset())

    async def observe(self, server: Server, kind: ListKind, items: Sequence[JsonObject]) -> None: ...

    async def observe_instructions(self, server: Server, text: str) -> None: ...

    def standing(self, server: str, name: str, kind: Kind) -> Standing | None:
        return None

    def offered(self, server: str, items: Sequence[JsonObject], kind: ListKind) -> list[JsonObject]:
        return list(items)


def held(*names: str, kind: ListKind = "tools") -> Held:
    items = tuple(Item(key=name, body=b"{}") for name in names)
    return Held(server=Server(name="up"), kind=kind, owner="", items=items, all_items=items, asked_at=0, fresh_until=0)


@pytest.fixture
def remembered() -> Remembered:
    return Remembered()


@pytest.fixture
def known(remembered: Remembered) -> Known:
    return Known(remembered)


def test_what_is_written_of_others_changes_no_name(known: Known, remembered: Remembered) -> None:
    known.names("up", "tools")
    before = known.revision("tools")
    remembered.write("other", "a")
    remembered.write("up", "prompt", kind="prompts")
    assert known.revision("tools") == before


def test_a_name_another_replica_saw_counts_until_this_one_asked(known: Known, remembered: Remembered) -> None:
    assert list(known.names("up", "tools")) == []
    before = known.revision("tools")
    remembered.write("up", "a")
    assert known.revision("tools") != before
    assert list(known.names("up", "tools")) == ["a"]


def test_seeing_what_was_remembered_changes_nothing_and_seeing_more_does(known: Known, remembered: Remembered) -> None:
    remembered.write("up", "a")
    known.names("up", "tools")
    before = known.revision("tools")
    known.learn(held("a"))
    assert known.revision("tools") == before
    known.learn(held("a", "b"))
    assert known.revision("tools") != before


def test_once_seen_what_others_write_counts_no_longer(known: Known, remembered: Remembered) -> None:
    known.learn(held("a"))
    before = known.revision("tools")
    remembered.write("up", "a", "b")
    assert (known.revision("tools"), list(known.names("up", "tools"))) == (before, ["a"])


def test_a_server_that_is_gone_takes_its_names_along(known: Known, remembered: Remembered) -> None:
    remembered.write("up", "a")
    known.names("up", "tools")
    before = known.revision("tools")
    known.keep_only({})
    assert known.revision("tools") != before


def test_long_items_named_anew_for_each_caller_do_not_fill_the_memory(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.federation.catalog.known.MAX_BYTES", 1_000)
    for number in range(20):
        item = Item(key=f"t{number}", body=b"{}" + b" " * 300)
        private = Held(
            server=Server(name="up"), kind="tools", owner="ann", items=(item,), all_items=(item,), asked_at=0, fresh_until=0
        )
        known.learn(private)
    assert len(known.names("up", "tools")) <= 3
    assert "t19" in known.names("up", "tools")
