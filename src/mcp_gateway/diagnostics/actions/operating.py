"""What carrying a remedy out is made of: whom it concerns, the change and its way back, the steps that are written down."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.verdict import Action

# What a step of an operator may take, where it does not say otherwise.
STEP_SECONDS = 30.0

StepName: TypeAlias = Literal[
    "previewed", "begun", "carried_out", "failed", "interrupted", "helped", "did_not_help", "undone", "not_undone", "stays"
]
# After one of these nothing of it is under way, and nothing waits to be taken back.
LAST_STEPS: frozenset[StepName] = frozenset({"helped", "undone", "stays"})

Undo: TypeAlias = Callable[[], Awaitable[None]]
# Whether the signal that the remedy promised has come.
Came: TypeAlias = Callable[[], Awaitable[bool]]
# Hears in words how far it is.
Progress: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Radius:
    """Whom and what a change concerns. None: not known, and said so.

    `changes` in words, one line each; `fixed`: what has to be the same when it is carried out, else it is not.
    """

    keys: int | None = None
    tenants: int | None = None
    requests_per_second: float | None = None
    changes: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What would be done. `token` must be given back to have it done."""

    action: Action
    sentence: str
    radius: Radius
    token: str

    def to_dict(self) -> dict[str, Json]:
        radius: dict[str, Json] = {
            "keys": self.radius.keys,
            "tenants": self.radius.tenants,
            "requests_per_second": self.radius.requests_per_second,
            "changes": list(self.radius.changes),
        }
        return {"action": self.action.to_dict(), "sentence": self.sentence, "blast_radius": radius, "token": self.token}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a change came to. `said` in words; not `whole`: a part is done, and asking again goes on."""

    said: str = ""
    whole: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A change that is ready, its conditions just looked at.

    `undo` takes back what was done of it, also when that is a part or nothing, and never what somebody else changed since;
    None: it cannot be taken back. `way_back` says how to do that by hand, should this program be killed. `fixed` as in `Radius`.
    `seconds`: what `do` may take. Either raises `GatewayError`.
    """

    do: Callable[[Progress], Awaitable[Outcome]]
    undo: Undo | None = None
    way_back: str = ""
    fixed: tuple[str, ...] = ()
    seconds: float = STEP_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One line of the trail. `run`: the same for all steps of one carrying out."""

    name: StepName
    caller: Caller
    action: Action
    run: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """`helped` False: its signal did not come. `undone` None: there was no need, or nothing that could be undone.

    `outcome`: what the change came to. `way_back`: how to undo it by hand, where that failed.
    """

    action: Action
    helped: bool
    seconds: float
    undone: bool | None = None
    outcome: Outcome = Outcome()
    way_back: str = ""
    steps: tuple[StepName, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        return {
            "action": self.action.to_dict(),
            "helped": self.helped,
            "seconds": round(self.seconds, 1),
            "undone": self.undone,
            "outcome": self.outcome.said,
            "whole": self.outcome.whole,
            "way_back": self.way_back,
            "steps": list(self.steps),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfinished:
    """A remedy of which the trail tells that it was begun, and not how it ended: it is under way, or was killed, or not undone.

    `at`: when it was begun. `way_back`: by hand.
    """

    kind: str
    last_step: str
    at: datetime
    by: str
    run: str
    way_back: str


class Operator(Protocol):
    """Does one kind of remedy. Raises `GatewayError`."""

    async def radius(self, action: Action) -> Radius:
        """Whom it concerns; reads only, and so much that it takes a few seconds at most."""
        ...

    async def prepare(self, action: Action) -> Change:
        """Looks again whether it may be done, and reads what is needed to take it back; changes nothing."""
        ...


class Trail(Protocol):
    """Where steps are written down."""

    async def record(self, step: Step) -> None:
        """Raises when it cannot be: then nothing is done, or what was done is undone."""
        ...

    async def unfinished(self) -> tuple[Unfinished, ...]:
        """Of the last day, newest first."""
        ...


class Turns(Protocol):
    """One remedy at a time."""

    def turn(self, action: Action) -> AbstractAsyncContextManager[None]:
        """From before the diagnosis to the end, over all processes. Raises `RemedyUnderWay`, which says whose it is."""
        ...
