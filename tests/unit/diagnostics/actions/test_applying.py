"""A remedy is carried out as it was previewed, watched, and taken back when it does not help."""

from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import InvalidInput, Unavailable
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.diagnostics.actions.applying import Applying, Radius, Step, Undo
from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.diagnostics.verdict import Action

pytestmark = pytest.mark.anyio
RELEASE = action("release_breaker", verify="refusals stop", breaker="engine")


class Breaker:
    def __init__(self, *, failing: bool = False) -> None:
        self.forced, self._failing = True, failing

    async def radius(self, _: Action) -> Radius:
        return Radius(requests_per_second=8.0, changes=("engine: forced_open -> automatic",))

    async def carry_out(self, _: Action) -> Undo | None:
        if self._failing:
            raise Unavailable
        self.forced = False

        async def undo() -> None:
            self.forced = True

        return undo


class Book:
    def __init__(self, *, full: bool = False) -> None:
        self.steps: list[Step] = []
        self._full = full

    async def record(self, step: Step) -> None:
        if self._full:
            raise Unavailable
        self.steps.append(step)


def applying(breaker: Breaker, book: Book) -> Applying:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    return Applying(
        operators={"release_breaker": breaker}, trail=book, clock=clock, secret=b"k" * 32, within_seconds=0, every_seconds=0
    )


async def helped() -> bool:
    return True


async def not_helped() -> bool:
    return False


async def test_a_preview_changes_nothing_and_says_whom_it_concerns() -> None:
    breaker = Breaker()
    shown = (await applying(breaker, Book()).preview(RELEASE)).to_dict()
    assert breaker.forced
    assert shown["blast_radius"] == {
        "keys": None, "tenants": None, "requests_per_second": 8.0, "changes": ["engine: forced_open -> automatic"],
    }  # fmt: skip


async def test_what_helps_stays_and_every_step_is_written_down() -> None:
    breaker, book = Breaker(), Book()
    use = applying(breaker, book)
    done = await use.apply(LOCAL_CALLER, RELEASE, token=(await use.preview(RELEASE)).token, came=helped)
    assert (done.helped, done.undone, breaker.forced) == (True, None, False)
    assert [step.name for step in book.steps] == ["begun", "carried_out", "helped"] == list(done.steps)


async def test_what_does_not_help_is_taken_back() -> None:
    breaker, book = Breaker(), Book()
    use = applying(breaker, book)
    done = await use.apply(LOCAL_CALLER, RELEASE, token=(await use.preview(RELEASE)).token, came=not_helped)
    assert (done.helped, done.undone, breaker.forced) == (False, True, True)
    assert [step.name for step in book.steps][-2:] == ["did_not_help", "undone"]


async def test_nothing_is_done_that_was_not_previewed() -> None:
    breaker, book = Breaker(), Book()
    use = applying(breaker, book)
    token = (await use.preview(RELEASE)).token
    other = action("release_breaker", verify="", breaker="another")
    with pytest.raises(InvalidInput):
        await use.apply(LOCAL_CALLER, other, token=token, came=helped)
    assert (breaker.forced, book.steps) == (True, [])


async def test_nothing_is_done_that_cannot_be_written_down() -> None:
    breaker = Breaker()
    use = applying(breaker, Book(full=True))
    token = (await use.preview(RELEASE)).token
    with pytest.raises(Unavailable):
        await use.apply(LOCAL_CALLER, RELEASE, token=token, came=helped)
    assert breaker.forced


async def test_a_change_that_fails_is_written_down_as_failed() -> None:
    book = Book()
    use = applying(Breaker(failing=True), book)
    token = (await use.preview(RELEASE)).token
    with pytest.raises(Unavailable):
        await use.apply(LOCAL_CALLER, RELEASE, token=token, came=helped)
    assert [step.name for step in book.steps] == ["begun", "failed"]


async def test_a_kind_that_nobody_can_carry_out_stays_a_recommendation() -> None:
    with pytest.raises(InvalidInput):
        await applying(Breaker(), Book()).preview(action("start_store", verify=""))
