"""`mcp-gateway routes`: routers with their tests, made, made anew, removed."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mcp_gateway.cli.project_root import project_root
from mcp_gateway.core.visible import visible
from mcp_gateway.kit.routes.checks import checked
from mcp_gateway.kit.routes.errors import RouterChanged
from mcp_gateway.kit.routes.generate import generate
from mcp_gateway.kit.routes.order import OPERATIONS, RouterOrder, Surroundings
from mcp_gateway.kit.routes.project import Change, carry_out, layout_of, plan, removal, surroundings

app = typer.Typer(help="Make routers and their tests, or remove them.", no_args_is_help=True, add_completion=False)


class Standing(StrEnum):
    """What stands behind the routes, as the command line says it."""

    PROXY = "proxy"
    CRUD = "crud"
    AGGREGATE = "aggregate"
    WEBHOOK = "webhook"
    STREAMING = "streaming"
    MCP = "mcp"


NameArgument = Annotated[str, typer.Argument(help="What it serves, as a plural: `products`, `order_lines`.")]
PackageOption = Annotated[str, typer.Option(help="The application's package, below src/ or beside it.")]
RootOption = Annotated[
    Path | None,
    typer.Option(
        help="The project's folder. [default: the nearest above with a pyproject.toml or a repository]",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]
WriteOption = Annotated[bool, typer.Option("--write", help="Write what the diff shows.")]


@app.callback()
def _root() -> None:
    """Make routers and their tests, or remove them."""


@app.command()
def new(
    name: NameArgument,
    *,
    type_: Annotated[Standing, typer.Option("--type", help="What stands behind the routes.")] = Standing.PROXY,
    operations: Annotated[str, typer.Option(help="Which of them, joined by commas.")] = ",".join(OPERATIONS),
    rate_limiting: Annotated[bool, typer.Option(help="Limits for each tenant and operation.")] = True,
    caching: Annotated[bool, typer.Option(help="Keep what was read, until a write or a minute ends it.")] = True,
    package: PackageOption = "backend",
    root: RootOption = None,
    write: WriteOption = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the result of the tool `generate_enterprise_router`.")] = False,
) -> None:
    """Show what a router would add to the project, and with --write add it.

    The router, its tests, and its two lines in app.py (or main.py); an app.py to begin with where there is none. A file that
    somebody has changed is never written over. The same order again changes nothing.
    """
    order = RouterOrder(
        router_name=name,
        router_type=type_.value,
        operations=tuple(one.strip() for one in operations.split(",") if one.strip()),
        include_rate_limiting=rate_limiting,
        include_caching=caching,
        package=package,
    )
    checked(order, Surroundings())
    root = _root_of(root)
    generated = generate(order, surroundings(root, package, name))
    planned = plan(root, generated)
    _refuse_by_hand(planned.changes)
    if json_:
        sys.stdout.write(json.dumps(generated.to_dict(), indent=2) + "\n")
    else:
        _show(planned.changes)
    _finish(root, planned.changes, write=write)
    if not json_ and planned.changes:
        by_itself = ("Write", "In ") if planned.joins else ("Write",)
        steps = [step for step in planned.steps if not step.startswith(by_itself)] if write else []
        sys.stderr.write("".join(f"next: {step}\n" for step in steps) + "".join(f"note: {note}\n" for note in planned.notes))


@app.command()
def remove(
    name: NameArgument,
    *,
    package: PackageOption = "backend",
    root: RootOption = None,
    write: WriteOption = False,
) -> None:
    """Show what removing a generated router would change, and with --write remove it.

    Its module, its tests and its two lines in the application. What somebody has changed stays.
    """
    order = RouterOrder(router_name=name, package=package)
    checked(order, Surroundings())
    root = _root_of(root)
    planned = removal(root, checked(order, Surroundings(layout=layout_of(root, package))))
    _refuse_by_hand(planned)
    _show(planned)
    _finish(root, planned, write=write)


def _root_of(given: Path | None) -> Path:
    """Says which it is where that is not the folder one stands in: all names that follow begin there."""
    if given is not None:
        return given
    here = Path.cwd()
    found = project_root(here)
    if found != here:
        sys.stderr.write(f"in {found}\n")
    return found


def _refuse_by_hand(planned: tuple[Change, ...]) -> None:
    """Before anything is shown that will not be."""
    by_hand = [change.path for change in planned if change.by_hand]
    if by_hand:
        raise RouterChanged(f"Changed by hand, so nothing is written: {', '.join(by_hand)}.", paths=list(by_hand))


def _show(planned: tuple[Change, ...]) -> None:
    for change in planned:
        empty = f"new file: {change.path}\n" if change.before is None else f"deleted: {change.path}\n"
        shown = change.diff or empty
        # A program that takes the diff needs it as it is; a person is to see all of it.
        sys.stdout.write(visible(shown, keep="\n\t") if sys.stdout.isatty() else shown)


def _finish(root: Path, planned: tuple[Change, ...], *, write: bool) -> None:
    if not planned:
        sys.stderr.write("Nothing to change.\n")
        return
    if not write:
        sys.stderr.write("Nothing written. Add --write to do it.\n")
        return
    carry_out(root, planned)
    sys.stderr.write("".join(f"{'removed' if change.after is None else 'wrote'} {change.path}\n" for change in planned))
