"""The demo as a newcomer starts it: a process, three answers, the lines for a client, and an end without a traceback."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from mcp_gateway.wiring.demo import DEMO_QUESTIONS

COMMAND = [sys.executable, "-m", "mcp_gateway", "demo"]


@contextmanager
def started(cache_dir: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    process = subprocess.Popen(
        [*COMMAND, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "MCP_GATEWAY_CACHE_DIR": str(cache_dir), "PYTHONUNBUFFERED": "1", "COLUMNS": "160"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def client_configuration(text: str) -> dict[str, dict[str, dict[str, str]]]:
    found = re.search(r"^\{ \"mcpServers\".*?^\}\}\}", text, re.DOTALL | re.MULTILINE)
    assert found, text
    configuration: dict[str, dict[str, dict[str, str]]] = json.loads(found.group())
    return configuration


def until_it_serves(demo: subprocess.Popen[str]) -> str:
    """What it printed until then."""
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "Ctrl-C stops it" in line:
            break
    return "".join(lines)


def test_once_answers_three_questions_and_exits(cache_dir: Path) -> None:
    with started(cache_dir, "--once", "--port", "0") as demo:
        out, err = demo.communicate(timeout=100)
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
        out, err = demo.communicate(timeout=30)
    assert demo.returncode == 0
    assert "Stopped. Bye." in out
    assert "Traceback" not in out + err


def test_interrupted_before_it_is_done_it_says_so_to_the_shell(cache_dir: Path) -> None:
    with started(cache_dir, "--once", "--port", "0") as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "demo shop" in line:
                break
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=30)
    assert demo.returncode == 130
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
