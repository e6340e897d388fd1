"""A use case as every face gets it: held to what the settings allow, so many at once, counted and timed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mcp_gateway.ask.errors import UnknownMode
from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Unavailable
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.query_figures import QueryFigures, QueryRecord
from mcp_gateway.gateway import AskQuestion

# So many may wait for each one that is being answered; more would only time out later.
WAITING_PER_PLACE = 16
RETRY_AFTER_SECONDS = 2.0


class TooManyQuestions(Unavailable):
    """Too many questions are waiting already."""

    code = "TOO_MANY_QUESTIONS"
    category = "rate_limited"
    hint = "Ask again in a moment."


class Admission:
    """At most `at_once` at a time, a bounded queue behind them; the bounds are shared by every use case that holds it."""

    def __init__(self, at_once: int) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._limit = at_once * (1 + WAITING_PER_PLACE)
        self._inside = 0

    async def __aenter__(self) -> None:
        if self._inside >= self._limit:
            raise TooManyQuestions(retry_after_seconds=RETRY_AFTER_SECONDS, limit=self._limit)
        self._inside += 1
        try:
            await self._places.acquire()
        except BaseException:
            self._inside -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._places.release()
        self._inside -= 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Records one `QueryRecord` for each call, whatever its end; a call cancelled by its client counts as none.

    `multi_allowed` False: mode auto means single_mcp, and multi_mcp is refused.
    """

    use_case: AskQuestion
    figures: QueryFigures
    clock: Clock
    admission: Admission
    multi_allowed: bool

    async def __call__(self, caller: Caller, question: Question, on_step: ProgressListener | None = None, /) -> Answer:
        begun = self.clock.monotonic()
        try:
            async with self.admission:
                answer = await self.use_case(caller, self._allowed(question), on_step)
        except GatewayError as error:
            seconds = self.clock.monotonic() - begun
            self.figures.record(QueryRecord(seconds=seconds, outcome="failed", code=error.code, mode=question.mode))
            raise
        self.figures.record(_record(answer, self.clock.monotonic() - begun))
        return answer

    def _allowed(self, question: Question) -> Question:
        if self.multi_allowed or question.mode == "single_mcp":
            return question
        if question.mode == "multi_mcp":
            raise UnknownMode(
                "The mode multi_mcp is switched off here.", hint="Use single_mcp or auto, or set ENABLE_MULTI_MCP=true."
            )
        return replace(question, mode="single_mcp")


def _record(answer: Answer, seconds: float) -> QueryRecord:
    gathering = next((step.output for step in answer.steps if step.name == "gather"), {})
    return QueryRecord(
        seconds=seconds,
        outcome="answered" if answer.confident else "unsure",
        source=answer.source,
        mode=answer.mode,
        recovery_attempts=len(answer.attempts),
        recovered=answer.recovered,
        fetched=_count(gathering, "fetched"),
        reused=_count(gathering, "reused"),
    )


def _count(facts: Mapping[str, object], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0
