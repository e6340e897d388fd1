"""The use case: an order in, a report out. The files are read, never run; nothing is written."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeAlias

from mcp_gateway.core.collecting import garbage_left
from mcp_gateway.kit.patterns.index import Index, build_index
from mcp_gateway.kit.patterns.judge import judge
from mcp_gateway.kit.patterns.model import FileReport, Order, Report, Unreadable
from mcp_gateway.kit.patterns.python.modules import Module, Project
from mcp_gateway.kit.patterns.python.source import Unparsable, parse, read
from mcp_gateway.kit.patterns.study import World

# A process takes longer to start than this many files take to judge.
WORTH_A_PROCESS: Final = 40
Outcome: TypeAlias = "FileReport | Unreadable | None"


def validate(order: Order) -> Report:
    """Raises `PatternPathNotFound`. A file that cannot be read or judged is in `unreadable`, never an error."""
    # Trees are millions of objects that live to the end: to look through them for garbage takes longer than to judge them.
    with garbage_left():
        index = build_index(order.root, order.paths, order.exclude)
        outcomes = _judged(order, index)
    files = tuple(one for one in outcomes if isinstance(one, FileReport))
    unreadable = tuple(one for one in outcomes if isinstance(one, Unreadable))
    skipped = index.others + sum(one is None for one in outcomes)
    notes = ("Not all files of the project were looked at for mountings: there are too many.",) if index.cut_off else ()
    return Report(level=order.level, files=files, skipped=skipped, unreadable=unreadable, notes=notes)


def validate_source(text: str, order: Order, *, name: str = "router.py") -> FileReport:
    """A text that is no file yet, as if it stood under `name` in the project's folder. Raises `Unparsable`."""
    project = Project(order.root)
    module = project.add(parse(order.root / name, text))
    return judge(World(order, (module,), project).study(module), name)


def _judged(order: Order, index: Index) -> list[Outcome]:
    files = index.routed
    if order.processes <= 1 or len(files) < WORTH_A_PROCESS:
        return list(_judge_files(order, index.mounting, files))
    # Every n-th file to each, since neighbours cost alike. What files of several shares come to is read by several processes.
    shares = [files[start :: order.processes] for start in range(order.processes)]
    with ProcessPoolExecutor(max_workers=order.processes - 1, mp_context=get_context("spawn")) as pool:
        others = [pool.submit(_judge_chunk, order, index.mounting, share) for share in shares[1:]]
        found = [list(_judge_files(order, index.mounting, shares[0])), *(one.result() for one in others)]
    by_file = {path: one for share, judged in zip(shares, found, strict=True) for path, one in zip(share, judged, strict=True)}
    return [by_file[path] for path in files]


def _judge_chunk(order: Order, mounting: Sequence[Path], files: Sequence[Path]) -> list[Outcome]:
    with garbage_left():
        return list(_judge_files(order, mounting, files))


def _judge_files(order: Order, mounting: Sequence[Path], files: Sequence[Path]) -> Iterator[Outcome]:
    project = Project(order.root)
    modules: list[Module] = [module for path in mounting if (module := project.module(path)) is not None]
    world = World(order, tuple(modules), project)
    for path in files:
        yield _judge_file(world, path)


def _judge_file(world: World, path: Path) -> Outcome:
    """None for a file without routes."""
    root = world.order.root
    file = shown(path, root)
    if path.is_symlink() and path.is_relative_to(root) and not path.resolve().is_relative_to(root.resolve()):
        return Unreadable(file=file, why="a link that leads out of the project")
    try:
        module = world.project.module(path) or world.project.add(parse(path, read(path)))
        study = world.study(module)
        if not study.routes and not study.makes_application:
            return None
        return judge(study, file)
    except Unparsable as error:
        return Unreadable(file=file, why=str(error))
    except RecursionError:
        return Unreadable(file=file, why="nested too deeply")


def shown(path: Path, root: Path) -> str:
    """A file's name in reports: from the project's folder, with `/`."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
