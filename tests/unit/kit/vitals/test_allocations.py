"""Which line memory grows at, while Python follows its allocations."""

import asyncio
import tracemalloc
from collections.abc import Iterator

import pytest

from mcp_gateway.kit.figures import Counter, Metric, RecordedFigures
from mcp_gateway.kit.vitals import allocations
from mcp_gateway.kit.vitals.allocations import AllocationWatch
from mcp_gateway.kit.vitals.places import place_of

pytestmark = pytest.mark.anyio

GROWTH, LOOKS = "allocation_growth_bytes", "allocation_looks"
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
    assert figures.total(LOOKS) == 4
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


async def test_nothing_is_followed_by_itself() -> None:
    figures, leak = RecordedFigures(), Leak()
    watch = AllocationWatch(figures=figures)
    await watch.look()
    leak.keep(MEGABYTE)
    await watch.look()
    assert not tracemalloc.is_tracing()
    assert (figures.total(LOOKS), figures.total(GROWTH)) == (0, 0)


@pytest.mark.usefixtures("followed")
async def test_nothing_is_told_once_following_has_ended() -> None:
    figures, leak = RecordedFigures(), Leak()
    watch = AllocationWatch(figures=figures)
    await watch.look()
    tracemalloc.stop()
    leak.keep(MEGABYTE)
    await watch.look()
    assert (figures.total(LOOKS), figures.total(GROWTH)) == (1, 0)


class Heard(RecordedFigures):
    """Tells of growth."""

    def __init__(self) -> None:
        super().__init__()
        self.grown = asyncio.Event()

    def counter(self, metric: Metric, **labels: str) -> Counter:
        if metric is allocations.GROWTH:
            self.grown.set()
        return super().counter(metric, **labels)


@pytest.mark.usefixtures("followed")
async def test_it_looks_by_itself_while_it_is_open_and_sooner_when_much_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocations, "ASK_SECONDS", 0.01)
    monkeypatch.setattr(allocations, "MOST_BYTES", 6_000_000)
    figures, kept = Heard(), []
    async with AllocationWatch(figures=figures, every_seconds=3_600), asyncio.timeout(60):
        while not figures.grown.is_set():
            kept.append([bytearray(1) for _ in range(10_000)])
            await asyncio.sleep(0.02)
    assert figures.total(LOOKS) >= 2
    assert figures.total(GROWTH) > 0


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
