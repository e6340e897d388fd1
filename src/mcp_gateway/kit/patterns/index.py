"""Which files are worth reading: found by their bytes in microseconds, so that the many without routes cost next to nothing."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from mcp_gateway.kit.patterns.errors import PatternPathNotFound
from mcp_gateway.kit.patterns.python.source import Unparsable, read_start

# What a file with routes, or one that puts routers together, has to say somewhere. Plain texts are found an order faster than
# patterns.
SPOKEN: Final = (b"fastapi", b"APIRouter", b"FastAPI", b"add_api_route", b"APIRoute", b"include_router")
DECORATED: Final = re.compile(rb"\n[ \t]*@(?:[\w.]+\.(?:get|post|put|patch|delete|api_route)\s*\(|\w+\(\s*[\"']/)")
MOUNTING: Final = (b"include_router", b"add_middleware", b".middleware(", b"middleware=", b"install(", b".mount(", b"instrument")
LEFT_OUT: Final = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist", "venv", "env", "tests", "test"})
# Applications in tests are made bare on purpose, and mount routers without what guards them elsewhere.
TEST_FILE: Final = re.compile(r"test_.*\.py$|.*_test\.py$|conftest\.py$")
MAX_FILES: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """`routed`: files that may have routes, or cannot be read; `mounting`: those of the project that may put routers together."""

    routed: tuple[Path, ...]
    mounting: tuple[Path, ...]
    others: int
    cut_off: bool = False


def build_index(root: Path, paths: tuple[Path, ...], exclude: tuple[str, ...]) -> Index:
    """Raises `PatternPathNotFound`. Reads every Python file under the paths and, for mountings, under the root once."""
    asked = list(dict.fromkeys(file for path in paths for file in _files_of(root, path)))
    routed, mounting, others = [], [], 0
    for file in asked:
        if _is_excluded(file, root, exclude):
            others += 1
            continue
        data = _bytes(file)
        if data is None or _is_routed(data):
            routed.append(file)
            if data is not None and _mounts(data):
                mounting.append(file)
        else:
            others += 1
    known = set(asked)
    elsewhere = [file for file in _walk(root) if file not in known] if not any(root == path for path in paths) else []
    mounting += [file for file in elsewhere if _mounts(_bytes(file) or b"")]
    return Index(routed=tuple(routed), mounting=tuple(mounting), others=others, cut_off=len(elsewhere) >= MAX_FILES)


def find_router(root: Path, name: str) -> Path:
    """The one file below `root` whose path ends in `name`.

    Raises `PatternPathNotFound`; a path outside of `root` is not found.
    """
    wanted = Path(name)
    direct = wanted if wanted.is_absolute() else root / wanted
    if direct.is_file() and direct.resolve().is_relative_to(root.resolve()):
        return direct
    parts = tuple(part for part in wanted.with_suffix(".py").parts if part not in (".", "/"))
    if not parts or ".." in parts:
        raise PatternPathNotFound(f"There is no router {name[:200]!r} below the project's folder.")
    found = [file for file in _walk(root) if file.parts[-len(parts) :] == parts]
    if len(found) != 1:
        several = [file.relative_to(root).as_posix() for file in found[:10]]
        why = f"Several files end in it: {', '.join(several)}." if found else "No file below the project's folder ends in it."
        raise PatternPathNotFound(f"{name[:200]!r} does not name one router. {why}")
    return found[0]


def _files_of(root: Path, path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from _walk(path)
    else:
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        raise PatternPathNotFound(f"{str(shown)[:200]!r} is neither a file nor a folder.", path=str(shown)[:200])


def _walk(folder: Path) -> Iterator[Path]:
    """Python files below a folder, sorted, without tests; links to folders are not followed, and `MAX_FILES` is the most."""
    count = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one not in LEFT_OUT and not one.startswith("."))
        for name in sorted(files):
            if name.endswith(".py") and not TEST_FILE.match(name):
                count += 1
                if count > MAX_FILES:
                    return
                yield Path(place, name)


def _is_routed(data: bytes) -> bool:
    return any(text in data for text in SPOKEN) or (b"@" in data and DECORATED.search(data) is not None)


def _mounts(data: bytes) -> bool:
    return (b"fastapi" in data or b"include_router" in data) and any(text in data for text in MOUNTING)


def _is_excluded(file: Path, root: Path, exclude: tuple[str, ...]) -> bool:
    if not exclude:
        return False
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
    return any(
        fnmatch(name, pattern) or fnmatch(file.name, pattern) or f"/{pattern.strip('/')}/" in f"/{name}" for pattern in exclude
    )


def _bytes(file: Path) -> bytes | None:
    """None for what is there and cannot be read: whoever judges it says why."""
    try:
        return read_start(file)
    except Unparsable:
        return None if file.exists() else b""
