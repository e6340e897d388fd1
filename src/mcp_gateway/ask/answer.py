"""From a question to a checked answer: the only file that knows the order of the steps.

Each step is a file of its own and sees only the `Inquiry`; what it got, gave and took stands in the answer's trace.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from mcp_gateway.ask.compose import compose_answer
from mcp_gateway.ask.draft import DraftStep
from mcp_gateway.ask.errors import QuestionTimedOut
from mcp_gateway.ask.inquiry import Inquiry, PipelineStep
from mcp_gateway.ask.model import Answer, Question, Turn
from mcp_gateway.ask.narrowing import EverythingSeen, Narrowing
from mcp_gateway.ask.ports import ConversationStore, Drafter, Gatherer, ProgressListener, Resolver
from mcp_gateway.ask.question import check_question
from mcp_gateway.ask.recover import RecoverStep
from mcp_gateway.ask.run import RunStep, count_rows
from mcp_gateway.ask.sources import GatherStep, ResolveStep
from mcp_gateway.ask.trace import Trace
from mcp_gateway.ask.typed_sql import read_typed_sql
from mcp_gateway.ask.validate import ValidateStep
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Internal, Unavailable
from mcp_gateway.core.identity import Caller

_log = structlog.get_logger(__name__)

# SQL may be longer than a question; people paste it.
_SQL_CHARS_PER_QUESTION_CHAR = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class AskLimits:
    """`question_timeout_seconds` covers all steps of a question, `query_timeout_seconds` each query."""

    question_timeout_seconds: float = 30.0
    query_timeout_seconds: float = 30.0
    max_question_chars: int = 4_000


class AnswerQuestion:
    """Answers one question at a time per call; calls may run side by side. Holds no state of its own between them."""

    def __init__(  # noqa: PLR0913  (every part can be replaced)
        self,
        *,
        gatherer: Gatherer,
        resolver: Resolver,
        engine: Drafter,
        conversations: ConversationStore,
        clock: Clock,
        new_id: Callable[[], str],
        model: Drafter | None = None,
        limits: AskLimits | None = None,
        narrowing: Narrowing | None = None,
    ) -> None:
        """`model` None: no language model. `new_id` makes session ids. `limits` None: the defaults.

        `narrowing` says what each caller may see; None: everybody sees all.
        """
        self._limits = limits or AskLimits()
        self._conversations = conversations
        self._clock = clock
        self._new_id = new_id
        query_timeout = self._limits.query_timeout_seconds
        self._order: tuple[PipelineStep, ...] = (
            GatherStep(gatherer, narrowing or Narrowing(EverythingSeen())),
            ResolveStep(resolver),
            DraftStep(engine, model),
            ValidateStep(),
            RunStep(timeout_seconds=query_timeout),
            RecoverStep(timeout_seconds=query_timeout),
        )

    async def __call__(self, caller: Caller, question: Question, on_step: ProgressListener | None = None) -> Answer:
        """Raises `GatewayError`s only. SQL typed in place of a question is recognised."""
        check_question(question, max_chars=self._limits.max_question_chars)
        return await self._bounded(caller, question, read_typed_sql(question.text), on_step)

    async def run_sql(self, caller: Caller, question: Question, on_step: ProgressListener | None = None) -> Answer:
        """The same for a text that is known to be SQL."""
        check_question(question, max_chars=self._limits.max_question_chars * _SQL_CHARS_PER_QUESTION_CHAR)
        sql = read_typed_sql(question.text) or question.text.strip().rstrip(";")
        return await self._bounded(caller, question, sql, on_step)

    async def _bounded(self, caller: Caller, question: Question, sql: str | None, on_step: ProgressListener | None) -> Answer:
        trace = Trace(self._clock, on_step)
        try:
            async with asyncio.timeout(self._limits.question_timeout_seconds):
                return await self._answer(caller, question, sql, trace)
        except TimeoutError as error:
            step = trace.steps[-1].name if trace.steps else ""
            raise QuestionTimedOut(limit_seconds=self._limits.question_timeout_seconds, step=step) from error
        except GatewayError:
            raise
        except Exception as error:
            _log.exception("question_failed", correlation_id=question.correlation_id)
            raise Internal from error

    async def _answer(self, caller: Caller, question: Question, sql: str | None, trace: Trace) -> Answer:
        session_id = question.session_id or self._new_id()
        inquiry = Inquiry(question=question, caller=caller, now=self._clock.now(), typed_sql=sql)
        if question.session_id:
            inquiry = await self._remember(inquiry, caller, session_id)
        for step in self._order:
            async with trace.step(step.name) as note:
                inquiry = await step(inquiry, note)
        async with trace.step("answer") as note:
            total = await count_rows(inquiry, timeout_seconds=self._limits.query_timeout_seconds)
            answer = compose_answer(inquiry, total_rows=total, session_id=session_id)
            chart = answer.chart.kind if answer.chart else None
            note.output = {"confident": answer.confident, "recovered": answer.recovered, "chart": chart}
        if answer.rows is not None:
            reading = inquiry.drafted.readings[inquiry.chosen]
            await self._save(caller, session_id, Turn(question=question.text, sql=answer.sql, form=reading.form))
        return replace(answer, steps=trace.steps)

    async def _remember(self, inquiry: Inquiry, caller: Caller, session_id: str) -> Inquiry:
        """A store that is down costs the earlier questions, not the answer to this one."""
        try:
            history = await self._conversations.read_turns(caller, session_id)
        except Unavailable as error:
            _log.warning("conversation_unread", code=error.code)
            return replace(inquiry, notices=("The earlier questions of this conversation could not be read.",))
        return replace(inquiry, history=history)

    async def _save(self, caller: Caller, session_id: str, turn: Turn) -> None:
        try:
            await self._conversations.append_turn(caller, session_id, turn)
        except Unavailable as error:
            _log.warning("conversation_unsaved", code=error.code)
