"""Routers judged in a process of their own: whatever a text does to those who parse it, this process goes on and can end it."""

import asyncio
import contextlib
import json
import resource
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.errors import NotJudged
from mcp_gateway.kit.patterns.model import Level

NAME: Final = "router.py"
# A judgement keeps a processor busy, for up to half a minute when somebody means it to.
AT_ONCE: Final = 2
MAX_MEMORY_BYTES: Final = 2 * 1024**3
# What it says when it fails, as far as it is passed on.
MAX_WORDS: Final = 300


class PatternsCommand:
    """Implements `diagnostics.routers.Judging` by `mcp-gateway patterns`; each judgement is a program that ends with it.

    So many run at once; others wait.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    async def judge(self, path: Path, level: Level, *, project: Path) -> Mapping[str, Json]:
        """Cancelling it ends the program. Raises `NotJudged`."""
        async with self._places:
            return await self._judge(path, level, project)

    async def _judge(self, path: Path, level: Level, project: Path) -> Mapping[str, Json]:
        program = await asyncio.create_subprocess_exec(
            # Without -P the folder that is judged comes before our own modules and Python's, and its code would run.
            *(sys.executable, "-P", "-m", "mcp_gateway", "patterns", str(path), "--level", level, "--format", "json"),
            *("--fail-on", "off", "--project", str(project)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=project,
            start_new_session=True,
        )
        try:
            _bound(program.pid)
            printed, said = await program.communicate()
        finally:
            if program.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    program.kill()
                await program.wait()
        if program.returncode != 0:
            raise NotJudged(program.returncode, _words(said, project))
        report: Mapping[str, Json] = json.loads(printed)
        return report

    async def judge_text(self, text: str, level: Level) -> Mapping[str, Json]:
        """As if it stood in a file beside nothing: what it imports is not looked for on this machine."""
        with tempfile.TemporaryDirectory(prefix="mcp-gateway-router-") as folder:
            path = Path(folder) / NAME
            await asyncio.to_thread(path.write_bytes, text.encode("utf-8", "surrogatepass"))
            return await self.judge(path, level, project=path.parent)


def _bound(pid: int) -> None:
    """What it takes more of memory fails there, and not where it is noticed by everybody. Linux alone can do so from outside."""
    if sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


def _words(said: bytes, project: Path) -> str:
    """What the program says is wrong, without where on this machine the project, or the program, is."""
    lines = said.decode(errors="replace").replace(str(project), ".").splitlines()
    wrong = [line for line in lines if line.startswith("error: ")] or lines[-1:]
    return " ".join(wrong)[:MAX_WORDS]
