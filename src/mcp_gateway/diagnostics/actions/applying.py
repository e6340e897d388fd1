"""Carrying a remedy out, in this order: whom it concerns, a preview, the change, its signal within its time, or back again.

A remedy that is to be carried out must be the one that was previewed: whoever says yes has seen what he says yes to. Each step is
written down before the next one begins. What is carried out is an operator's typed work, never a command's text.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, InvalidInput, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.actions.kinds import told
from mcp_gateway.diagnostics.verdict import Action

WITHIN_SECONDS = 60.0
EVERY_SECONDS = 3.0
# What a step of an operator may take.
STEP_SECONDS = 30.0

Undo: TypeAlias = Callable[[], Awaitable[None]]
# Whether the signal that the remedy promised has come.
Came: TypeAlias = Callable[[], Awaitable[bool]]
StepName: TypeAlias = Literal["previewed", "begun", "carried_out", "failed", "helped", "did_not_help", "undone", "not_undone"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Radius:
    """Whom and what a change concerns. None: not known, and said so. `changes` in words, one line each."""

    keys: int | None = None
    tenants: int | None = None
    requests_per_second: float | None = None
    changes: tuple[str, ...] = ()


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
class Step:
    """One line of the trail."""

    name: StepName
    caller: Caller
    action: Action
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """`helped` False: its signal did not come. `undone` None: there was no need, or nothing that could be undone."""

    action: Action
    helped: bool
    seconds: float
    undone: bool | None = None
    steps: tuple[StepName, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        return {
            "action": self.action.to_dict(),
            "helped": self.helped,
            "seconds": round(self.seconds, 1),
            "undone": self.undone,
            "steps": list(self.steps),
        }


class Operator(Protocol):
    """Does one kind of remedy. Raises `GatewayError`."""

    async def radius(self, action: Action) -> Radius:
        """Whom it concerns; reads only."""
        ...

    async def carry_out(self, action: Action) -> Undo | None:
        """The change; how to take it back, None when it cannot be."""
        ...


class Trail(Protocol):
    """Where steps are written down. Raises when it cannot be: then nothing is done."""

    async def record(self, step: Step) -> None: ...


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
        async with asyncio.timeout(STEP_SECONDS):
            radius = await operator.radius(action)
        return Preview(action=action, sentence=told(action), radius=radius, token=self._token(action))

    async def apply(self, caller: Caller, action: Action, *, token: str, came: Came) -> Applied:
        """Do what was previewed, and undo it when its signal does not come in time. Raises `InvalidInput` and `GatewayError`."""
        if token != self._token(action):
            raise InvalidInput("This is not what was previewed.", hint="Ask for the preview, and give its token back.")
        operator, steps = self._operator(action), list[StepName]()
        begun = self.clock.monotonic()
        await self._note(steps, "begun", caller, action)
        try:
            async with asyncio.timeout(STEP_SECONDS):
                undo = await operator.carry_out(action)
        except (GatewayError, TimeoutError) as error:
            await self._note(steps, "failed", caller, action, type(error).__name__)
            raise
        await self._note(steps, "carried_out", caller, action)
        helped = await self._wait(came)
        await self._note(steps, "helped" if helped else "did_not_help", caller, action)
        undone = None if helped or undo is None else await self._undo(undo, steps, caller, action)
        seconds = self.clock.monotonic() - begun
        return Applied(action=action, helped=helped, seconds=seconds, undone=undone, steps=tuple(steps))

    async def _wait(self, came: Came) -> bool:
        until = self.clock.monotonic() + self.within_seconds
        while True:
            if await came():
                return True
            if self.clock.monotonic() >= until:
                return False
            await asyncio.sleep(self.every_seconds)

    async def _undo(self, undo: Undo, steps: list[StepName], caller: Caller, action: Action) -> bool:
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await undo()
        except (GatewayError, TimeoutError) as error:
            await self._note(steps, "not_undone", caller, action, type(error).__name__)
            return False
        await self._note(steps, "undone", caller, action)
        return True

    async def _note(self, steps: list[StepName], name: StepName, caller: Caller, action: Action, detail: str = "") -> None:
        await self.trail.record(Step(name=name, caller=caller, action=action, detail=detail))
        steps.append(name)

    def _operator(self, action: Action) -> Operator:
        found = self.operators.get(action.kind)
        if found is None:
            raise InvalidInput(f"{action.kind} is for people to carry out.", hint=f"By hand:\n{action.command}")
        return found

    def _token(self, action: Action) -> str:
        """Of the remedy and its targets; nobody else can make one."""
        said = json.dumps([action.kind, sorted(action.target.items())]).encode()
        return hashlib.blake2b(said, key=self.secret[:64], digest_size=16).hexdigest()
