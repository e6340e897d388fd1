"""Which line memory grows at, while Python follows its allocations."""

import tracemalloc
from collections.abc import Iterator

import pytest

from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.vitals import allocations
from mcp_gateway.kit.vitals.allocations import AllocationWatch
from mcp_gateway.kit.vitals.places import place_of

pytestmark = pytest.mark.anyio

GROWTH, FOLLOWED = "allocation_growth_bytes", "allocations_followed"
MEGABYTE = 1_000_000


@pytest.fixture
def followed() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


class Leak:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[bytearray] = []

    def keep(self, size: int) -> None:
        self.kept.append(bytearray(size))

    @property
    def place(self) -> str:
        return f"kit/vitals/test_allocations.py:{self.keep.__code__.co_firstlineno + 1}"


@pytest.mark.usefixtures("followed")
async def test_the_line_that_keeps_memory_is_named_with_how_much() -> None:
    figures, leak = RecordedFigures(), Leak()
    watch = AllocationWatch(figures=figures)
    await watch.look()
    for _ in range(3):
        leak.keep(MEGABYTE)
        await watch.look()
    assert figures.total(FOLLOWED) == 1
    assert 3 * MEGABYTE <= figures.total(GROWTH, place=leak.place) < 3.1 * MEGABYTE
    assert figures.total(GROWTH) < 4 * MEGABYTE


@pytest.mark.usefixtures("followed")
async def test_what_fills_up_again_to_where_it_was_is_no_growth() -> None:
    figures, cache = RecordedFigures(), Leak()
    watch = AllocationWatch(figures=figures)
    cache.keep(2 * MEGABYTE)
    await watch.look()
    for _ in range(3):
        cache.kept.clear()
        await watch.look()
        cache.keep(2 * MEGABYTE)
        await watch.look()
    assert figures.total(GROWTH, place=cache.place) == 0


@pytest.mark.usefixtures("followed")
async def test_a_line_that_keeps_little_is_not_told() -> None:
    figures, leak = RecordedFigures(), Leak()
    watch = AllocationWatch(figures=figures)
    await watch.look()
    leak.keep(100_000)
    await watch.look()
    assert figures.total(GROWTH, place=leak.place) == 0
    leak.keep(200_000)
    await watch.look()
    assert figures.total(GROWTH, place=leak.place) >= 300_000


@pytest.mark.usefixtures("followed")
async def test_more_blocks_than_are_copied_in_a_moment_are_dropped_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    figures, leak = RecordedFigures(), Leak()
    watch = AllocationWatch(figures=figures)
    await watch.look()
    many = [bytearray(1) for _ in range(20_000)]
    leak.keep(MEGABYTE)
    monkeypatch.setattr(allocations, "MOST_BYTES", 500_000)
    await watch.look()
    assert tracemalloc.get_tracemalloc_memory() < 500_000
    await watch.look()
    assert figures.total(GROWTH) == 0
    leak.keep(MEGABYTE)
    await watch.look()
    assert figures.total(GROWTH, place=leak.place) >= MEGABYTE
    assert len(many) == 20_000


async def test_nothing_is_followed_by_itself_and_what_ends_is_said_to_have() -> None:
    figures, leak = RecordedFigures(), Leak()
    async with AllocationWatch(figures=figures) as watch:
        leak.keep(MEGABYTE)
        await watch.look()
        assert not tracemalloc.is_tracing()
        assert (figures.total(FOLLOWED), figures.total(GROWTH)) == (0, 0)
        tracemalloc.start()
        await watch.look()
        assert figures.total(FOLLOWED) == 1
        tracemalloc.stop()
        await watch.look()
        assert figures.total(FOLLOWED) == 0


def test_a_place_is_told_without_the_folders_above_what_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", ["/home/ann/shop", "/home/ann/shop/.venv/lib/python3.11/site-packages", ""])
    assert place_of([("/home/ann/shop/carts/api.py", 7)]) == "carts/api.py:7"
    assert place_of([("/home/ann/shop/main.py", 7)]) == "main.py:7"
    assert place_of([("/home/ann/notes/loose.py", 7)]) == "loose.py:7"
    assert place_of([("<frozen runpy>", 7)]) == "<frozen runpy>:7"
    assert place_of([("/home/ann/shop/.venv/lib/python3.11/site-packages/json5/lib.py", 7)]) == "json5/lib.py:7"


def test_of_several_frames_the_applications_own_comes_first() -> None:
    library = ("/x/site-packages/json5/lib.py", 1)
    ours = ("/x/site-packages/mcp_gateway/kit/cache/memory.py", 2)
    assert place_of([library, ours, ("/nowhere/app.py", 3)]) == "app.py:3"
    assert place_of([library, ours]) == "memory.py:2"
    assert place_of([library]) == "lib.py:1"
