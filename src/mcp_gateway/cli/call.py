"""`mcp-gateway call`: one of the gateway's own tools, its arguments as JSON, its result as JSON."""

from pathlib import Path
from typing import Annotated

import typer

from mcp_gateway.cli.lazy_group import garbage_left
from mcp_gateway.cli.watched import EngineOption, GatewayOption

UNEXPECTED = 1
app = typer.Typer(add_completion=False)


@app.command()
def call(
    tool: Annotated[str, typer.Argument(help="The tool, such as diagnose_gateway_health or ask.", show_default=False)],
    arguments: Annotated[str, typer.Argument(help="Its arguments, a JSON object; `-` reads them from standard input.")] = "{}",
    *,
    gateway: GatewayOption = None,
    engine: EngineOption = None,
    project: Annotated[
        Path, typer.Option(help="Folder of code it may read.", file_okay=False, exists=True, resolve_path=True)
    ] = Path(),
    expect: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=VALUE: end with 1 unless this member of the result is exactly that; repeatable."),
    ] = None,
) -> None:
    """Call one of the gateway's own tools, JSON in and out.

    It runs in this process.

    Exit codes: 0 it gave a result, which is as expected; 1 it failed, and says why as JSON, or the result is not as expected.
    """
    wanted = dict(_parted(one) for one in expect or ())
    with garbage_left():
        from mcp_gateway.cli.calling import carry_out  # noqa: PLC0415 - slow; the help need not wait for it
    if not carry_out(tool, arguments, project=project, gateway=gateway, engine=engine, expected=wanted):
        raise typer.Exit(UNEXPECTED)


def _parted(expectation: str) -> tuple[str, str]:
    field, sign, value = expectation.partition("=")
    if not sign or not field:
        raise typer.BadParameter(f"--expect takes FIELD=VALUE, not {expectation!r}")
    return field, value
