"""The near level's bounds, and who keeps a place when there is too little room."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.kit.cache.figures import Tally
from mcp_gateway.kit.cache.near import NearEntry, NearLevel
from mcp_gateway.kit.cache.sketch import FrequencySketch


def entry(size: int = 1, tags: tuple[str, ...] = ()) -> "NearEntry[int]":
    return NearEntry(1, error=None, size=size, tags=tags, tally=Tally("t", scheduled=True), fresh_until=0.0)


def use(near: "NearLevel[int]", key: str) -> bool:
    """Read as the cache does, and put on a miss; whether it was there."""
    place = ("t", key)
    if place in near.entries:
        near.noted.append(place)
        return True
    near.put(place, entry())
    return False


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40), st.sampled_from(["put", "read", "drop", "tag"])), max_size=200),
    st.integers(1, 12),
    st.integers(1, 120),
)
def test_neither_bound_is_ever_passed_and_the_counts_agree(
    steps: list[tuple[int, int, str]], max_entries: int, max_bytes: int
) -> None:
    near: NearLevel[int] = NearLevel(max_entries=max_entries, max_bytes=max_bytes)
    for number, size, what in steps:
        place = ("t", str(number))
        if what == "put":
            near.put(place, entry(size, (f"g{number % 3}",)))
        elif what == "read" and place in near.entries:
            near.noted.append(place)
        elif what == "drop":
            near.drop(place)
        elif what == "tag":
            near.drop_tagged("t", (f"g{number % 3}",))
            assert not any(int(key) % 3 == number % 3 for _, key in near.entries)
        assert len(near.entries) <= max_entries
        assert near.size == sum(one.size for one in near.entries.values()) <= max_bytes


def test_what_is_asked_for_often_survives_a_scan_of_what_is_asked_for_once() -> None:
    near: NearLevel[int] = NearLevel(max_entries=100, max_bytes=10_000)
    for _ in range(5):
        for number in range(50):
            use(near, f"often{number}")
    for number in range(5_000):
        use(near, f"once{number}")
        if number % 20 == 0:
            use(near, f"often{number // 20 % 50}")
    assert sum(("t", f"often{number}") in near.entries for number in range(50)) >= 45


def test_skewed_reads_hit_about_as_often_as_the_best_fixed_choice_could() -> None:
    chance = random.Random(1)  # noqa: S311  (repeats a schedule, guards nothing)
    near: NearLevel[int] = NearLevel(max_entries=100, max_bytes=10_000)
    weights = [1 / (rank + 1) for rank in range(2_000)]
    asked = chance.choices(range(2_000), weights, k=40_000)
    hits = sum(use(near, str(number)) for number in asked)
    best = sum(number < 100 for number in asked)
    assert hits >= 0.85 * best


def test_yesterdays_favourites_give_way() -> None:
    near: NearLevel[int] = NearLevel(max_entries=50, max_bytes=10_000)
    for day in ("old", "new"):
        for _ in range(60):
            for number in range(40):
                use(near, f"{day}{number}")
    assert sum(("t", f"new{number}") in near.entries for number in range(40)) >= 36


def test_an_entry_larger_than_the_level_takes_nobodys_place() -> None:
    near: NearLevel[int] = NearLevel(max_entries=10, max_bytes=100)
    near.put(("t", "small"), entry(10))
    near.put(("t", "huge"), entry(101))
    assert list(near.entries) == [("t", "small")]


def test_dropping_by_tag_keeps_to_the_tenant() -> None:
    near: NearLevel[int] = NearLevel(max_entries=10, max_bytes=100)
    near.put(("a", "k"), entry(tags=("x",)))
    near.put(("b", "k"), entry(tags=("x",)))
    near.drop_tagged("a", ("x", "unknown"))
    assert list(near.entries) == [("b", "k")]


@pytest.mark.parametrize("times", [1, 5, 15, 100])
def test_the_sketch_never_counts_too_little_and_stops_at_fifteen(times: int) -> None:
    sketch = FrequencySketch(1_000)
    for _ in range(times):
        sketch.add("k")
    assert sketch.estimate("k") == min(times, 15)


def test_the_sketch_forgets_half_of_everything_now_and_then() -> None:
    sketch = FrequencySketch(64)
    for _ in range(12):
        sketch.add("k")
    for number in range(640):
        sketch.add(number)
    assert sketch.estimate("k") < 12
