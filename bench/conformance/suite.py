"""The public MCP conformance suite: brought by npm at a pinned version, run against one address, its verdicts read.

A verdict is of one scenario at one revision. The suite prints for people and saves each scenario's checks as JSON; both are read,
since only what is printed says which scenarios the revision requires.
"""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from tests.npm_programs import NODE, installed

PACKAGE = Path(__file__).parent / "conformance-suite"
# With a frozen set of requirements; of the others every scenario that applies is run.
FROZEN = ("2025-11-25", "2026-07-28")
SCENARIO_MILLISECONDS = 20_000
RUN_SECONDS = 240.0
# "warn": it passes, and something that should be and need not be is not.
State: TypeAlias = Literal["pass", "warn", "fail", "skip"]
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NOT_REQUIRED = re.compile(r"^\s+[✓✗] (\S+) \((?:extension|pending|added-after-release)\)", re.MULTILINE)
_TALLY = re.compile(r"^([✓✗]) (\S+): \d+ passed, \d+ failed", re.MULTILINE)
_STARTED = re.compile(r"^(?:=== Running scenario: (\S+) ===|Running client scenario '([^']+)')", re.MULTILINE)


class SuiteBroke(Exception):
    """The suite itself did not run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """`warnings`: checks that were not met and need not be. `reasons`: what failed, in the suite's words."""

    state: State
    required: bool = True
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def run_suite(url: str, revision: str, *, scenario: str | None = None) -> dict[str, Verdict]:
    """Scenarios by name. Raises `NotInstalled` where npm's registry cannot be reached, and `SuiteBroke`."""
    program = installed(PACKAGE) / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        command = [str(NODE), str(program), "server", "--url", url, *_choice(revision, scenario)]
        command += ["--timeout", str(SCENARIO_MILLISECONDS), "-o", folder]
        try:
            done = subprocess.run(  # noqa: S603 - our own command line
                command, capture_output=True, text=True, timeout=RUN_SECONDS, check=False, env={**os.environ, "NO_COLOR": "1"}
            )
        except subprocess.TimeoutExpired as error:
            raise SuiteBroke(f"The suite took over {RUN_SECONDS:g} s at {url}.") from error
        verdicts = read_verdicts(Path(folder), done.stdout + done.stderr)
    if not verdicts:
        raise SuiteBroke((done.stdout + done.stderr)[-2000:])
    return verdicts


def _choice(revision: str, scenario: str | None) -> list[str]:
    if scenario is not None:
        return ["--scenario", scenario, "--spec-version", revision]
    return ["--requirements", revision] if revision in FROZEN else ["--suite", "all", "--spec-version", revision]


def read_verdicts(folder: Path, printed: str) -> dict[str, Verdict]:
    """From what the suite saved and printed. A scenario that was begun and left nothing failed."""
    text = _COLOUR.sub("", printed)
    optional = {found[1] for found in _NOT_REQUIRED.finditer(text)}
    tally = {found[2]: found[1] for found in _TALLY.finditer(text)}
    begun = {found[1] or found[2] for found in _STARTED.finditer(text)}
    saved = {_scenario(path): path / "checks.json" for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else {}
    names = sorted(begun | set(tally) | set(saved))
    return {name: _verdict(_checks(saved.get(name)), tally.get(name), required=name not in optional) for name in names}


def _scenario(folder: Path) -> str:
    return re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", folder.name).removeprefix("server-")


def _checks(file: Path | None) -> list[Mapping[str, str]]:
    if file is None or not file.is_file():
        return []
    found: list[Mapping[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _verdict(checks: Iterable[Mapping[str, str]], mark: str | None, *, required: bool) -> Verdict:
    checks = list(checks)
    of = {status: [one for one in checks if one["status"] == status] for status in ("SUCCESS", "FAILURE", "WARNING")}
    failed = bool(of["FAILURE"]) or mark == "✗" or not checks
    passed: State = "warn" if of["WARNING"] else "pass"
    state: State = "fail" if failed else passed if of["SUCCESS"] else "skip"
    told = of["FAILURE"] or of["WARNING"]
    reasons = tuple(f"{one['id']}: {one.get('errorMessage') or one.get('description', '')}"[:300] for one in told[:5])
    return Verdict(
        state=state,
        required=required,
        warnings=tuple(sorted({one["id"] for one in of["WARNING"]})),
        failures=tuple(sorted({one["id"] for one in of["FAILURE"]})),
        reasons=reasons if reasons or state != "fail" else ("it left no result",),
    )
