"""One remedy from its beginning to one of two ends: it helped and that is written down, or it is taken back.

Whatever comes between leads to the second: no signal, an error, a trail that cannot be written, Ctrl-C. Each step is written
down before the next one begins. Only the end of the process itself comes in between; for that the first step holds the way back.
"""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Unavailable
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.tasks import completed
from mcp_gateway.diagnostics.actions.operating import (
    STEP_SECONDS,
    Applied,
    Came,
    Change,
    Outcome,
    Progress,
    Step,
    StepName,
    Trail,
    Undo,
)
from mcp_gateway.diagnostics.errors import RemedyNotUndone, RemedyTimedOut
from mcp_gateway.diagnostics.verdict import Action

# What writing a step down may take.
NOTE_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Pace(NamedTuple):
    """How long the signal is waited for, and how often looked for."""

    within_seconds: float
    every_seconds: float


@dataclass(kw_only=True, slots=True)
class CarryingOut:
    """For one use. `run` names it in the trail; `hear` is told in words how far it is."""

    trail: Trail
    clock: Clock
    pace: Pace
    caller: Caller
    action: Action
    change: Change
    run: str
    hear: Progress
    steps: list[StepName] = field(default_factory=list)
    _outcome: Outcome = field(default_factory=Outcome)

    async def end_to_end(self, came: Came) -> Applied:
        """Raises what the change, the trail and the watching raise, once it is taken back; `RemedyNotUndone` when that failed."""
        begun = self.clock.monotonic()
        await self._note("begun", self.change.way_back)
        try:
            helped = await self._change_and_watch(came)
        except BaseException as error:  # whatever it is, Ctrl-C too: nothing may stay that nobody watches
            await completed(self._fell(error))
            raise
        undone = None if helped else await completed(self._take_back())
        return Applied(
            action=self.action,
            helped=helped,
            seconds=self.clock.monotonic() - begun,
            undone=undone,
            outcome=self._outcome,
            way_back=self.change.way_back if undone is False else "",
            steps=tuple(self.steps),
        )

    async def _change_and_watch(self, came: Came) -> bool:
        # What can be taken back is ended first, so that it is certain what to take back; what cannot is stopped where it is.
        self._outcome = await (self._do() if self.change.undo is None else completed(self._do()))
        await self._note("carried_out", self._outcome.said)
        self._tell(f"It is done; its signal is waited for up to {self.pace.within_seconds:g} s.")
        helped = await self._watch(came)
        await self._note("helped" if helped else "did_not_help")
        return helped

    async def _do(self) -> Outcome:
        try:
            async with asyncio.timeout(self.change.seconds):
                return await self.change.do(self._progressed)
        except TimeoutError as error:
            raise RemedyTimedOut(f"The change took over {self.change.seconds:g} s.", so_far=self._outcome.said) from error

    def _progressed(self, said: str) -> None:
        self._outcome = Outcome(said=said, whole=False)
        self._tell(said)

    async def _watch(self, came: Came) -> bool:
        until = self.clock.monotonic() + self.pace.within_seconds
        try:
            async with asyncio.timeout(self.pace.within_seconds + STEP_SECONDS):
                while not await came():
                    if self.clock.monotonic() >= until:
                        return False
                    await asyncio.sleep(self.pace.every_seconds)
        except TimeoutError:
            return False
        return True

    async def _fell(self, error: BaseException) -> None:
        """Take it back first, for writing may be what failed. Raises `RemedyNotUndone`."""
        ended: StepName = "failed" if isinstance(error, Exception) else "interrupted"
        self._tell(f"It was {'ended by an error' if ended == 'failed' else 'interrupted'}; what was changed is taken back.")
        why = error.code if isinstance(error, GatewayError) else type(error).__name__
        undone = await self._undo()
        await self._note_late(ended, f"{why}. {self._outcome.said}".rstrip())
        await self._note_undone(undone)
        if undone is False:
            raise RemedyNotUndone(
                f"{self.action.kind} was begun and could not be taken back. By hand: {self.change.way_back}",
                way_back=self.change.way_back,
                because=why,
            ) from error
        self._tell(
            "It was taken back." if undone else f"What was done stays: it cannot be taken back. {self._outcome.said}".rstrip()
        )

    async def _take_back(self) -> bool | None:
        undone = await self._undo()
        await self._note_undone(undone)
        return undone

    async def _undo(self) -> bool | None:
        """None: there is no way back."""
        if self.change.undo is None:
            return None
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await self._go_back(self.change.undo)
        except Exception:  # a wall: whatever hinders it, it is said, and with it the way back
            log.exception("remedy_not_undone", kind=self.action.kind, run=self.run, way_back=self.change.way_back)
            return False
        return True

    async def _go_back(self, undo: Undo) -> None:
        """Again and again while somebody does not answer: a store that fails over or starts anew is away for some seconds."""
        tried = False
        while True:
            try:
                return await undo()
            except Unavailable as error:
                if not tried:
                    self._tell(f"{error.message} Taking it back is tried for {STEP_SECONDS:g} s.")
                tried = True
            await asyncio.sleep(self.pace.every_seconds)

    async def _note_undone(self, undone: bool | None) -> None:  # noqa: FBT001  (the outcome itself)
        if undone is None:
            await self._note_late("stays", self._outcome.said)
        elif undone:
            await self._note_late("undone")
        else:
            await self._note_late("not_undone", self.change.way_back)

    async def _note_late(self, name: StepName, detail: str = "") -> None:
        """What is over by now is told to the log where the trail does not take it."""
        try:
            await self._note(name, detail)
        except Exception:  # a wall: nothing is left that a failure could hinder
            log.exception("remedy_step_not_written", kind=self.action.kind, run=self.run, step=name)
            self._tell(f"The audit trail does not take the step {name}; it stands in the log.")

    async def _note(self, name: StepName, detail: str = "") -> None:
        step = Step(name=name, caller=self.caller, action=self.action, run=self.run, detail=detail)
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                await self.trail.record(step)
        except TimeoutError as error:
            raise RemedyTimedOut(f"The audit trail did not take the step {name} within {NOTE_SECONDS:g} s.") from error
        self.steps.append(name)

    def _tell(self, said: str) -> None:
        """Whether anybody hears it decides nothing: a terminal that was closed must not keep a change from being taken back."""
        try:
            self.hear(said)
        except Exception:  # a wall: it is the listener's failure
            log.exception("remedy_not_heard", kind=self.action.kind, run=self.run)
