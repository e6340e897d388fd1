"""A group of commands whose modules are imported one at a time, when needed.

Why: the modules pull in the MCP SDK, database drivers and web frameworks, more than a second of imports that `--help`, a typing
mistake and every other command would pay for. The list of commands and their one-line descriptions is known without them.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer._click import Command, Context
from typer.core import TyperCommand, TyperGroup

from mcp_gateway.cli.endings import hear_interrupts
from mcp_gateway.core.collecting import garbage_left


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command in the module `<package>.<name>`, `-` written `_`, whose `app` is a `typer.Typer`.

    `summary` is its first help line.
    """

    name: str
    summary: str


def lazy_group(package: str, commands: Sequence[LazyCommand]) -> type[TyperGroup]:
    """The group class for `typer.Typer(cls=...)`."""

    class LazyGroup(TyperGroup):
        """Lists from the table, imports on use."""

        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            for command in commands:
                self.add_command(TyperCommand(command.name, help=command.summary))

        def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
            name, command, rest = super().resolve_command(ctx, args)
            if command is None or name is None:
                return name, command, rest
            loaded = load_command(package, name)
            hear_interrupts()
            return name, loaded, rest

    return LazyGroup


def load_command(package: str, name: str) -> Command:
    """The real command, imported."""
    with garbage_left():
        module = import_module(f"{package}.{name.replace('-', '_')}")
    command = typer.main.get_command(module.app)
    command.name = name
    _flow(command)
    return command


def _flow(command: Command) -> None:
    """Paragraphs of its help, and of its commands', end where the reader's line ends, not where the source's does."""
    if command.help:
        command.help = "\n\n".join(_joined(one) for one in inspect.cleandoc(command.help).split("\n\n"))
    for one in command.commands.values() if isinstance(command, TyperGroup) else ():
        _flow(one)


def _joined(paragraph: str) -> str:
    """In one line, unless it is set in lines on purpose."""
    lines = paragraph.split("\n")
    return paragraph if any(line.startswith((" ", "-", "\b")) for line in lines) else " ".join(lines)
