"""A gateway whose use cases the test decides, behind the real HTTP application."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import httpx
import pytest

from mcp_gateway.ask.model import Answer, QueryRows, Question, Reading, ResultColumn, Step
from mcp_gateway.ask.ports import Gathered, ProgressListener
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import NoMCPAvailableError
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.health import HealthWatch
from mcp_gateway.diagnostics.ports import Finding
from mcp_gateway.diagnostics.query_figures import QueryFigures
from mcp_gateway.entrypoints.http.app import HttpOptions, create_app
from mcp_gateway.gateway import Gateway, Limits, ModeInfo, ServerState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Reply = Callable[[Question, ProgressListener | None], Awaitable[Answer]]


def answered(question: Question) -> Answer:
    """A plain answer with one column and two rows, the second NULL."""
    return Answer(
        question=question.text,
        sql="SELECT name FROM products",
        rows=QueryRows(
            columns=(ResultColumn(name="name", type="VARCHAR", kind="text"),),
            rows=(("Magic Wand Pro",), (None,)),
            total_rows=2,
            truncated_by=None,
            duration_ms=1.0,
            executed_sql="SELECT name FROM products",
        ),
        explanation="The names of all products.",
        confidence=0.93,
        confident=True,
        source="engine",
        mode="multi_mcp",
        steps=(Step(name="gather", status="ok", started_ms=0.0, duration_ms=2.0, output={"tables": 8}),),
        servers_used=("glossary", "tables"),
        session_id=question.session_id or "s-1",
    )


def unsure(question: Question) -> Answer:
    """An answer that offers two readings and ran nothing."""
    readings = (
        Reading(sql="SELECT 1", description="The first.", confidence=0.4),
        Reading(sql="SELECT 2", description="The second.", confidence=0.3),
    )
    return Answer(
        question=question.text,
        sql="SELECT 1",
        rows=None,
        explanation="",
        confidence=0.4,
        confident=False,
        source="engine",
        mode="multi_mcp",
        reason="Two readings are about as likely.",
        readings=readings,
        unexplained=("frobnicated",),
    )


@dataclass
class Told:
    """What the gateway was asked, and what it replies."""

    reply: Reply
    asked: list[Question] = field(default_factory=list)
    ran: list[Question] = field(default_factory=list)
    healthy: bool = True


@pytest.fixture
def told() -> Told:
    async def reply(question: Question, _: ProgressListener | None) -> Answer:
        return answered(question)

    return Told(reply=reply)


class _Part:
    name = "tables"
    needed = True

    def __init__(self, told: Told) -> None:
        self._told = told

    async def check(self) -> Finding:
        return Finding(healthy=self._told.healthy, status="connected" if self._told.healthy else "disconnected")


def make_gateway(told: Told) -> Gateway:
    clock = FixedClock(NOW)

    async def ask(_: Caller, question: Question, on_step: ProgressListener | None = None) -> Answer:
        told.asked.append(question)
        return await told.reply(question, on_step)

    async def run_sql(_: Caller, question: Question, on_step: ProgressListener | None = None) -> Answer:
        told.ran.append(question)
        return await told.reply(question, on_step)

    async def look(_: Caller) -> Gathered:
        raise NoMCPAvailableError

    return Gateway(
        ask=ask,
        run_sql=run_sql,
        look=look,
        servers=lambda: (ServerState(name="tables", title="Tables", connected=True, priority=10, transport="in_process"),),
        modes=lambda: (ModeInfo(mode="multi_mcp", description="All.", available=True),),
        health=HealthWatch([_Part(told)], interval_seconds=3600, timeout_seconds=5, clock=clock),
        figures=QueryFigures(window_size=100, clock=clock),
        limits=Limits(max_question_chars=4000, max_rows=1000),
        drafters=("engine",),
    )


@pytest.fixture
def gateway(told: Told) -> Gateway:
    return make_gateway(told)


@asynccontextmanager
async def open_client(gateway: Gateway, *, max_body_bytes: int = 10_000) -> AsyncIterator[httpx.AsyncClient]:
    numbers = count(1)
    app = create_app(
        gateway,
        HttpOptions(
            version="1.2.3", allowed_origins=("http://friend.example",), hosts=("gateway.example",), max_body_bytes=max_body_bytes
        ),
        clock=FixedClock(NOW),
        new_id=lambda: f"id-{next(numbers)}",
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(gateway) as opened:
        yield opened
