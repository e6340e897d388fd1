"""Asks the imported application: it RUNS the application's module, so only on request.

The import happens in a process of its own, bounded in time, and only names and places come back.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

from mcp_gateway.kit.patterns.errors import ApplicationNotImportable, PatternSettingsInvalid
from mcp_gateway.kit.patterns.live.program import MARK
from mcp_gateway.kit.patterns.model import LiveApplication, LiveDependency, LiveRoute

TIMEOUT_SECONDS: Final = 60.0
MAX_ROUTES: Final = 10_000


def read_live(application: str, root: Path) -> LiveApplication:
    """`application` as `package.module:app`. Raises `ApplicationNotImportable` and `PatternSettingsInvalid`."""
    module, _, name = application.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *(name or "app").split(".")]):
        raise PatternSettingsInvalid(f"{application[:100]!r} is no `package.module:app`.")
    program = resources.files(__package__).joinpath("program.py").read_text(encoding="utf-8")
    try:
        run = subprocess.run(  # noqa: S603  (names were checked; nothing goes through a shell)
            [sys.executable, "-c", program, application],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ApplicationNotImportable(f"Importing {application} took longer than {TIMEOUT_SECONDS:g} s.") from error
    if run.returncode != 0:
        said = run.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
        raise ApplicationNotImportable(f"{application} could not be imported: {said[0][:300]}")
    return _application(application, run.stdout)


def _application(named: str, printed: str) -> LiveApplication:
    """What was printed last under the mark: an application may print what it likes beside it."""
    line = next((one for one in reversed(printed.splitlines()) if one.startswith(MARK)), "")
    try:
        found = json.loads(line.removeprefix(MARK))
        return LiveApplication(
            named=named,
            routes=tuple(_route(one) for one in found["routes"][:MAX_ROUTES]),
            open_to_all=bool(found["open_to_all"]),
            unlimited=bool(found["unlimited"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ApplicationNotImportable(f"{named} was imported, and what it is cannot be read.") from error


def _route(one: Mapping[str, Any]) -> LiveRoute:
    return LiveRoute(
        file=_file(one["file"]),
        line=int(one["line"]),
        path=str(one["path"]),
        methods=tuple(str(method) for method in one["methods"]),
        dependencies=tuple(_dependency(inner) for inner in one["dependencies"]) if one["resolved"] else None,
        answers=one["answers"],
    )


def _dependency(one: Mapping[str, Any]) -> LiveDependency:
    return LiveDependency(
        name=str(one["name"]),
        file=_file(one["file"]),
        line=int(one["line"]),
        how=one["how"],
        parameter=str(one["parameter"]),
        made=bool(one["made"]),
        by=one["by"],
        idempotency=one["idempotency"],
        deadline_seconds=one["deadline_seconds"],
    )


def _file(name: str) -> str:
    return str(Path(name).resolve()) if name else ""
