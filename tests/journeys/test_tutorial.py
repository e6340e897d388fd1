"""The tutorial, typed by a machine: every file saved, every command run, every line shown looked for in order."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"```(?P<kind>\w+)(?: file=(?P<file>[\w.]+))?\n(?P<body>.*?)```", re.DOTALL)
SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Command:
    line: str
    expected: tuple[str, ...]


def commands_of(body: str) -> list[Command]:
    """`$ ` starts a command; the lines after it are expected, `...` standing for any lines."""
    found: list[Command] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append(Command(line=line[2:], expected=()))
        else:
            found[-1] = Command(line=found[-1].line, expected=(*found[-1].expected, line))
    return found


def run(command: str, folder: Path) -> str:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "XDG_CACHE_HOME": os.environ.get("TUTORIAL_CACHE", str(folder / "cache")),
        "COLUMNS": "200",
        "NO_COLOR": "1",
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.stdout + done.stderr


def missing_line(expected: tuple[str, ...], output: str) -> str | None:
    """The first expected line that does not stand in the output after the ones before it."""
    rest = output
    for line in expected:
        if line == "...":
            continue
        _, found, rest = rest.partition(line.strip())
        if not found:
            return line
    return None


def test_the_tutorial_shows_what_happens(tmp_path: Path) -> None:
    ran = 0
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["body"], encoding="utf-8")
        elif block["kind"] == "console":
            for command in commands_of(block["body"]):
                output = run(command.line, tmp_path)
                assert missing_line(command.expected, output) is None, f"{command.line}\n{output}"
                ran += 1
    assert ran >= 8
