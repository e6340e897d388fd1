"""The dependency tree of the imported application: what code alone cannot show. It RUNS the application's module, so only on
request.

The import happens in a process of its own, bounded in time, and only names come back.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from mcp_gateway.kit.patterns.errors import ApplicationNotImportable, PatternSettingsInvalid
from mcp_gateway.kit.patterns.model import LiveRoute, LiveRoutes

TIMEOUT_SECONDS: Final = 60.0
MAX_ROUTES: Final = 10_000
# Walks by shape, not by type: whatever has routes, and dependants with calls.
PROGRAM: Final = """
import importlib, inspect, json, sys
module, _, name = sys.argv[1].partition(":")
app = importlib.import_module(module)
for part in (name or "app").split("."):
    app = getattr(app, part)
if inspect.isfunction(app):
    app = app()
def name_of(call):
    kind = call if inspect.isroutine(call) or inspect.isclass(call) else type(call)
    return f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', '')}"
def below(dependant):
    for one in dependant.dependencies:
        yield name_of(one.call)
        yield from below(one)
def routes(owner, prefix=""):
    for one in getattr(owner, "routes", []):
        if hasattr(one, "dependant"):
            handler = inspect.unwrap(one.endpoint)
            code = getattr(handler, "__code__", None)
            guard = getattr(one, "_guard", None)
            yield {"file": getattr(code, "co_filename", ""), "line": getattr(code, "co_firstlineno", 0), "path": prefix +
            one.path,
                   "methods": sorted(one.methods or []),
                   "dependencies": sorted({*below(one.dependant), *([name_of(guard)] if guard else [])})}
        elif hasattr(one, "app"):
            yield from routes(one.app, prefix + getattr(one, "path", ""))
        elif hasattr(one, "original_router"):
            yield from routes(one.original_router, prefix)
print("\\n" + json.dumps(list(routes(app))))
"""


def read_live_routes(application: str, root: Path) -> LiveRoutes:
    """`application` as `package.module:app`. Raises `ApplicationNotImportable` and `PatternSettingsInvalid`."""
    module, _, name = application.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *(name or "app").split(".")]):
        raise PatternSettingsInvalid(f"{application[:100]!r} is no `package.module:app`.")
    try:
        run = subprocess.run(  # noqa: S603  (names were checked; nothing goes through a shell)
            [sys.executable, "-c", PROGRAM, application],
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
    return _routes(run.stdout)


def _routes(text: str) -> LiveRoutes:
    found = json.loads(text.strip().splitlines()[-1])
    return tuple(
        LiveRoute(
            file=str(Path(one["file"]).resolve()) if one["file"] else "",
            line=one["line"],
            path=one["path"],
            methods=tuple(one["methods"]),
            dependencies=tuple(one["dependencies"]),
        )
        for one in found[:MAX_ROUTES]
    )
