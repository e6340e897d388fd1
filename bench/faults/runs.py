"""One run: watch the rig while it is well, put a fault in, diagnose, mend, and see whether it is well again."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.faults.cases import Fault, Strength
from bench.faults.lab import Found, Lab
from bench.faults.remedies import carry_out

from mcp_gateway.diagnostics.actions.kinds import KINDS
from mcp_gateway.diagnostics.actions.remedies import remedies
from mcp_gateway.diagnostics.causes.ranking import WEIGHED
from mcp_gateway.diagnostics.verdict import Hypothesis

SETTLING_SECONDS = 6.0
RESTORED_WITHIN_SECONDS = 60.0
# The window in which it is looked whether it is well again.
AFTERWARDS_SECONDS = 3.0


@dataclass
class Run:
    """What came of one fault at one strength. `restored_in` None: not within a minute, or nothing was tried."""

    fault: str
    cause: str
    strength: Strength
    answered: tuple[str, ...] = ()
    component: bool = False
    evidence: bool = False
    applied: tuple[str, ...] = ()
    restored_in: float | None = None
    unsafe: bool = False
    seconds: float = 0.0
    stable: int = 0
    asked: int = 0
    swerved: tuple[str, ...] = ()
    others: Sequence[Hypothesis] = field(default_factory=tuple)
    truth: Hypothesis | None = None

    @property
    def first(self) -> bool:
        return bool(self.answered) and self.answered[0] == self.cause

    @property
    def place(self) -> int:
        """Of the true cause among the answers, from 1; 0 when it is not there."""
        return self.answered.index(self.cause) + 1 if self.cause in self.answered else 0


async def run_one(lab: Lab, fault: Fault, strength: Strength, *, repeats: int = 1, mend: bool = True) -> Run:
    """The rig is well before and after."""
    await lab.settle(SETTLING_SECONDS)
    run = Run(fault=fault.code, cause=fault.cause, strength=strength)
    lab.stop_stuttering.clear()
    async with fault.inject(lab, strength):
        await asyncio.sleep(fault.seconds)
        found = await lab.diagnose(time.monotonic() - lab.settled)
        _judge(run, fault, found)
        for _ in range(repeats):
            again = await lab.diagnose(time.monotonic() - lab.settled)
            run.asked += 1
            if again.names[:1] == found.names[:1]:
                run.stable += 1
            else:
                run.swerved = (*run.swerved, ", ".join(again.names) or "nothing")
        if mend and run.answered:
            await _mend(lab, run, found)
    await lab.heal()
    return run


async def run_control(lab: Lab, *, seconds: float = 6.0) -> Found:
    """A diagnosis of a rig that is well, however it is loaded."""
    await asyncio.sleep(seconds)
    return await lab.diagnose(time.monotonic() - lab.settled)


def _judge(run: Run, fault: Fault, found: Found) -> None:
    run.answered, run.seconds = found.names, found.seconds
    run.others, run.truth = found.causes.standing, WEIGHED[fault.cause](found.window)
    truth = next((one for one in found.causes.standing if one.cause == fault.cause), None)
    if truth is not None:
        run.component = fault.component.lower() in truth.component.lower()
        run.evidence = any(one.name in fault.signals for one in truth.supports)


async def _mend(lab: Lab, run: Run, found: Found) -> None:
    """The remedies of the first cause, in their order, until the objective holds and the cause is gone."""
    cause = found.causes.standing[0]
    begun = time.monotonic()
    applied = []
    for one in remedies(cause, found.window, lab.deployment):
        applied.append(one.kind)
        run.unsafe |= one.kind not in KINDS or one.risk == "high"
        await carry_out(lab, one)
    run.applied = tuple(applied)
    while time.monotonic() - begun < RESTORED_WITHIN_SECONDS:
        since = time.monotonic()
        await lab.mark()
        await asyncio.sleep(AFTERWARDS_SECONDS)
        after = await lab.diagnose(AFTERWARDS_SECONDS - 0.2)
        gone = cause.cause not in after.names or not applied or applied == ["tell_tenant"]
        if gone and lab.served_as_usual(since):
            run.restored_in = time.monotonic() - begun
            return
