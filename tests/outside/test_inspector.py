"""The official inspector's command line, in both eras. Skipped where npm's registry cannot be reached."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.npm_programs import NODE, NotInstalled, installed

ERAS = ("modern", "legacy", "auto")
SECONDS = 60
Inspect: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="session")
def program() -> Path:
    try:
        folder = installed(Path(__file__).parent / "inspector")
    except NotInstalled as reason:
        pytest.skip(str(reason))
    package = folder / "node_modules" / "@modelcontextprotocol" / "inspector"
    entry = json.loads((package / "package.json").read_text(encoding="utf-8"))["bin"]["mcp-inspector"]
    return package / str(entry)


@pytest.fixture(params=ERAS)
def inspect(request: pytest.FixtureRequest, program: Path, endpoint: str) -> Inspect:
    """Runs one method and gives what it prints, read as JSON."""

    def run(method: str, *options: str, fails: bool = False) -> Any:
        command = [str(NODE), str(program), "--cli", "--server-url", endpoint, "--transport", "http"]
        command += ["--protocol-era", str(request.param), "--method", method, "--format", "json", "-q", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
        assert (done.returncode != 0) == fails, done.stdout[-2000:] + done.stderr[-2000:]
        return json.loads(done.stdout)["result"] if not fails else done.stdout + done.stderr

    return run


def test_the_inspector_agrees_on_a_revision(inspect: Inspect) -> None:
    assert "tools" in json.dumps(inspect("initialize"))


def test_the_inspector_sees_what_every_server_offers(inspect: Inspect) -> None:
    names = {tool["name"] for tool in inspect("tools/list")["tools"]}
    assert {"test_simple_text", "probe_structured", "ask"} <= names


def test_the_inspector_calls_a_tool(inspect: Inspect) -> None:
    result = inspect("tools/call", "--tool-name", "probe_structured")
    assert result["structuredContent"] == {"n": 3, "items": [1, "two", None]}


def test_the_inspector_reads_a_resource_and_a_prompt(inspect: Inspect) -> None:
    read = inspect("resources/read", "--uri", "test://template/7/data")
    assert "Data for ID: 7" in read["contents"][0]["text"]
    prompt = inspect("prompts/get", "--prompt-name", "test_prompt_with_arguments", "--prompt-args", "arg1=a", "arg2=b")
    assert "arg1='a', arg2='b'" in prompt["messages"][0]["content"]["text"]


def test_the_inspector_is_told_of_a_tool_that_is_not_there(inspect: Inspect) -> None:
    inspect("tools/call", "--tool-name", "nobody_has_this", fails=True)
