"""A project on disk: what is there, what an order would change in it, and carrying that out.

Nothing is written that was not shown as a `Change` before, and nothing over a file that somebody has changed.
"""

import difflib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp_gateway.kit.routes.app_file import served_as, with_router, without_router
from mcp_gateway.kit.routes.errors import ApplicationUnclear, InvalidRouterOrder, ProjectNotWritable, RouterChanged
from mcp_gateway.kit.routes.fingerprints import is_generated, is_the_same, is_untouched
from mcp_gateway.kit.routes.generate import Generated
from mcp_gateway.kit.routes.order import CheckedOrder, Layout, Surroundings
from mcp_gateway.kit.routes.rendering import application_code, project_settings

_ADDRESS: Final = re.compile(rb"""["'](/api/[A-Za-z0-9_-]{1,80})[/"'{]""")
# Somebody has thought of it: `Kit(...)`, or one made elsewhere.
_KIT: Final = re.compile(rb"\bkit\b", re.IGNORECASE)
MAX_FILE_BYTES: Final = 2_000_000
# What an application's file is called; the first where there is none.
APPLICATIONS: Final = ("app.py", "main.py")
# Where a project says how its tests are run; the first where it says nothing.
SETTINGS: Final = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "setup.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One file. `before` None: it is not there; `after` None: it goes. `by_hand`: somebody has changed it, so it must stay."""

    path: str
    before: str | None
    after: str | None
    by_hand: bool = False

    @property
    def diff(self) -> str:
        """Unified; empty when nothing changes."""
        before, after = (self.before or "").splitlines(keepends=True), (self.after or "").splitlines(keepends=True)
        old = "/dev/null" if self.before is None else f"a/{self.path}"
        new = "/dev/null" if self.after is None else f"b/{self.path}"
        return "".join(difflib.unified_diff(before, after, old, new))


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """`joins`: the application gets, or has, the router's two lines. `steps`: what to do then. `notes`: what else to know."""

    changes: tuple[Change, ...]
    joins: bool
    steps: tuple[str, ...]
    notes: tuple[str, ...]


def layout_of(root: Path, package: str) -> Layout:
    """As the project has it already: a package beside `src/`, an application in `main.py`."""
    inner = Path(*package.split("."))
    beside = any((root / inner / name).is_file() for name in ("__init__.py", *APPLICATIONS))
    source = "" if beside and not (root / "src" / inner).is_dir() else "src/"
    application = next((name for name in APPLICATIONS if (root / source / inner / name).is_file()), APPLICATIONS[0])
    return Layout(source=source, application=application)


def surroundings(root: Path, package: str, router_name: str) -> Surroundings:
    """Modules and addresses of the package without those of `router_name`, when that was generated and may be made anew."""
    layout = layout_of(root, package)
    folder = root / layout.source / Path(*package.split("."))
    own = folder / "routers" / f"{router_name}.py"
    mine = {own} if own.is_file() and is_generated(_read(own)) else set()
    modules = {one.stem for one in (folder / "routers").glob("*") if one.suffix in {".py", ""} and one not in mine}
    found = {address for path in folder.rglob("*.py") if path not in mine for address in _addresses(path)}
    return Surroundings(modules=frozenset(modules - {"__init__", "__pycache__"}), prefixes=frozenset(found), layout=layout)


def _addresses(path: Path) -> Iterator[str]:
    """Addresses a module speaks of, whatever its encoding and size."""
    if path.is_file():
        with path.open("rb") as file:
            for line in file:
                yield from (address.decode("ascii") for address in _ADDRESS.findall(line))


def plan(root: Path, generated: Generated) -> Plan:
    """What would be written; an application that is unclear is left alone, and its lines are left to a person."""
    order, notes, steps = generated.order, list(generated.notes), generated.next_steps
    try:
        found, joins = changes(root, generated), True
        steps = tuple(_served(step, _application(root, order)) for step in steps)
    except ApplicationUnclear as unclear:
        found, joins = _files(root, generated), False
        notes.append(f"{order.application_path} is left alone: {unclear.message}")
    notes += _notes_of_application(root, order)
    return Plan(changes=found, joins=joins, steps=steps, notes=tuple(notes))


def _served(step: str, application: Change) -> str:
    """As the application there is called, or made."""
    if not step.startswith("uvicorn ") or application.after is None:
        return step
    return step.replace(":app ", f":{served_as(application.after)} ", 1)


def _notes_of_application(root: Path, order: CheckedOrder) -> Iterator[str]:
    """What keeps a router from running in it, and its tests from finding it."""
    application = root / order.application_path
    if application.is_file() and not _KIT.search(application.read_bytes()):
        yield f"{order.application_path} has no kit yet, without which the router does not start: see docs/kit/application.md."
    if not application.exists():
        yield f"Callers are known by API_TOKENS in {order.application_path}: docs/operations/routes.md shows how to make one."
        for path in sorted(path for name in APPLICATIONS for folder in ("", "*/", "src/*/") for path in root.glob(folder + name)):
            if path.is_file() and path.stat().st_size <= MAX_FILE_BYTES and b"FastAPI(" in path.read_bytes():
                yield _already(path.relative_to(root))
    said = [root / name for name in SETTINGS if (root / name).is_file()]
    if said and not any(b"pythonpath" in path.read_bytes() for path in said):
        yield (
            "The tests find the package where the project is installed, or with "
            f'pythonpath = ["{order.layout.source.rstrip("/") or "."}"] in the settings of pytest.'
        )


