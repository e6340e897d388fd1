"""What the commands about servers print for people."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.registry.definitions.diff_text import plain
from mcp_gateway.registry.official.reading import Found
from mcp_gateway.registry.showing import origin

_SIGNS: Final = {"error": "[red]✗[/]", "warning": "[yellow]![/]", "note": "[blue]·[/]"}


def print_servers(shapes: Sequence[JsonObject]) -> None:
    """One line each."""
    console = Console()
    if not shapes:
        console.print("No server is registered. `mcp-gateway servers add NAME URL` registers one.")
        return
    table = Table("name", "address", "offered", "prefix", "when it changes", "from", box=None, pad_edge=False)
    for one in shapes:
        address = one.get("url") or one.get("transport")
        offered = "yes" if one.get("enabled") and not one.get("fault") else "no"
        table.add_row(
            *(escape(str(cell or "")) for cell in (one["name"], address, offered, one["prefix"], one["drift"], one["source"]))
        )
    console.print(table)


def print_server(shape: JsonObject) -> None:
    """Every field that says something."""
    console = Console()
    for key, value in _flat(shape):
        if value not in (None, "", [], {}):
            console.print(f"[bold]{escape(key)}[/] {escape(str(value))}", highlight=False)


def print_found(found: Found) -> None:
    """What a registry said, on standard error: it is somebody else's word."""
    console = Console(stderr=True, highlight=False, markup=False)
    console.print(plain(f"The registry has {found.name} {found.version} at {origin(found.url)}."))
    for wish in found.wishes:
        how = "needs" if wish.required else "takes"
        console.print(
            plain(f"It {how} the header {wish.header}{', a secret' if wish.secret else ''}: --header and --bearer-file.")
        )


def print_registered(shape: JsonObject) -> None:
    """What was found, the gravest first, and where clients connect."""
    console = Console()
    server, found = _object(shape, "server"), _object(shape, "inspection")
    name = str(server.get("name", ""))
    if not found:
        console.print(f"{escape(name)} is registered; nobody looked at it.")
        return
    _print_what_it_is(console, name, found)
    for finding in found.get("findings") or []:
        if isinstance(finding, dict):
            about = f" ({finding['subject']})" if finding.get("subject") else ""
            console.print(
                f"{_SIGNS.get(str(finding['severity']), '')} {escape(str(finding['message']) + about)}", highlight=False
            )
            console.print(f"  [dim]{escape(str(finding['hint']))}[/]", highlight=False)
    console.print(f"[dim]Its own endpoint: /servers/{escape(name)}/mcp; with everything else: /mcp[/]", highlight=False)


def _print_what_it_is(console: Console, name: str, found: JsonObject) -> None:
    if not found.get("reachable"):
        console.print(f"[bold]{escape(name)}[/] is registered; it was not reached.")
        return
    if not found.get("revision"):
        console.print(f"[bold]{escape(name)}[/] is registered; it was reached, and did not say what it is.")
        return
    who = " ".join(str(part) for part in (found.get("name"), found.get("version")) if part)
    console.print(f"[bold]{escape(name)}[/] {escape(who)}, revision {escape(str(found.get('revision')))}", highlight=False)
    for one in found.get("lists") or []:
        if isinstance(one, dict):
            console.print(f"  {one['count']} {one['kind']}, about {one['tokens']} tokens, {one['took_ms']} ms", highlight=False)


def _object(shape: JsonObject, key: str) -> JsonObject:
    value = shape.get(key)
    return value if isinstance(value, dict) else {}


def _flat(shape: JsonObject, before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in shape.items():
        rows += _flat(value, f"{before}{key}.") if isinstance(value, dict) else [(f"{before}{key}", value)]
    return rows
