"""Routers judged in a process of their own: what it says of a fault, and what it does not."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_gateway.adapters import patterns_command
from mcp_gateway.adapters.patterns_command import AT_ONCE, PatternsCommand
from mcp_gateway.diagnostics.errors import NotJudged

pytestmark = pytest.mark.anyio


async def test_a_refusal_does_not_say_where_the_project_is(tmp_path: Path) -> None:
    with pytest.raises(NotJudged) as refused:
        await PatternsCommand().judge(tmp_path / "none.py", "basic", project=tmp_path)
    assert "'none.py' is neither a file nor a folder" in str(refused.value.data["said"])
    assert str(tmp_path) not in str(refused.value.to_dict())


async def test_settings_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.mcp-gateway.patterns]\nlevle = 1\n")
    with pytest.raises(NotJudged) as refused:
        await PatternsCommand().judge(tmp_path, "basic", project=tmp_path)
    assert "There is no key 'levle'" in str(refused.value.data["said"])
    assert str(tmp_path) not in str(refused.value.to_dict())


async def test_a_project_without_routers_has_no_score(tmp_path: Path) -> None:
    found = await PatternsCommand().judge(tmp_path, "basic", project=tmp_path)
    assert (found["overall_compliance"], found["average_compliance_score"]) == ("nothing_judged", None)


@pytest.mark.parametrize("name", ["typer.py", "tomllib.py", "mcp_gateway/__init__.py"])
async def test_code_called_like_a_module_of_ours_is_not_run(tmp_path: Path, name: str) -> None:
    ran = tmp_path / "ran"
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(f"open({str(ran)!r}, 'w').close()\n")
    found = await PatternsCommand().judge(tmp_path, "basic", project=tmp_path)
    assert found["files_validated"] == 0
    assert not ran.exists()


async def test_only_so_many_programs_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = []
    start = asyncio.create_subprocess_exec

    async def counted(*words: str, **options: Any) -> asyncio.subprocess.Process:
        program = await start(*words, **options)
        wait = program.communicate

        async def communicate() -> tuple[bytes, bytes]:
            now.append(program.pid)
            running.append(len(now))
            printed = await wait()
            now.remove(program.pid)
            return printed

        monkeypatch.setattr(program, "communicate", communicate)
        return program

    now: list[int] = []
    monkeypatch.setattr(asyncio, "create_subprocess_exec", counted)
    judging = PatternsCommand()
    await asyncio.gather(*(judging.judge(tmp_path, "basic", project=tmp_path) for _ in range(5)))
    assert len(running) == 5
    assert max(running) <= AT_ONCE


@pytest.mark.skipif(sys.platform != "linux", reason="memory of another process can be bounded on Linux alone")
async def test_settings_that_take_all_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns_command, "MAX_MEMORY_BYTES", 400_000_000)
    (tmp_path / "pyproject.toml").write_text(".".join("a" * 20_000) + " = 1\n")
    with pytest.raises(NotJudged) as refused:
        await PatternsCommand().judge(tmp_path, "basic", project=tmp_path)
    assert "PATTERN_SETTINGS_INVALID" in str(refused.value.data["said"])
