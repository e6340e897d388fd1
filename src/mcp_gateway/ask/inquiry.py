"""One question on its way through the pipeline: what is known of it so far. Each step returns the next state."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from mcp_gateway.ask.faults import CheckedQuery, QueryFault
from mcp_gateway.ask.model import Attempt, Draft, QueryRows, Question, Resolution, Turn
from mcp_gateway.ask.ports import Gathered
from mcp_gateway.ask.trace import Note
from mcp_gateway.core.errors import Internal
from mcp_gateway.core.identity import Caller

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Inquiry:
    """`fault` is what stands in the way of the query, None while nothing does; `chosen` is the index of the reading in use."""

    question: Question
    caller: Caller
    now: datetime
    typed_sql: str | None = None
    history: tuple[Turn, ...] = ()
    gathered: Gathered | None = None
    resolution: Resolution = field(default_factory=Resolution)
    draft: Draft | None = None
    chosen: int = 0
    query: CheckedQuery | None = None
    rows: QueryRows | None = None
    fault: QueryFault | None = None
    attempts: tuple[Attempt, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def world(self) -> Gathered:
        """What "gather" found."""
        return _present(self.gathered, "gather")

    @property
    def drafted(self) -> Draft:
        """What "draft" made."""
        return _present(self.draft, "draft")

    @property
    def runnable(self) -> bool:
        """Whether the draft may be run without asking the user first."""
        return self.draft is not None and self.draft.confident and self.draft.best is not None


class PipelineStep(Protocol):
    """One step: takes what is known, says in `note` what it got and gave, returns what is known after it."""

    @property
    def name(self) -> str: ...

    async def __call__(self, inquiry: Inquiry, note: Note) -> Inquiry: ...


def _present(value: T | None, step: str) -> T:
    if value is None:
        raise Internal(f"the step {step!r} has not run")
    return value
