"""One drafting process as the process that started it sees it. One request at a time."""

import asyncio
import contextlib
import os
import pickle
import sys
from dataclasses import replace
from typing import Final

from mcp_gateway.adapters.drafting.errand import LENGTH_BYTES, Errand, Reply, Shelf, length_of, packed
from mcp_gateway.ask.model import Draft, DraftRequest
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary

_MODULE: Final = "mcp_gateway.adapters.drafting.worker"
_START_SECONDS: Final = 30.0
_END_SECONDS: Final = 2.0
_NO_SCHEMA: Final = DatabaseSchema(dialect="", tables=())
_NO_WORDS: Final = Vocabulary()


class ProcessDied(Exception):
    """The process has ended, or speaks no sense."""


class DraftingProcess:
    """Use `start`, which gives out only processes that are ready."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._schemas: Shelf[DatabaseSchema] = Shelf()
        self._vocabularies: Shelf[Vocabulary] = Shelf()

    @classmethod
    async def start(cls, threshold: float | None) -> "DraftingProcess":
        """Raises `ProcessDied`, also when it takes too long."""
        try:
            # Nothing of our environment, which may hold keys.
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", _MODULE, *([] if threshold is None else [repr(threshold)]),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(sys.path)},
            )  # fmt: skip
        except OSError as error:
            raise ProcessDied from error
        started = cls(process)
        async with contextlib.AsyncExitStack() as unless_ready:
            unless_ready.push_async_callback(started.end)
            try:
                async with asyncio.timeout(_START_SECONDS):
                    await started._read()
            except TimeoutError as error:
                raise ProcessDied from error
            unless_ready.pop_all()
        return started

    @property
    def pid(self) -> int:
        return self._process.pid

    async def draft(self, request: DraftRequest) -> Draft | None:
        """None when the engine failed over there. Raises `ProcessDied`; cancelled, the process is of no more use."""
        writer = self._process.stdin
        if writer is None:
            raise ProcessDied
        try:
            writer.write(packed(self._errand(request)))
            await writer.drain()
        except (OSError, RuntimeError) as error:
            raise ProcessDied from error
        return (await self._read()).draft

    async def end(self) -> None:
        """At once; never raises."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()

    def _errand(self, request: DraftRequest) -> Errand:
        schema, vocabulary = request.schema, request.vocabulary
        # What stands on a shelf is kept alive there, so nothing else can have its identity.
        has_schema = self._schemas.find(id(schema)) is not None
        has_words = self._vocabularies.find(id(vocabulary)) is not None
        if not has_schema:
            self._schemas.put(id(schema), schema)
        if not has_words:
            self._vocabularies.put(id(vocabulary), vocabulary)
        return Errand(
            bare=replace(request, schema=_NO_SCHEMA, vocabulary=_NO_WORDS),
            schema_key=id(schema),
            vocabulary_key=id(vocabulary),
            schema=None if has_schema else schema,
            vocabulary=None if has_words else vocabulary,
        )

    async def _read(self) -> Reply:
        reader = self._process.stdout
        if reader is None:
            raise ProcessDied
        try:
            body = await reader.readexactly(length_of(await reader.readexactly(LENGTH_BYTES)))
            reply = pickle.loads(body)  # noqa: S301  # from a process that we started
        except (asyncio.IncompleteReadError, OSError, ValueError, pickle.UnpicklingError) as error:
            raise ProcessDied from error
        if not isinstance(reply, Reply):
            raise ProcessDied
        return reply
