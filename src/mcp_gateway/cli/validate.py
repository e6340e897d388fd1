"""`mcp-gateway validate`: every fault of a configuration with its place and its remedy, then each server tried for real.

Exit codes: 0 all is well, 1 faults were found, 2 the file cannot be read.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mcp_gateway.ask.check_servers import ServerCheck, check_servers, notes_on
from mcp_gateway.ask.configuration import (
    ConfigurationFile,
    ConfigurationInvalid,
    ConfigurationUnreadable,
    Fault,
    MCPConfig,
    MCPServerConfig,
)
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json
from mcp_gateway.settings import load_settings, process_environment
from mcp_gateway.wiring.inspection import inspected_server_maker

OK, FAULTS, UNREADABLE = 0, 1, 2
app = typer.Typer(add_completion=False)


@app.command()
def validate(
    config: Annotated[
        Path | None, typer.Argument(help="The configuration file. Default: the one MCP_CONFIG_PATH names.", show_default=False)
    ] = None,
    *,
    connect: Annotated[bool, typer.Option(help="Connect to each server and try it.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check a configuration of MCP servers, try each connection.

    The code of routers is checked by `mcp-gateway patterns`.

    Exit codes: 0 all is well, 1 faults were found, 2 the file cannot be read.
    """
    settings = load_settings()
    configure_logging("CRITICAL", settings.log_format)
    path = config or settings.mcp_config_path
    if path is None:
        raise typer.BadParameter("Name the file, or set MCP_CONFIG_PATH.")
    raise typer.Exit(_validate(path, connect=connect, as_json=as_json))


def _validate(path: Path, *, connect: bool, as_json: bool) -> int:
    try:
        read = ConfigurationFile(path, environment=process_environment()).load()
    except ConfigurationUnreadable as error:
        _print_unreadable(error, as_json=as_json)
        return UNREADABLE
    except ConfigurationInvalid as error:
        _print_faults(path, error.faults, as_json=as_json)
        return FAULTS
    clock = SystemClock()
    checks = asyncio.run(check_servers(read, inspected_server_maker(clock), clock)) if connect else ()
    valid = all(check.usable for check in checks)
    if as_json:
        _print_json(path, valid=valid, checks=checks, notes=notes_on(read))
    else:
        _print_checks(path, read, checks, valid=valid)
    return OK if valid else FAULTS


def _print_json(
    path: Path,
    *,
    valid: bool,
    faults: Sequence[Fault] = (),
    checks: Sequence[ServerCheck] = (),
    notes: Sequence[str] = (),
) -> None:
    shape: dict[str, Json] = {
        "file": str(path),
        "valid": valid,
        "faults": [fault.to_dict() for fault in faults],
        "servers": [check.to_dict() for check in checks],
        "notes": list(notes),
    }
    Console(soft_wrap=True).out(json.dumps(shape, indent=2, ensure_ascii=False), highlight=False)


def _print_unreadable(error: ConfigurationUnreadable, *, as_json: bool) -> None:
    if as_json:
        Console(soft_wrap=True).out(json.dumps({"valid": False, "error": error.to_dict()}, indent=2), highlight=False)
    else:
        Console(stderr=True, soft_wrap=True).out(f"error: {error.message}\nhint:  {error.hint}", highlight=False)


def _print_faults(path: Path, faults: Sequence[Fault], *, as_json: bool) -> None:
    if as_json:
        _print_json(path, valid=False, faults=faults)
        return
    console = Console(soft_wrap=True)
    for fault in faults:
        place = fault.where if fault.line is None else f"{fault.where}:{fault.line}"
        subject = fault.path or "the file"
        console.out(f"{place}  {subject} {fault.problem}\n    {fault.fix}", highlight=False)
    console.out(f"\n{len(faults)} fault{'' if len(faults) == 1 else 's'} in {path}; no server was tried.", highlight=False)


def _print_checks(path: Path, config: MCPConfig, checks: Sequence[ServerCheck], *, valid: bool) -> None:
    for server, check in zip(config.mcp_servers, checks, strict=False):  # no checks: none was tried
        Console(soft_wrap=True).out(_one_line(server, check), highlight=False)
    said = [(check.server, "fault", text) for check in checks for text in check.faults]
    said += [(check.server, "note", text) for check in checks for text in check.notes]
    for key, kind, text in said:
        Console(soft_wrap=True).out(f"{kind}: {key}: {text}", highlight=False)
    for note in notes_on(config):
        Console(soft_wrap=True).out(f"note: {note}", highlight=False)
    tried = "every server answers" if checks else f"{_counted(len(config.mcp_servers), 'server')}, none was tried"
    verdict = f"{path} is valid; {tried}." if valid else f"{path} is well-formed, but not every server can be used."
    Console(soft_wrap=True).out(verdict, highlight=False)


def _one_line(server: MCPServerConfig, check: ServerCheck) -> str:
    facts = [f"priority {server.priority}", server.transport]
    facts += [f"protocol {check.protocol}"] if check.protocol else []
    facts += [f"connected in {check.connect_ms:.0f} ms"] if check.connect_ms is not None else []
    facts += [f"answers in {check.latency_ms:.0f} ms"] if check.latency_ms is not None else []
    facts += [_counted(check.resources, "resource")] if check.resources is not None else []
    facts += [_counted(check.tools, "tool")] if check.tools is not None else []
    return f"{'ok   ' if check.usable else 'FAULT'}  {server.key}: {', '.join(facts)}"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
