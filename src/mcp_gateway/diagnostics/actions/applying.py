"""Carrying a remedy out, in this order: whom it concerns, a preview, the change, its signal within its time, or back again.

A remedy that is to be carried out must be the one that was previewed: whoever says yes has seen what he says yes to. What is
carried out is an operator's typed work, never a command's text.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.actions.carrying import CarryingOut, Pace
from mcp_gateway.diagnostics.actions.kinds import told
from mcp_gateway.diagnostics.actions.operating import STEP_SECONDS, Applied, Came, Operator, Preview, Progress, Trail
from mcp_gateway.diagnostics.errors import NotAsPreviewed, RemedyTimedOut
from mcp_gateway.diagnostics.verdict import Action

WITHIN_SECONDS = 60.0
EVERY_SECONDS = 3.0
_HALF = 32


def unheard(_: str) -> None:
    """Nobody waits for progress."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Applying:
    """`operators`: by kind; what has none cannot be carried out here, and stays a recommendation."""

    operators: Mapping[str, Operator]
    trail: Trail
    clock: Clock
    secret: bytes = field(repr=False)
    within_seconds: float = WITHIN_SECONDS
    every_seconds: float = EVERY_SECONDS

    async def preview(self, action: Action) -> Preview:
        """Changes nothing. Raises `InvalidInput` for a kind nobody here can carry out, and what the operator raises."""
        operator = self._operator(action)
        async with _bounded():
            radius = await operator.radius(action)
        return Preview(action=action, sentence=told(action), radius=radius, token=self._token(action, radius.fixed))

    async def apply(self, caller: Caller, action: Action, *, token: str, came: Came, hear: Progress = unheard) -> Applied:
        """Do what was previewed, and undo it when its signal does not come in time.

        `hear` is told in words how far it is. Raises `InvalidInput` and `NotAsPreviewed`, with nothing changed; what the change,
        the trail and the watching raise, once it is taken back; and `RemedyNotUndone` in their place when that failed.
        """
        if token[:_HALF] != self._token(action, ())[:_HALF]:
            raise InvalidInput("This is not what was previewed.", hint="Ask for the preview, and give its token back.")
        operator = self._operator(action)
        async with _bounded():
            change = await operator.prepare(action)
        if token != self._token(action, change.fixed):
            raise NotAsPreviewed(would_change=list[Json](change.fixed))
        carrying = CarryingOut(
            trail=self.trail,
            clock=self.clock,
            pace=Pace(within_seconds=self.within_seconds, every_seconds=self.every_seconds),
            caller=caller,
            action=action,
            change=change,
            run=secrets.token_hex(8),
            hear=hear,
        )
        return await carrying.end_to_end(came)

    def _operator(self, action: Action) -> Operator:
        found = self.operators.get(action.kind)
        if found is None:
            raise InvalidInput(f"{action.kind} is for people to carry out.", hint=f"By hand:\n{action.command}")
        return found

    def _token(self, action: Action, fixed: Sequence[str]) -> str:
        """First of the remedy and its targets, then of what it would change; nobody else can make one."""
        which: list[Json] = [action.kind, *(f"{name}={value}" for name, value in sorted(action.target.items()))]
        return self._digest(which) + self._digest([which, list[Json](fixed)])

    def _digest(self, said: list[Json]) -> str:
        return hashlib.blake2b(json.dumps(said).encode(), key=self.secret[:64], digest_size=_HALF // 2).hexdigest()


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(STEP_SECONDS):
            yield
    except TimeoutError as error:
        raise RemedyTimedOut("Looking at what it would change took too long; nothing was changed.") from error
