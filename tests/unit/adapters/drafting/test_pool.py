"""Drafting beside the event loop: real processes, the same drafts, and an answer whatever happens to them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from mcp_gateway.adapters.drafting.errand import Reply
from mcp_gateway.adapters.drafting.pool import DraftingPool
from mcp_gateway.adapters.drafting.process import DraftingProcess, ProcessDied
from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.model import DraftRequest
from mcp_gateway.core.schema import Column, DatabaseSchema, Table
from mcp_gateway.core.vocabulary import Term, Vocabulary

pytestmark = pytest.mark.anyio


class HurriedClock:
    """Every look takes a while, so that any draft seems to take long."""

    def __init__(self, step_seconds: float) -> None:
        self._ticks = count()
        self._step = step_seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)

    def timestamp(self) -> float:
        return self.now().timestamp()

    def monotonic(self) -> float:
        return next(self._ticks) * self._step


def schema(*columns: str) -> DatabaseSchema:
    named = tuple(Column(name=name, type="TEXT", kind="text") for name in ("name", "country", *columns))
    return DatabaseSchema(dialect="duckdb", tables=(Table(name="customers", columns=named),))


SCHEMAS = tuple(schema(f"extra_{number}") for number in range(12))
REQUEST = DraftRequest(question="how many customers are there", schema=SCHEMAS[0], now=HurriedClock(1).now())
WORDS = Vocabulary(terms=(Term(aliases=("homeland",), table="customers", column="country"),))
REQUESTS = tuple(
    replace(REQUEST, question=question, schema=SCHEMAS[number % 12], vocabulary=vocabulary)
    for number in range(30)
    for question, vocabulary in (("how many customers", Vocabulary()), ("customers by homeland", WORDS), ("qwertz", WORDS))
)


@pytest.fixture
async def pool() -> AsyncIterator[DraftingPool]:
    pool = DraftingPool(HurriedClock(0.5), most=1)
    yield pool
    await pool.close()


async def warmed(pool: DraftingPool) -> DraftingPool:
    await pool.draft(REQUEST)
    await pool.settle()
    assert pool.processes == 1
    return pool


async def test_a_process_drafts_what_the_engine_drafts(pool: DraftingPool) -> None:
    await warmed(pool)
    engine = EmbeddedEngine()
    drafts = await asyncio.gather(*(pool.draft(request) for request in REQUESTS))
    assert drafts == [engine.draft_now(request) for request in REQUESTS]
    assert pool.processes == 1


async def test_no_process_is_started_for_one_question_now_and_then() -> None:
    pool = DraftingPool(HurriedClock(0.01), most=1)
    for _ in range(5):
        await pool.draft(REQUEST)
    await pool.settle()
    assert pool.processes == 0


async def test_none_is_started_where_none_may_be() -> None:
    pool = DraftingPool(HurriedClock(0.5), most=0)
    await pool.draft(REQUEST)
    await pool.settle()
    assert pool.processes == 0


async def test_a_process_that_dies_costs_nobody_the_answer(pool: DraftingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    await warmed(pool)
    real = DraftingProcess.draft

    async def killed(process: DraftingProcess, request: DraftRequest) -> object:
        os.kill(process.pid, signal.SIGKILL)
        return await real(process, request)

    monkeypatch.setattr(DraftingProcess, "draft", killed)
    drafts = await asyncio.gather(*(pool.draft(request) for request in REQUESTS[:10]))
    assert drafts == [EmbeddedEngine().draft_now(request) for request in REQUESTS[:10]]
    assert pool.processes == 0


async def test_a_caller_who_goes_away_leaves_the_process_to_the_next(pool: DraftingPool) -> None:
    await warmed(pool)
    leaving = asyncio.create_task(pool.draft(REQUEST))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await pool.draft(REQUESTS[1]) == EmbeddedEngine().draft_now(REQUESTS[1])
    assert pool.processes == 1


async def test_a_question_that_takes_too_long_is_given_up(pool: DraftingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    await warmed(pool)
    monkeypatch.setattr("mcp_gateway.adapters.drafting.pool.DRAFT_SECONDS", 0.0)
    draft = await pool.draft(REQUEST)
    assert (draft.confident, draft.readings, draft.reason) == (False, (), "the question takes too long to read")
    assert pool.processes == 0


async def test_an_interpreter_that_cannot_be_started_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    pool = DraftingPool(HurriedClock(0.5), most=1)
    for _ in range(3):
        assert (await pool.draft(REQUEST)).confident
        await pool.settle()
    assert pool.processes == 0


async def test_closing_ends_the_process(pool: DraftingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []
    real = DraftingProcess.end

    async def noted(process: DraftingProcess) -> None:
        pids.append(process.pid)
        await real(process)

    monkeypatch.setattr(DraftingProcess, "end", noted)
    await (await warmed(pool)).close()
    assert len(pids) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


@pytest.mark.parametrize("fault", [asyncio.CancelledError, ProcessDied])
async def test_a_process_that_was_not_waited_for_is_ended(fault: type[BaseException]) -> None:
    started: list[DraftingProcess] = []

    class Unready(DraftingProcess):
        async def _read(self) -> Reply:
            started.append(self)
            raise fault

    with pytest.raises(fault):
        await Unready.start(None)
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].pid, 0)
