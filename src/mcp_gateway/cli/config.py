"""`mcp-gateway config show`: every setting, its value and where it comes from. Secrets stay masked."""

import re
import sys
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from mcp_gateway.settings import Settings, environment_name, load_settings, origin_of

MASK = "••••"
# Up to the last "@" before a slash: a password may hold an "@" that nobody escaped.
PASSWORD = re.compile(r"(://[^:/@\s]*):[^/\s]*@")
app = typer.Typer(help="Show every setting, its value and where it comes from.", no_args_is_help=True, add_completion=False)


@app.callback()
def _root() -> None:
    """Show every setting, its value and where it comes from."""


@app.command()
def show(*, meaning: Annotated[bool, typer.Option(help="Show what each setting means.")] = True) -> None:
    """Print each setting with its value, its origin and its meaning."""
    settings = load_settings()
    table = Table(show_edge=False, header_style="bold")
    for heading in ("setting", "value", "from", *(("meaning",) if meaning else ())):
        table.add_column(heading, overflow="fold")
    for field, facts in Settings.model_fields.items():
        origin = origin_of(field)
        row = [environment_name(field), shown_value(getattr(settings, field)), origin]
        table.add_row(*row, *((facts.description or "",) if meaning else ()), style="" if origin != "default" else "dim")
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def shown_value(value: object) -> str:
    """The value as text; secrets, and passwords in URLs, masked."""
    if value is None:
        return "unset"
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else "unset"
    if isinstance(value, tuple):
        return ", ".join(str(word) for word in value) or "none"
    return PASSWORD.sub(rf"\1:{MASK}@", str(value))
