"""The words in force now: the file's last good edition, looked at anew before every answer.

A look is one `stat`; only a file that changed is read again, in a thread. A broken file changes nothing but the status: the last
good edition stays in force, and the faults are told. `watch` does the same without being asked, for those who subscribed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.glossary.errors import BadGlossaryFile
from mcp_gateway.glossary.load import parse_glossary, read_glossary, version_of
from mcp_gateway.glossary.model import Edition, GlossaryState

Signature: TypeAlias = tuple[int, int, int] | None

# How often `watch` looks. Also the time a copy is vouched for: nobody learns of an edit later than this.
LOOK_SECONDS = 0.25
# An editor may be caught in the middle of writing: a file that looks broken is read once more after this time.
SETTLE_SECONDS = 0.1
# File systems count time in steps; an edit within the same step as the last look must not be missed.
MTIME_STEP_NS = 2_000_000_000

_log = structlog.get_logger(__name__)


class Glossary:
    """One glossary file. `open` first."""

    def __init__(self, path: Path, clock: Clock, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """`pause` waits for so many seconds."""
        self._path = path
        self._clock = clock
        self._pause = pause
        self._lock = asyncio.Lock()
        self._signature: Signature = None
        self._settled = False
        self._seen = ""
        self._state: GlossaryState | None = None

    async def open(self) -> GlossaryState:
        """Read the file for the first time. Raises `BadGlossaryFile`: there is nothing to fall back on yet."""
        edition = await asyncio.to_thread(self._read)
        if edition is None:
            return self._opened()
        self._state = GlossaryState(file=self._path.name, edition=edition, since=self._clock.now())
        return self._state

    @property
    def last_state(self) -> GlossaryState:
        """What the last look found, without looking again."""
        return self._opened()

    async def current(self) -> GlossaryState:
        """The words in force after a look at the file. Never raises for a broken file."""
        state = self._opened()
        if self._unchanged():
            return state
        async with self._lock:
            if not self._unchanged():
                await self._read_again()
        return self._opened()

    async def watch(self, on_change: Callable[[GlossaryState, GlossaryState], Awaitable[None]]) -> None:
        """Look forever and call with the state before and after, whenever words or faults are not what they were."""
        told = self._opened()
        while True:
            try:
                state = await self.current()
                if state is not told:
                    before, told = told, state
                    await on_change(before, state)
            except Exception:  # noqa: BLE001
                _log.exception("glossary_watch_fault", file=self._path.name)
            await self._pause(LOOK_SECONDS)

    async def _read_again(self) -> None:
        before = self._opened()
        try:
            edition = await self._read_settled()
        except BadGlossaryFile as error:
            self._report(before, replace(before, faults=error.faults))
            return
        if edition is None:
            return
        if edition.version == before.edition.version:
            self._report(before, replace(before, faults=()))
        else:
            self._report(before, GlossaryState(file=before.file, edition=edition, since=self._clock.now()))

    async def _read_settled(self) -> Edition | None:
        seen = self._seen
        try:
            return await asyncio.to_thread(self._read)
        except BadGlossaryFile as error:
            await self._pause(SETTLE_SECONDS)
            if self._look() == self._signature:
                raise error from None
        self._seen = seen
        return await asyncio.to_thread(self._read)

    def _read(self) -> Edition | None:
        """The file as it is; None when its bytes are those seen last. Raises `BadGlossaryFile`."""
        signature, seen = self._look(), self._seen
        self._remember(signature, "")
        content = read_glossary(self._path)
        version = version_of(content)
        self._remember(signature, version)
        if version == seen:
            return None
        return parse_glossary(self._path, content)

    def _report(self, before: GlossaryState, after: GlossaryState) -> None:
        if after == before:
            return
        self._state = after
        if after.faults:
            _log.warning("glossary_broken", file=after.file, faults=[fault.in_words(after.file) for fault in after.faults[:5]])
        else:
            _log.info("glossary_changed", file=after.file, version=after.edition.version)

    def _opened(self) -> GlossaryState:
        if self._state is None:
            raise RuntimeError("the glossary is not open")
        return self._state

    def _look(self) -> Signature:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _unchanged(self) -> bool:
        return self._settled and self._look() == self._signature

    def _remember(self, signature: Signature, version: str) -> None:
        now_ns = int(self._clock.timestamp() * 1e9)
        self._signature = signature
        self._seen = version
        self._settled = signature is None or now_ns - signature[0] > MTIME_STEP_NS