def _already(path: Path) -> str:
    there = f"There is an application in {path} already"
    if path.parent == Path():
        return f"{there}, in no package: move it into one, such as shop/{path}, and `--package shop` joins it."
    return f"{there}: `--package {path.parent.name}` joins it."


def changes(root: Path, generated: Generated) -> tuple[Change, ...]:
    """Of the router, its tests, the application, packages and settings that are missing; those without a difference are left out.

    Raises `ApplicationUnclear`.
    """
    application = _application(root, generated.order)
    return (*_files(root, generated), *([application] if application.before != application.after else []))


def _files(root: Path, generated: Generated) -> tuple[Change, ...]:
    found = [_written(root, file.path, file.content) for file in generated.files]
    found += [Change(path=path, before=None, after="") for path in _packages(generated.order) if not (root / path).exists()]
    if not any((root / name).exists() for name in SETTINGS):
        found.append(Change(path=SETTINGS[0], before=None, after=project_settings(generated.order.layout)))
    return tuple(one for one in found if one.before != one.after)


def removal(root: Path, order: CheckedOrder) -> tuple[Change, ...]:
    """The router, its tests and its two lines in the application. Raises `ApplicationUnclear`."""
    found = []
    for path in (order.router_path, order.test_path):
        text = _text(root, path)
        if text is not None:
            found.append(Change(path=path, before=text, after=None, by_hand=not is_untouched(text)))
    path = order.application_path
    text = _text(root, path)
    if text is not None:
        found.append(Change(path=path, before=text, after=without_router(text, order.router_module)))
    return tuple(one for one in found if one.before != one.after)


def carry_out(root: Path, planned: Iterable[Change]) -> None:
    """All; or none, when one of them must stay, has changed since it was shown, or cannot be written.

    Raises `RouterChanged` and `ProjectNotWritable`.
    """
    changes = tuple(planned)
    for change in changes:
        if change.by_hand or _text(root, change.path) != change.before:
            raise RouterChanged(f"{change.path} was changed by hand.", path=change.path)
    with ExitStack() as undo:
        for change in changes:
            try:
                _carry_out(root, change, undo)
            except OSError as error:
                why = error.strerror or type(error).__name__
                raise ProjectNotWritable(f"{change.path} cannot be written, so nothing is: {why}.", path=change.path) from error
        undo.pop_all()


def _carry_out(root: Path, change: Change, undo: ExitStack) -> None:
    """`undo` gets what takes it back."""
    target = _inside(root, change.path)
    if change.after is None:
        mode = target.stat().st_mode & 0o777
        target.unlink()
    else:
        target = target.resolve()  # a link stays one
        for folder in reversed([one for one in target.parents if not one.exists() and not one.is_symlink()]):
            folder.mkdir()
            undo.callback(folder.rmdir)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        _replace(target, change.after, mode)
    if change.before is None:
        undo.callback(target.unlink)
    else:
        undo.callback(_replace, target, change.before, mode)


def _written(root: Path, path: str, content: str) -> Change:
    before = _text(root, path)
    if before is not None and is_the_same(before, content):
        return Change(path=path, before=before, after=before)
    by_hand = before is not None and before != content and not is_untouched(before)
    return Change(path=path, before=before, after=content, by_hand=by_hand)


def _application(root: Path, order: CheckedOrder) -> Change:
    """Raises `ApplicationUnclear`."""
    path = order.application_path
    target = _inside(root, path)
    try:
        before = _read(target) if target.exists() else None
    except InvalidRouterOrder as error:
        raise ApplicationUnclear(error.message) from error
    after = with_router(before or application_code(order.package), order.router_module, f"{order.names.module}_router")
    return Change(path=path, before=before, after=after)


def _packages(order: CheckedOrder) -> Iterator[str]:
    folder = order.layout.source
    for part in (*order.package.split("."), "routers"):
        folder += f"{part}/"
        yield f"{folder}__init__.py"


def _text(root: Path, path: str) -> str | None:
    target = _inside(root, path)
    return _read(target) if target.exists() else None


def _read(path: Path) -> str:
    """Raises `InvalidRouterOrder` for what is no text of a sensible size."""
    try:
        if not path.is_file():
            raise InvalidRouterOrder(f"{path.name} is no file.", parameter="package")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidRouterOrder(f"{path.name} is too large to be a module.", parameter="package")
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRouterOrder(f"{path.name} cannot be read as text.", parameter="package") from error


def _inside(root: Path, path: str) -> Path:
    """Raises `InvalidRouterOrder` for a path that links lead out of the project."""
    target = root / path
    if not target.resolve().is_relative_to(root.resolve()):
        raise InvalidRouterOrder(f"{path} leads out of the project.", parameter="package")
    return target


def _replace(target: Path, text: str, mode: int) -> None:
    """As a whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
