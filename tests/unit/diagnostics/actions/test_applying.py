"""A remedy is carried out as it was previewed, watched, and taken back when it does not help."""

import asyncio
from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import GatewayError, InvalidInput, Unavailable
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.diagnostics.actions.applying import Applying
from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.diagnostics.actions.operating import Applied, Came, Change, Outcome, Progress, Radius, Step, StepName, Unfinished
from mcp_gateway.diagnostics.errors import NotAsPreviewed, RemedyNotUndone, RemedyTimedOut
from mcp_gateway.diagnostics.verdict import Action

pytestmark = pytest.mark.anyio
RELEASE = action("release_breaker", verify="refusals stop", breaker="engine")
WAY_BACK = "hold engine open again"


class Conflict(GatewayError):
    """Somebody else changed it since."""


class Breaker:
    """`lost`: the change is made, its reply does not come. `stuck`: it cannot be taken back. `final`: there is no way back.

    `away`: so many times nobody answers who wants to take it back.
    """

    def __init__(
        self, *, lost: bool = False, stuck: bool = False, final: bool = False, seconds: float = 30.0, away: int = 0
    ) -> None:
        self._away = away
        self.forced = True
        self.users: tuple[str, ...] = ("a",)
        self._lost, self._stuck, self._final, self._seconds = lost, stuck, final, seconds
        self.changing = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def radius(self, _: Action) -> Radius:
        return Radius(requests_per_second=8.0, changes=("engine: forced_open -> automatic",), fixed=self.users)

    async def prepare(self, _: Action) -> Change:
        return Change(
            do=self._do,
            undo=None if self._final else self._undo,
            way_back=WAY_BACK,
            fixed=self.users,
            seconds=self._seconds,
        )

    async def _do(self, tell: Progress) -> Outcome:
        tell("half of it is done")
        self.changing.set()
        await self.go_on.wait()
        self.forced = False
        if self._lost:
            raise Unavailable
        return Outcome(said="engine judges for itself")

    async def _undo(self) -> None:
        if self._stuck:
            raise Conflict
        if self._away:
            self._away -= 1
            raise Unavailable
        self.forced = True


class Book:
    """`full`: from which step on nothing more can be written."""

    def __init__(self, *, full: StepName | None = None) -> None:
        self.steps: list[Step] = []
        self._full = full
        self._is_full = False

    async def record(self, step: Step) -> None:
        self._is_full = self._is_full or step.name == self._full
        if self._is_full:
            raise OSError("no space left")
        self.steps.append(step)

    async def unfinished(self) -> tuple[Unfinished, ...]:
        return ()

    @property
    def names(self) -> list[StepName]:
        return [step.name for step in self.steps]


def applying(breaker: Breaker, book: Book, *, within_seconds: float = 0) -> Applying:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    return Applying(
        operators={"release_breaker": breaker},
        trail=book,
        clock=clock,
        secret=b"k" * 32,
        within_seconds=within_seconds,
        every_seconds=0,
    )


async def carried_out(breaker: Breaker, book: Book, came: Came, *, within_seconds: float = 0) -> Applied:
    use = applying(breaker, book, within_seconds=within_seconds)
    return await use.apply(LOCAL_CALLER, RELEASE, token=(await use.preview(RELEASE)).token, came=came)


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
    assert book.names == ["begun", "carried_out", "helped"] == list(done.steps)


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


async def test_nothing_is_done_where_other_things_would_change_than_were_previewed() -> None:
    breaker, book = Breaker(), Book()
    use = applying(breaker, book)
    token = (await use.preview(RELEASE)).token
    breaker.users = ("a", "b")
    with pytest.raises(NotAsPreviewed):
        await use.apply(LOCAL_CALLER, RELEASE, token=token, came=helped)
    assert (breaker.forced, book.steps) == (True, [])


async def test_nothing_is_done_that_cannot_be_written_down() -> None:
    breaker = Breaker()
    with pytest.raises(OSError, match="no space"):
        await carried_out(breaker, Book(full="begun"), helped)
    assert not breaker.changing.is_set()


async def test_the_way_back_is_written_down_before_the_change() -> None:
    book = Book()
    await carried_out(Breaker(), book, helped)
    assert book.steps[0].detail == WAY_BACK
    assert len({step.run for step in book.steps}) == 1


