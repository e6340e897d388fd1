"""Writes docs/reference from the code, or with --check says which page is out of date (exit 1)."""

import asyncio
import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from enum import Enum
from inspect import cleandoc
from pathlib import Path

from mcp import Client
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer._click import Command, Parameter

import mcp_gateway
from mcp_gateway import cli
from mcp_gateway.asgi.embedded import open_embedded_gateway, open_faces
from mcp_gateway.cli.lazy_group import LazyCommand, load_command
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.diagnostics.signals.catalogue import CATALOGUE
from mcp_gateway.entrypoints.mcp.ask import build_ask_server
from mcp_gateway.entrypoints.mcp.operations import build_operations_server
from mcp_gateway.entrypoints.mcp.server import McpFace
from mcp_gateway.settings import Settings, environment_name, load_settings
from mcp_gateway.wiring.operations import open_operations

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `make docs` from the code; edit there. -->\n\n"


def table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def shown_default(field: FieldInfo) -> str:
    if field.default_factory is not None or field.default is PydanticUndefined or field.default is None:
        return ""
    if field.default == ():
        return ""
    value = ", ".join(field.default) if isinstance(field.default, tuple) else str(field.default)
    return f"`{value}`"


def settings_page() -> str:
    rows = (
        (
            f"`{environment_name(name)}`",
            shown_default(field),
            (field.description or "") + (" *Secret.*" if SecretStr.__name__ in str(field.annotation) else ""),
        )
        for name, field in Settings.model_fields.items()
    )
    return (
        f"{NOTE}# Settings\n\nRead once at start, strongest first: an option of the command line, the environment, the file "
        "`.env` in the working directory, the default. `mcp-gateway config show` prints each value and its origin.\n\n"
        + table(("environment variable", "default", "meaning"), rows)
        + "\n`PYTHONTRACEMALLOC=1`, which is Python's own, has a gateway follow its allocations from its start: the line of a "
        "leak is then [named](../operations/troubleshooting.md#a-leak-of-memory), and requests cost several times as much "
        "processor time.\n"
    )


def every_error() -> list[type[GatewayError]]:
    for module in pkgutil.walk_packages(mcp_gateway.__path__, "mcp_gateway."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: dict[str, type[GatewayError]] = {}
    waiting: list[type[GatewayError]] = [GatewayError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "code" in vars(kind):
            # One that has two parents is met twice.
            if found.get(kind.code, kind) is not kind:
                sys.exit(f"error code {kind.code} belongs to both {found[kind.code].__qualname__} and {kind.__qualname__}")
            found[kind.code] = kind
    return [found[code] for code in sorted(found)]


def errors_page() -> str:
    rows = (
        (
            f"`{kind.code}`",
            kind.category,
            (kind.__doc__ or "").strip().splitlines()[0],
            kind.hint,
            "yes" if kind.retryable else "",
        )
        for kind in every_error()
    )
    return (
        f"{NOTE}# Error codes\n\nEvery face shows an error in one shape: `code`, `message`, `hint`, `retryable`, and "
        "`retry_after_seconds` and `data` where there are any. The category decides the HTTP status.\n\n"
        + table(("code", "category", "meaning", "what to do", "try again"), rows)
    )


def commands_page() -> str:
    parts = [
        f"{NOTE}# Commands\n\n{(cli.__doc__ or '').strip()}\n",
        "An option left out takes the value of its [setting](settings.md), where there is one.\n",
        *(help_of(command) for command in cli.COMMANDS),
    ]
    return "\n".join(parts)


def help_of(listed: LazyCommand) -> str:
    return "\n".join(command_lines(listed.name, load_command("mcp_gateway.cli", listed.name)))


def named(parameter: Parameter) -> str:
    return f"`{', '.join([*parameter.opts, *parameter.secondary_opts])}`"


def option_default(parameter: Parameter) -> str:
    if parameter.required:
        return "needed"
    default = parameter.default
    if default is None or default is False or not isinstance(default, Enum | str | int | float):
        return ""
    if default is True:
        return f"`{parameter.opts[0]}`"
    return f"`{default.value if isinstance(default, Enum) else default}`"


def command_lines(path: str, command: Command) -> Iterator[str]:
    yield f"## `mcp-gateway {path}`\n\n{cleandoc(command.help or '')}\n"
    options = [
        (named(parameter), option_default(parameter), getattr(parameter, "help", None) or "")
        for parameter in command.params
        if not {"--help", "--install-completion", "--show-completion"} & {*parameter.opts}
    ]
    if options:
        yield table(("argument or option", "default", "meaning"), iter(options))
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from command_lines(f"{path} {name}", inner)


def tools_page() -> str:
    described = asyncio.run(every_tool())
    return (
        f"{NOTE}# Tools and resources\n\nWhat our MCP servers offer. `ask` is at `/mcp`; the others run alone, or inside the "
        "gateway below `/servers/tables`, `/servers/glossary` and `/servers/ops`.\n\n" + "\n".join(described)
    )


async def every_tool() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        data, words = Path(folder) / "orders.csv", Path(folder) / "words.yaml"
        data.write_text("id,total\n1,10\n", encoding="utf-8")
        words.write_text("terms: []\n", encoding="utf-8")
        settings = load_settings({"tables_url": str(data), "glossary_file": words})
        clock = SystemClock()
        async with (
            open_faces(settings, clock=clock) as faces,
            open_embedded_gateway(settings, clock=clock) as gateway,
            open_operations(settings, clock=clock) as operations,
        ):
            servers = {"The gateway": build_ask_server(gateway), **faces, "Operations": build_operations_server(operations)}
            return [line for title, face in servers.items() for line in await described_server(title, face)]


async def described_server(title: str, face: McpFace) -> list[str]:
    lines = [f"## {title.capitalize() if title.islower() else title}\n\n{face.identity.description}\n"]
    async with Client(face.server) as client:
        for tool in (await client.list_tools()).tools:
            lines.append(f"### `{tool.name}`\n\n{cleandoc(tool.description or '')}\n")
            properties = tool.input_schema.get("properties", {})
            needed = tool.input_schema.get("required", [])
            rows = (
                (f"`{name}`", "yes" if name in needed else "", str(shape.get("description", "")))
                for name, shape in properties.items()
            )
            if properties:
                lines.append(table(("argument", "needed", "meaning"), rows))
        found = (await client.list_resources()).resources
        if found:
            lines.append(table(("resource", "content"), ((f"`{each.uri}`", each.description or "") for each in found)))
    return lines


def signals_page() -> str:
    rows = (
        (f"`{one.name}`" + (f" `{{{', '.join(one.labels)}}}`" if one.labels else ""), one.kind, one.unit, one.meaning, one.source)
        for one in CATALOGUE.values()
    )
    return (
        f"{NOTE}# Signals\n\nWhat the operations tools read and compare, and what evidence names. A quantile is made from its "
        "histogram and a share from counts, over the window that is asked about. What is read from a gateway carries "
        "`replica` besides the labels named here. [How they are read](../operations/diagnostics.md).\n\n"
        + table(("signal", "kind", "unit", "meaning", "read from"), rows)
    )


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "errors.md": errors_page,
    "settings.md": settings_page,
    "signals.md": signals_page,
    "tools.md": tools_page,
}


def main() -> int:
    checking = "--check" in sys.argv[1:]
    stale = []
    for name, write in PAGES.items():
        path, text = REFERENCE / name, write()
        if checking and (not path.is_file() or path.read_text(encoding="utf-8") != text):
            stale.append(name)
        elif not checking:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"out of date: {', '.join(stale)}; run `make docs`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
