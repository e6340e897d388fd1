"""The two tools about code: what a caller may reach, and what many at once come to."""

import asyncio
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.diagnostics.operations import GenerateOrder, PatternsOrder
from mcp_gateway.diagnostics.routers import GenerateRouter, NoSuchRouter, OutsideProject, ValidatePatterns
from mcp_gateway.kit.patterns.index import find_router
from mcp_gateway.kit.patterns.model import Level
from mcp_gateway.kit.routes.order import RouterOrder

pytestmark = pytest.mark.anyio


async def test_routers_are_made_one_after_the_other() -> None:
    inside, overlapped = threading.Lock(), []

    def generate(_: RouterOrder) -> Mapping[str, Json]:
        overlapped.append(not inside.acquire(blocking=False))
        for _turn in range(1_000):
            os.sched_yield()
        inside.release()
        return {}

    making = GenerateRouter(generate=generate)
    await asyncio.gather(*(making(LOCAL_CALLER, GenerateOrder(router_name="products", router_type="proxy")) for _ in range(8)))
    assert overlapped == [False] * 8


class NobodyJudges:
    async def judge(self, path: Path, level: Level, *, project: Path) -> Mapping[str, Json]:
        raise AssertionError(path)

    async def judge_text(self, text: str, level: Level) -> Mapping[str, Json]:
        raise AssertionError(text)


@pytest.mark.parametrize(
    ("path", "error"),
    [("a" * 900, NoSuchRouter), ("loop/x.py", NoSuchRouter), ("out.py", OutsideProject), ("../x.py", OutsideProject)],
)
async def test_what_is_not_below_the_project_is_not_judged(path: str, error: type[GatewayError], tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "loop").symlink_to("loop")
    (project / "out.py").symlink_to(tmp_path / "x.py")
    with pytest.raises(error):
        await ValidatePatterns(project=project, find=find_router, judging=NobodyJudges())(
            LOCAL_CALLER, PatternsOrder(router_path=path)
        )
