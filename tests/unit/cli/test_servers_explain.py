"""`servers explain`: why somebody sees a tool or does not, without a running gateway."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_gateway.cli import main
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.registry.model import Server
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.definitions import open_definitions
from mcp_gateway.wiring.store import open_own_store

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code and standard output of `mcp-gateway servers explain …` over a server `sums` with a tool `add`."""
    (tmp_path / "servers.yaml").write_text("servers: {sums: {url: 'https://sums.example/mcp', prefix: s_}}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("SERVERS_FILE", str(tmp_path / "servers.yaml"))
    monkeypatch.delenv("DATABASE_URL", raising=False)

    async def see() -> None:
        async with (
            open_own_store(load_settings()) as engine,
            open_definitions(engine, SystemClock(), follow=False) as definitions,
        ):
            await definitions.observe(Server(name="sums", url="https://sums.example/mcp"), "tools", [{"name": "add"}])

    asyncio.run(see())

    def run_it(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["servers", "explain", *words])
        return int(ended.value.code or 0), capsys.readouterr().out

    return run_it


def test_every_step_is_printed(run: Run) -> None:
    code, out = run("sums.add")
    assert (code, "listed as s_add in /mcp" in out) == (0, True)
    assert out.index("ok token") < out.index("ok rule") < out.index("ok server_enabled") < out.index("ok definition")


def test_somebody_who_may_not_is_told_of_with_what_would_help(run: Run) -> None:
    code, out = run("s_add", "--subject", "ann", "--roles", "viewer", "--json")
    (why,) = json.loads(out)
    assert (code, why["works"], why["server"], why["caller"]["roles"]) == (1, False, "sums", ["viewer"])
    assert why["advice"]
    assert run("sums.add", "--subject", "ann", "--roles", "viewer,operator")[0] == 0


def test_without_roles_it_is_asked_about_the_tokens_the_subject_has(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run("sums.add", "--subject", "ann")
    assert (code, "0 good tokens" in out) == (1, True)
    with pytest.raises(SystemExit) as ended:
        main(["tokens", "issue", "--tenant", "local", "--role", "operator", "--subject", "ann", "--expires", "1h"])
    assert not ended.value.code
    capsys.readouterr()
    code, out = run("sums.add", "--subject", "ann")
    assert (code, "role operator allows call_tool" in out) == (0, True), out
