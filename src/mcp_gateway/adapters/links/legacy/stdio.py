"""A program of this machine, spoken with over its standard input and output: one process for each session.

It runs under a guardian (`guardian.py`), without a shell, with the environment it is given and no other. Whatever it prints
that is no message is dropped.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from mcp_gateway.adapters.links.discretion import Discretion, secrets_in_environment
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.legacy.channel import Hearing
from mcp_gateway.adapters.links.legacy.exchange import Exchange
from mcp_gateway.adapters.links.legacy.guardian import GRACE_SECONDS, NOT_STARTED, TOO_MUCH_MEMORY
from mcp_gateway.adapters.links.legacy.murmur import Murmur
from mcp_gateway.adapters.links.legacy.remains import end_remains
from mcp_gateway.adapters.links.legacy.starts import Starts
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, parse, render
from mcp_gateway.federation.model import Client
from mcp_gateway.registry.model import Command

_GUARDIAN: Final = Path(__file__).with_name("guardian.py")
# From its input being closed until it is told to end, and from then on until it is made to.
_LEAVE_SECONDS: Final = 1.0
_MUST_SECONDS: Final = GRACE_SECONDS + 6.0
_LOOK_SECONDS: Final = 0.5
_DROPPED_BYTES: Final = 64 * 1024
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """`environment` is all it gets beside its own; `line_bytes` bounds one message."""

    command: Command
    environment: Mapping[str, str]
    line_bytes: int


class StdioChannel:
    """One child process is one session."""

    for_both_eras = True

    def __init__(self, program: Program, faults: Faults, starts: Starts, *, clock: Clock) -> None:
        self._program, self._faults, self._starts, self._clock = program, faults, starts, clock
        self._hidden = Discretion(secrets_in_environment(program.command.environment))
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._guarding: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._started_at = 0.0
        self._closing = False

    async def open(self, hearing: Hearing) -> None:
        self._started_at = self._starts.check()
        command = self._program.command
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-B", os.fspath(_GUARDIAN), str(command.max_memory_bytes), str(os.getpid()),
                command.program, *command.arguments,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                env={**self._program.environment, **command.environment}, cwd=command.directory or None,
                start_new_session=True, limit=self._program.line_bytes,
            )  # fmt: skip
        except OSError as error:
            raise self._faults.unreachable(f"its program cannot be started ({error.strerror})") from error
        self._process = process
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - they are pipes
        murmur = Murmur(self._faults.server, self._secrets(), clock=self._clock)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._read(process, process.stdout, hearing)),
            loop.create_task(murmur.drain(process.stderr)),
        ]
        self._guarding = loop.create_task(_outlive(process))

    async def agreed(self, revision: str) -> None: ...

    async def ask(self, message: JsonObject, exchange: Exchange, client: Client) -> None:
        await self.tell(message)

    async def tell(self, message: JsonObject) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            raise self._faults.lost("its program has ended")
        async with self._writing:
            process.stdin.write(render(message) + b"\n")
            try:
                await process.stdin.drain()
            except OSError as error:
                raise self._faults.lost("its program has ended") from error

    def listen(self) -> None: ...

    async def close(self) -> None:
        """Asks it to end, by and by more firmly."""
        self._closing = True
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if not await _ended(process, _LEAVE_SECONDS):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            if not await _ended(process, _MUST_SECONDS):
                with contextlib.suppress(ProcessLookupError):
                    # Never a group that is not its own.
                    if os.getpgid(process.pid) == process.pid:
                        os.killpg(process.pid, signal.SIGKILL)
                await _ended(process, _LEAVE_SECONDS)
        if self._guarding is not None and (process.returncode is None or process.returncode < 0):
            await asyncio.wait([self._guarding], timeout=_MUST_SECONDS)
        if self._guarding is not None:
            self._guarding.cancel()
        # With the last process the streams end, and with them whoever reads them.
        await asyncio.wait(self._tasks, timeout=_LEAVE_SECONDS)
        for task in self._tasks:
            task.cancel()

    async def _read(self, process: asyncio.subprocess.Process, stream: asyncio.StreamReader, hearing: Hearing) -> None:
        error: GatewayError | None = None
        garbage = 0
        try:
            while line := await stream.readuntil(b"\n"):
                message = _message(self._hidden.whole(line))
                if message is not None:
                    hearing.heard(message, None, len(line))
                elif line.strip():
                    garbage += 1
                    if garbage == 1:
                        _log.info("server_printed_no_message", server=self._faults.server, length=len(line))
        except asyncio.IncompleteReadError:
            pass
        except asyncio.LimitOverrunError:
            error = self._faults.too_large(self._program.line_bytes)
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        except OSError:
            pass
        if not self._closing:
            hearing.lost(error or await self._why(process))
            self._starts.ended(self._started_at)
        while await stream.read(_DROPPED_BYTES):
            pass

    async def _why(self, process: asyncio.subprocess.Process) -> GatewayError:
        await _ended(process, _LEAVE_SECONDS)
        if process.returncode == TOO_MUCH_MEMORY:
            return self._faults.lost("its program took more memory than it may and was ended")
        if process.returncode == NOT_STARTED:
            return self._faults.unreachable("its program cannot be started")
        return self._faults.lost(f"its program ended (status {process.returncode})")

    def _secrets(self) -> Iterable[str]:
        return (*self._program.command.environment.values(), *self._program.command.arguments)


async def _outlive(process: asyncio.subprocess.Process) -> None:
    """Ends what a guardian that was killed had to end."""
    while process.returncode is None:  # noqa: ASYNC110 - there is no event, for
        # its streams may be held open by others, and as long as they are nobody is told that it ended.
        await asyncio.sleep(_LOOK_SECONDS)
    if process.returncode < 0:
        _log.warning("guardian_killed", process=process.pid)
        await asyncio.to_thread(end_remains, process.pid)


async def _ended(process: asyncio.subprocess.Process, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await process.wait()
    return process.returncode is not None


def _message(line: bytes) -> JsonObject | None:
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        value = parse(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value.get("jsonrpc") == "2.0" else None
