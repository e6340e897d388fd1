"""What every face's questions pass: the allowed modes, the places, the counting."""

import asyncio
from datetime import UTC, datetime

import pytest

from mcp_gateway.ask.errors import EmptyQuestion, UnknownMode
from mcp_gateway.ask.model import Answer, Attempt, QueryRows, Question, Step
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.diagnostics.query_figures import QueryFigures
from mcp_gateway.wiring.measured import WAITING_PER_PLACE, Admission, Measured, TooManyQuestions

pytestmark = pytest.mark.anyio

ROWS = QueryRows(columns=(), rows=(), total_rows=0, truncated_by=None, duration_ms=0.0, executed_sql="")


class Answering:
    """A use case that takes two seconds on its clock and does as told."""

    def __init__(self, clock: FixedClock, *, confident: bool = True, error: Exception | None = None) -> None:
        self._clock = clock
        self._confident = confident
        self._error = error
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.modes: list[str] = []

    async def __call__(self, _: Caller, question: Question, on_step: ProgressListener | None = None, /) -> Answer:
        del on_step
        self.modes.append(question.mode)
        await self.go_on.wait()
        self._clock.advance(2.0)
        if self._error is not None:
            raise self._error
        gathered = Step(name="gather", status="ok", started_ms=0, duration_ms=1, output={"fetched": 2, "reused": 5})
        attempts = (Attempt(sql="x", fault="syntax", message="", repair=""),)
        return Answer(
            question=question.text, sql="SELECT 1", rows=ROWS if self._confident else None, explanation="", confidence=0.9,
            confident=self._confident, source="engine", mode="multi_mcp", steps=(gathered,), attempts=attempts,
        )  # fmt: skip


def measured(use_case: Answering, clock: FixedClock, *, at_once: int = 8, multi_allowed: bool = True) -> Measured:
    figures = QueryFigures(window_size=10, clock=clock)
    admission = Admission(at_once)
    return Measured(use_case=use_case, figures=figures, clock=clock, admission=admission, multi_allowed=multi_allowed)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


async def test_an_answer_is_counted_with_what_it_took(clock: FixedClock) -> None:
    ask = measured(Answering(clock), clock)
    await ask(LOCAL_CALLER, Question(text="q"))
    window = ask.figures.window()
    assert (window.answered, window.p50_seconds, window.fetched, window.reused) == (1, 2.0, 2, 5)
    assert (window.recovery_attempts, window.recovery_successes) == (1, 1)


async def test_an_unsure_answer_and_a_failure_are_counted_apart(clock: FixedClock) -> None:
    unsure = measured(Answering(clock, confident=False), clock)
    await unsure(LOCAL_CALLER, Question(text="q"))
    assert (unsure.figures.window().unsure, unsure.figures.window().failed) == (1, 0)
    failing = measured(Answering(clock, error=EmptyQuestion()), clock)
    with pytest.raises(EmptyQuestion):
        await failing(LOCAL_CALLER, Question(text=""))
    assert failing.figures.totals.by_code == {"QUESTION_EMPTY": 1}


async def test_with_one_server_only_auto_means_single_and_multi_is_refused(clock: FixedClock) -> None:
    use_case = Answering(clock)
    ask = measured(use_case, clock, multi_allowed=False)
    await ask(LOCAL_CALLER, Question(text="q", mode="auto"))
    assert use_case.modes == ["single_mcp"]
    with pytest.raises(UnknownMode):
        await ask(LOCAL_CALLER, Question(text="q", mode="multi_mcp"))


async def test_more_questions_than_places_wait_their_turn_and_too_many_are_sent_away(clock: FixedClock) -> None:
    use_case = Answering(clock)
    use_case.go_on.clear()
    ask = measured(use_case, clock, at_once=1)
    waiting = [asyncio.create_task(ask(LOCAL_CALLER, Question(text=str(number)))) for number in range(1 + WAITING_PER_PLACE)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(use_case.modes) == 1
    with pytest.raises(TooManyQuestions) as refused:
        await ask(LOCAL_CALLER, Question(text="one too many"))
    assert refused.value.retry_after_seconds == 2.0
    use_case.go_on.set()
    assert len(await asyncio.gather(*waiting)) == 1 + WAITING_PER_PLACE
    await ask(LOCAL_CALLER, Question(text="and now there is room"))


async def test_a_question_given_up_while_waiting_leaves_its_place(clock: FixedClock) -> None:
    use_case = Answering(clock)
    use_case.go_on.clear()
    ask = measured(use_case, clock, at_once=1)
    first, second = (asyncio.create_task(ask(LOCAL_CALLER, Question(text=text))) for text in "ab")
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    use_case.go_on.set()
    await first
    await ask(LOCAL_CALLER, Question(text="c"))
    assert ask.figures.window().questions == 2
