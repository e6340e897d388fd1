"""What each step of a question got, gave and took, as it happens. Holds no rows and no secrets: summaries only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_gateway.ask.model import Step
from mcp_gateway.ask.ports import ProgressListener
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Json


class Note:
    """What a step says of itself while it runs."""

    def __init__(self) -> None:
        self.input: dict[str, Json] = {}
        self.output: dict[str, Json] = {}
        self.skipped = False
        self.failed = False

    def skip(self, reason: str) -> None:
        """Say that there was nothing to do, and why."""
        self.skipped = True
        self.output["reason"] = reason

    def fail(self, code: str, message: str) -> None:
        """Say that the step did not succeed although the question goes on."""
        self.failed = True
        self.output.update(error=code, message=message)


class Trace:
    """The steps so far, in order; tells `listener` of each start and end."""

    def __init__(self, clock: Clock, listener: ProgressListener | None = None) -> None:
        self._clock = clock
        self._listener = listener
        self._arrival = clock.monotonic()
        self._steps: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps)

    def elapsed_ms(self) -> float:
        """Milliseconds since the question arrived."""
        return (self._clock.monotonic() - self._arrival) * 1000

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[Note]:
        """Record what happens inside as the step `name`, also when it raises or is cancelled."""
        started = self.elapsed_ms()
        note = Note()
        await self._tell(Step(name=f"{name}:started", status="ok", started_ms=started, duration_ms=0.0))
        try:
            yield note
        except GatewayError as error:
            note.fail(error.code, error.message)
            raise
        except BaseException as error:
            note.fail(type(error).__name__, "")
            raise
        finally:
            step = Step(
                name=name,
                status="failed" if note.failed else "skipped" if note.skipped else "ok",
                started_ms=started,
                duration_ms=self.elapsed_ms() - started,
                input=note.input,
                output=note.output,
            )
            self._steps.append(step)
        await self._tell(step)

    async def _tell(self, step: Step) -> None:
        if self._listener is not None:
            await self._listener(step)
