"""The house rules a linter does not know. Each exception would stand in a list here; the lists only ever shrink."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "mcp_gateway"
PYTHON_FOLDERS = ("src", "tests", "bench", "scripts")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
# Names that invite everything, so nobody finds anything in them.
BANNED_MODULE_NAMES = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "manager",
    "managers",
    "service",
    "services",
    "base",
}
BANNED_CLASS_ENDINGS = ("Manager", "Helper", "Helpers", "Util", "Utils", "Service")
CLOCK_READERS = {
    "time.time", "time.monotonic", "time.perf_counter", "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
}  # fmt: skip
# Optional dependencies and start-up time are the only reasons for an import inside a function.
FUNCTION_IMPORTS_ALLOWED = {
    "__main__",
    "cli",
    "adapters/faults/own_store",
    "adapters/language_models",
    "adapters/sql/engine",
    "wiring/conversations",
    "wiring/tracing",
}


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Of the whole file."""
    return tuple(ast.walk(parsed(path)))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_python_file_passes_400_lines() -> None:
    too_long = {
        shown(path): lines
        for path in python_files(*PYTHON_FOLDERS)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    }
    assert not too_long


def test_no_function_passes_60_lines() -> None:
    too_long = {
        f"{shown(path)}:{node.name}": length
        for path in python_files(*PYTHON_FOLDERS)
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert not too_long


def test_no_module_has_a_name_that_invites_everything() -> None:
    assert not [shown(path) for path in python_files("src") if path.stem in BANNED_MODULE_NAMES]


def test_no_class_is_a_manager_or_a_helper() -> None:
    assert not [
        f"{shown(path)}:{node.name}"
        for path in python_files("src")
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and node.name.endswith(BANNED_CLASS_ENDINGS)
    ]


def test_every_module_says_what_it_is() -> None:
    assert not [
        shown(path)
        for path in python_files("src")
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(parsed(path))
    ]


def test_imports_stand_at_the_top() -> None:
    found = []
    for path in python_files("src"):
        inside = path.relative_to(SOURCE).with_suffix("").as_posix()
        if any(inside == allowed or inside.startswith(f"{allowed}/") for allowed in FUNCTION_IMPORTS_ALLOWED):
            continue
        for function in nodes(path):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [
                    f"{shown(path)}:{node.lineno}" for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
                ]
    assert not found


def test_only_settings_reads_the_environment() -> None:
    readers = []
    for path in python_files("src"):
        if path == SOURCE / "settings.py":
            continue
        for node in nodes(path):
            if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                continue
            if node.value.id == "os" and node.attr in {"environ", "getenv", "environb"}:
                readers.append(f"{shown(path)}:{node.lineno}")
    assert not readers


def test_only_the_clock_module_reads_a_clock() -> None:
    readers = []
    for path in python_files("src"):
        if path == SOURCE / "core" / "clock.py":
            continue
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                call = f"{node.func.value.id}.{node.func.attr}"
                if call in CLOCK_READERS:
                    readers.append(f"{shown(path)}:{node.lineno} {call}")
    assert not readers


def test_the_repository_names_no_workplace() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    places = re.compile(r"/" + r"work/|/" + r"farm/|sub" + r"agent|cla" + r"ude-code", re.IGNORECASE)
    found = []
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if not name or name == "uv.lock" or path.suffix in {".png", ".svg"} or not path.is_file():
            continue
        if places.search(path.read_text(encoding="utf-8", errors="replace")):
            found.append(name)
    assert not found


@pytest.mark.parametrize(
    "name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile", ".ci/run"]
)
def test_the_repository_has_what_people_look_for_first(name: str) -> None:
    assert (ROOT / name).stat().st_size > 100
