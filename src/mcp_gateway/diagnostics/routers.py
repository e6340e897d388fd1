"""`generate_enterprise_router` and `validate_enterprise_patterns` as tools: texts come and go, nothing is written or run.

The work itself is the kit's (`kit.routes`, `kit.patterns`). Here is what a caller over a network may reach: the folder that
whoever started the tools has named, and nothing beside it.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from mcp_gateway.core.errors import InvalidInput, Json, NotFound, TimedOut
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.operations import GenerateOrder, PatternsOrder
from mcp_gateway.kit.patterns.model import Level
from mcp_gateway.kit.routes.order import OPERATIONS, RouterOrder

# A project of some thousand files.
VALIDATE_SECONDS: Final = 30.0


class NoProject(NotFound):
    """No folder of code was named to these tools."""

    code = "NO_PROJECT"
    hint = "Give the router's text as `code`, or start `mcp-gateway ops --project FOLDER` where the code is."


class OutsideProject(InvalidInput):
    """This path leads out of the project's folder."""

    code = "OUTSIDE_PROJECT"
    hint = "Name a file or folder below the project's folder, without `..`."


class NoSuchRouter(NotFound):
    """This path cannot be followed."""

    code = "ROUTER_PATH_UNUSABLE"
    hint = "Name a file or folder below the project's folder; the path may be too long, or a link that leads to itself."


class ValidationTimedOut(TimedOut):
    """Checking took too long."""

    code = "VALIDATION_TIMED_OUT"
    hint = "Name a smaller folder, or run `mcp-gateway patterns` where the code is."


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateRouter:
    """`generate`: the kit's. Raises `InvalidRouterOrder`. One at a time: Python 3.11 cannot parse in two threads (gh-106905)."""

    generate: Callable[[RouterOrder], Mapping[str, Json]]
    alone: threading.Lock = field(default_factory=threading.Lock, repr=False)

    async def __call__(self, caller: Caller, order: GenerateOrder) -> Mapping[str, Json]:
        wanted = RouterOrder(
            router_name=order.router_name,
            router_type=order.router_type,
            operations=order.operations or OPERATIONS,
            include_rate_limiting=order.include_rate_limiting,
            include_caching=order.include_caching,
        )
        return await asyncio.to_thread(self._generate, wanted)

    def _generate(self, wanted: RouterOrder) -> Mapping[str, Json]:
        with self.alone:
            return self.generate(wanted)


class Judging(Protocol):
    """Judges routers so that no code, however made, harms whoever asks. The report is JSON; raises `NotJudged`."""

    async def judge(self, path: Path, level: Level, *, project: Path) -> Mapping[str, Json]:
        """A file, or all below a folder, of a project."""
        ...

    async def judge_text(self, text: str, level: Level, /) -> Mapping[str, Json]:
        """A router that is no file yet."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidatePatterns:
    """`project` None: only texts are judged. `find`: the one file of a project whose path ends so.

    Raises `NoProject`, `OutsideProject`, `NoSuchRouter`, `PatternPathNotFound`, `ValidationTimedOut`, `NotJudged`.
    """

    project: Path | None
    find: Callable[[Path, str], Path]
    judging: Judging

    async def __call__(self, caller: Caller, order: PatternsOrder) -> Mapping[str, Json]:
        if order.code is not None and order.router_path is not None:
            raise InvalidInput("Give a path or a text, not both.", hint="Leave out `router_path` or `code`.")
        try:
            async with asyncio.timeout(VALIDATE_SECONDS):
                if order.code is not None:
                    return await self.judging.judge_text(order.code, order.validation_level)
                place, root = await asyncio.to_thread(self._place, order.router_path)
                return await self.judging.judge(place, order.validation_level, project=root)
        except TimeoutError as error:
            raise ValidationTimedOut(timeout_seconds=VALIDATE_SECONDS) from error

    def _place(self, path: str | None) -> tuple[Path, Path]:
        """Where to look, and the project's folder."""
        if self.project is None:
            raise NoProject
        root = self.project.resolve()
        if path is None:
            return root, root
        if "\0" in path:
            raise OutsideProject
        try:
            found = (root / path).resolve()
            if not found.is_relative_to(root):
                raise OutsideProject
            return (found if found.is_dir() else self.find(root, path)), root
        except (OSError, RuntimeError) as error:  # too long a name, links in a circle
            raise NoSuchRouter from error
