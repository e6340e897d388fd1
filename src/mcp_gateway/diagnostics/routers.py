"""`generate_enterprise_router` and `validate_enterprise_patterns` as tools: texts come and go, nothing is written or run.

The work itself is the kit's (`kit.routes`, `kit.patterns`). Here is what a caller over a network may reach: the folder that
whoever started the tools has named, and nothing beside it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp_gateway.core.errors import InvalidInput, Json, NotFound, TimedOut
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.operations import GenerateOrder, PatternsOrder
from mcp_gateway.kit.patterns.model import Order, Report
from mcp_gateway.kit.routes.order import OPERATIONS, RouterOrder

# A project of some thousand files.
VALIDATE_SECONDS: Final = 30.0
_NOWHERE: Final = Path("/nonexistent")


class NoProject(NotFound):
    """No folder of code was named to these tools."""

    code = "NO_PROJECT"
    hint = "Give the router's text as `code`, or start `mcp-gateway ops --project FOLDER` where the code is."


class OutsideProject(InvalidInput):
    """This path leads out of the project's folder."""

    code = "OUTSIDE_PROJECT"
    hint = "Name a file or folder below the project's folder, without `..`."


class ValidationTimedOut(TimedOut):
    """Checking took too long."""

    code = "VALIDATION_TIMED_OUT"
    hint = "Name a smaller folder, or run `mcp-gateway patterns` where the code is."


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateRouter:
    """`generate`: the kit's. Raises `InvalidRouterOrder`."""

    generate: Callable[[RouterOrder], Mapping[str, Json]]

    async def __call__(self, caller: Caller, order: GenerateOrder) -> Mapping[str, Json]:
        wanted = RouterOrder(
            router_name=order.router_name,
            router_type=order.router_type,
            operations=order.operations or OPERATIONS,
            include_rate_limiting=order.include_rate_limiting,
            include_caching=order.include_caching,
        )
        return await asyncio.to_thread(self.generate, wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidatePatterns:
    """`project` None: only texts are judged. The others are the kit's: `find` the one file of a project whose path ends so,
    `validate` files, `validate_text`, and `shape` a report as JSON.

    Raises `NoProject`, `OutsideProject`, `PatternPathNotFound`, `ValidationTimedOut`.
    """

    project: Path | None
    find: Callable[[Path, str], Path]
    validate: Callable[[Order], Report]
    validate_text: Callable[[str, Order], Report]
    shape: Callable[[Report], Mapping[str, Json]]

    async def __call__(self, caller: Caller, order: PatternsOrder) -> Mapping[str, Json]:
        if order.code is not None and order.router_path is not None:
            raise InvalidInput("Give a path or a text, not both.", hint="Leave out `router_path` or `code`.")
        try:
            async with asyncio.timeout(VALIDATE_SECONDS):
                return self.shape(await asyncio.to_thread(self._judge, order))
        except TimeoutError as error:
            raise ValidationTimedOut(timeout_seconds=VALIDATE_SECONDS) from error

    def _judge(self, order: PatternsOrder) -> Report:
        if order.code is not None:
            # Beside nothing: what it imports is not looked for on this machine.
            return self.validate_text(order.code, Order(root=_NOWHERE, paths=(), level=order.validation_level))
        root = self._root()
        return self.validate(Order(root=root, paths=(self._place(root, order.router_path),), level=order.validation_level))

    def _root(self) -> Path:
        if self.project is None:
            raise NoProject
        return self.project.resolve()

    def _place(self, root: Path, path: str | None) -> Path:
        if path is None:
            return root
        if "\0" in path:
            raise OutsideProject
        found = (root / path).resolve()
        if not found.is_relative_to(root):
            raise OutsideProject
        return found if found.is_dir() else self.find(root, path)