@pytest.mark.parametrize("step", ["carried_out", "helped"])
async def test_what_cannot_be_written_down_any_more_is_taken_back(step: StepName) -> None:
    breaker = Breaker()
    with pytest.raises(OSError, match="no space"):
        await carried_out(breaker, Book(full=step), helped)
    assert breaker.changing.is_set()
    assert breaker.forced


async def test_a_change_whose_reply_was_lost_is_taken_back_and_written_down() -> None:
    breaker, book = Breaker(lost=True), Book()
    with pytest.raises(Unavailable):
        await carried_out(breaker, book, helped)
    assert breaker.forced
    assert book.names == ["begun", "failed", "undone"]
    assert book.steps[1].detail == "UNAVAILABLE. half of it is done"


async def test_a_change_that_takes_too_long_is_an_error_of_ours_and_taken_back() -> None:
    breaker, book = Breaker(seconds=0), Book()
    breaker.go_on.clear()
    with pytest.raises(RemedyTimedOut):
        await carried_out(breaker, book, helped)
    assert book.names == ["begun", "failed", "undone"]


async def test_a_watch_that_fails_takes_it_back() -> None:
    async def blind() -> bool:
        raise Unavailable

    breaker, book = Breaker(), Book()
    with pytest.raises(Unavailable):
        await carried_out(breaker, book, blind)
    assert breaker.forced
    assert book.names == ["begun", "carried_out", "failed", "undone"]


async def test_whether_anybody_hears_how_far_it_is_decides_nothing() -> None:
    def closed(_: str) -> None:
        raise OSError("the terminal is gone")

    breaker, book = Breaker(lost=True), Book()
    use = applying(breaker, book)
    with pytest.raises(Unavailable):
        await use.apply(LOCAL_CALLER, RELEASE, token=(await use.preview(RELEASE)).token, came=helped, hear=closed)
    assert breaker.forced
    assert book.names == ["begun", "failed", "undone"]


async def test_whoever_ends_it_while_it_is_watched_has_it_taken_back() -> None:
    breaker, book, watched = Breaker(), Book(), asyncio.Event()

    async def watching() -> bool:
        watched.set()
        await asyncio.Event().wait()
        return True

    working = asyncio.ensure_future(carried_out(breaker, book, watching))
    await watched.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert breaker.forced
    assert book.names == ["begun", "carried_out", "interrupted", "undone"]


async def test_a_change_that_has_a_way_back_is_ended_before_it_is_taken_back() -> None:
    breaker, book = Breaker(), Book()
    breaker.go_on.clear()
    working = asyncio.ensure_future(carried_out(breaker, book, helped))
    await breaker.changing.wait()
    for _ in range(3):
        working.cancel()
        await asyncio.sleep(0)
    assert not working.done()
    breaker.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert breaker.forced
    assert book.names[-2:] == ["interrupted", "undone"]


async def test_a_change_without_a_way_back_stops_where_it_is_and_says_how_far_it_came() -> None:
    breaker, book = Breaker(final=True), Book()
    breaker.go_on.clear()
    working = asyncio.ensure_future(carried_out(breaker, book, helped))
    await breaker.changing.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert book.names == ["begun", "interrupted", "stays"]
    assert book.steps[-1].detail == "half of it is done"


async def test_taking_back_waits_for_a_store_that_is_away_for_a_while() -> None:
    breaker, book = Breaker(away=3), Book()
    done = await carried_out(breaker, book, not_helped)
    assert (done.undone, breaker.forced) == (True, True)
    assert book.names[-2:] == ["did_not_help", "undone"]


async def test_what_could_not_be_taken_back_is_said_with_the_way_back() -> None:
    book = Book()
    with pytest.raises(RemedyNotUndone, match=WAY_BACK):
        await carried_out(Breaker(lost=True, stuck=True), book, helped)
    assert (book.names[-1], book.steps[-1].detail) == ("not_undone", WAY_BACK)
    done = await carried_out(Breaker(stuck=True), Book(), not_helped)
    assert (done.helped, done.undone, done.way_back) == (False, False, WAY_BACK)


async def test_a_kind_that_nobody_can_carry_out_stays_a_recommendation() -> None:
    with pytest.raises(InvalidInput):
        await applying(Breaker(), Book()).preview(action("start_store", verify=""))
