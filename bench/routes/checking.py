"""What generated routers are put through: formatter, linter, types, their own tests, the validator, Schemathesis."""

import importlib.util
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from mcp_gateway.kit.patterns.model import Order
from mcp_gateway.kit.patterns.validate import validate

TOOLS = Path(sys.executable).parent
LONGEST_SECONDS = 5_400.0
# What pytest ends with when no test fits.
NONE_CHOSEN = 5


def run(root: Path, *words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A tool of this environment, in the project."""
    command = [os.fspath(TOOLS / words[0]), *words[1:]]
    return subprocess.run(  # noqa: S603  (our own commands)
        command,
        cwd=root,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


def unformatted(root: Path) -> list[str]:
    """Files that `ruff format` would change."""
    told = run(root, "ruff", "format", "--check", ".").stdout.splitlines()
    return [line.removeprefix("Would reformat: ") for line in told if line.startswith("Would reformat: ")]


def lint(root: Path) -> list[str]:
    """What ruff finds, with rules as strict as this repository's."""
    return [line for line in run(root, "ruff", "check", "--output-format", "concise", ".").stdout.splitlines() if ".py:" in line]


def type_faults(root: Path) -> list[str]:
    """What mypy finds when it is strict."""
    done = run(root, "mypy", "--python-executable", sys.executable, "src", "tests")
    return [line for line in done.stdout.splitlines() if ": error:" in line]


def own_tests(root: Path, paths: Iterable[str], store: str) -> tuple[Counter[str], list[str]]:
    """How many passed and failed; which failed."""
    report = root / "report.xml"
    run(root, "pytest", *paths, f"--junitxml={report}", environment={"TEST_REDIS_URL": store})
    counts: Counter[str] = Counter()
    failed = []
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314  (written by pytest just now)
        bad = case.find("failure") is not None or case.find("error") is not None
        counts["failed" if bad else "passed"] += 1
        if bad:
            failed.append(f"{case.get('classname')}::{case.get('name')}")
    return counts, failed


def dies(root: Path, test_path: str, store: str, *, asked_first: str = "") -> bool:
    """Whether the tests notice: the first that fails is enough, of those that should (`pytest -k`) or else of all."""
    for words in (("-k", asked_first), ()) if asked_first else ((),):
        done = run(root, "pytest", "-x", test_path, *words, environment={"TEST_REDIS_URL": store})
        if done.returncode not in (0, NONE_CHOSEN):
            return True
    return False


def scores(root: Path) -> dict[str, float]:
    """Of the validator at its strictest level, by file."""
    report = validate(Order(root=root, paths=(root / "src",), level="production_ready"))
    return {file.file: file.score for file in report.files}


def has_schemathesis() -> bool:
    return importlib.util.find_spec("schemathesis") is not None
