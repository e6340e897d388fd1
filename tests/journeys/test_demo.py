"""The demo as a newcomer starts it: a process, three answers, the lines for a client, and an end without a traceback."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from tests.programs import module
from tests.warm.printing import Printing, printing

from mcp_gateway.wiring.demo import DEMO_QUESTIONS

COMMAND = [sys.executable, "-m", "mcp_gateway", "demo"]
PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)


def environment_for(cache_dir: Path) -> dict[str, str]:
    return {"MCP_GATEWAY_CACHE_DIR": str(cache_dir), "PYTHONUNBUFFERED": "1", "COLUMNS": "160"}


def started(cache_dir: Path, *options: str) -> AbstractContextManager[Printing]:
    return printing([*COMMAND, *options], environment=environment_for(cache_dir))


def client_configuration(text: str) -> dict[str, dict[str, dict[str, str]]]:
    found = re.search(r"^\{ \"mcpServers\".*?^\}\}\}", text, re.DOTALL | re.MULTILINE)
    assert found, text
    configuration: dict[str, dict[str, dict[str, str]]] = json.loads(found.group())
    return configuration


def until_it_serves(demo: Printing) -> str:
    """What it printed until then."""
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "Ctrl-C stops it" in line:
            break
    return "".join(lines)


def test_once_answers_three_questions_and_exits(cache_dir: Path) -> None:
    demo = subprocess.run(
        [*COMMAND, "--once", "--port", "0"],
        env={**os.environ, **environment_for(cache_dir), "DRAFT_PROCESSES": "1"},
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    out, err = demo.stdout, demo.stderr
    assert demo.returncode == 0, err
    assert "Traceback" not in err
    for question in DEMO_QUESTIONS:
        assert question in out
    assert out.count("SELECT") >= len(DEMO_QUESTIONS)
    assert "abracadabra = Magic Wand Pro (products.product_id = 123)" in out
    assert "/login?code=" not in out, "nobody is there any more to take the link"
    assert "Bearer" not in out


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_asked_to_stop_and_then_ends_quietly(cache_dir: Path, asked: signal.Signals) -> None:
    with started(cache_dir, "--port", "0") as demo:
        url = client_configuration(until_it_serves(demo))["mcpServers"]["my-tables"]["url"].removesuffix("/mcp")
        page = httpx.get(url, headers={"Accept": "text/html"}, timeout=30)
        assert page.headers["content-type"].startswith("text/html")
        demo.send_signal(asked)
        status, out, err = demo.end()
    assert status == 0
    assert "Stopped. Bye." in out
    assert "Traceback" not in out + err


def test_interrupted_before_it_is_done_it_says_so_to_the_shell(cache_dir: Path) -> None:
    with started(cache_dir, "--once", "--port", "0") as demo:
        for line in demo.stdout:
            if "demo shop" in line:
                break
        demo.send_signal(signal.SIGINT)
        status, out, err = demo.end()
    assert status == 130
    assert "Stopped." in out
    assert "Traceback" not in out + err


def test_interrupted_while_the_command_is_still_imported_it_ends_without_a_word() -> None:
    """The signal comes from within the import itself, so that no clock decides whether it comes in time."""
    script = (
        "import builtins, os, signal\n"
        "from mcp_gateway.__main__ import main\n"
        "real = builtins.__import__\n"
        "def importing(name, *rest, **more):\n"
        "    if name == 'typer':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = importing\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


def test_a_taken_port_is_said_aloud(cache_dir: Path) -> None:
    with started(cache_dir, "--port", "0") as first:
        configuration = client_configuration(until_it_serves(first))
        taken = configuration["mcpServers"]["my-tables"]["url"].removesuffix("/mcp").rpartition(":")[2]
        with started(cache_dir, "--port", taken) as second:
            said = until_it_serves(second)
    assert f"Port {taken} is taken" in said


def ask(client: dict[str, Any], method: str, **params: object) -> Any:
    """What a program that was given the printed configuration gets for a request."""
    prefix = "io.modelcontextprotocol/"
    meta = {f"{prefix}protocolVersion": "2026-07-28", f"{prefix}clientCapabilities": {}}
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": method, "accept": "application/json, text/event-stream"}
    if "name" in params:
        headers["mcp-name"] = str(params["name"])
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta, **params}}
    reply = httpx.post(client["url"], json=body, headers={**headers, **client["headers"]}, timeout=PATIENCE_SECONDS)
    assert reply.text.startswith("{"), reply.text
    return json.loads(reply.text)["result"]


def test_a_server_added_as_it_says_is_called_with_what_it_printed(cache_dir: Path) -> None:
    with module("tests.upstreams.conformance_fixture", "--era", "modern") as upstream, started(cache_dir, "--port", "0") as demo:
        said = until_it_serves(demo)
        client = client_configuration(said)["mcpServers"]["my-tables"]
        found = re.search(r"^ *(STATE_DIR=.* servers add) NAME URL$", said, re.MULTILINE)
        assert found, said
        *settings, program, one, two, group, command = shlex.split(found.group(1))
        environment = {**os.environ, **dict(setting.split("=", 1) for setting in settings)}
        added = subprocess.run(
            [program, one, two, group, command, "fixture", f"{upstream.url}/mcp"],
            env=environment, capture_output=True, text=True, check=False, timeout=60, cwd=cache_dir,
        )  # fmt: skip
        assert added.returncode == 0, added.stdout + added.stderr
        end = monotonic() + PATIENCE_SECONDS
        while not any(tool["name"] == "test_simple_text" for tool in ask(client, "tools/list")["tools"]):
            assert monotonic() < end
            sleep(0.05)
        answer = ask(client, "tools/call", name="test_simple_text", arguments={})
        assert not answer.get("isError"), answer
        assert {"ask", "execute_query"} <= {tool["name"] for tool in ask(client, "tools/list")["tools"]}
