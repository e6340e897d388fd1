"""`mcp-gateway call`: one of the gateway's own tools, its arguments as JSON, its result as JSON or to read."""

from pathlib import Path
from typing import Annotated

import typer

from mcp_gateway.cli.watched import ApplyOption, EngineOption, EngineTokenOption, GatewayOption, GatewayTokenOption, YesOption
from mcp_gateway.core.collecting import garbage_left
from mcp_gateway.wiring.watched import Watched

UNEXPECTED = 1
app = typer.Typer(add_completion=False)


@app.command()
def call(
    tool: Annotated[str, typer.Argument(help="The tool, such as diagnose_gateway_health or ask.", show_default=False)],
    arguments: Annotated[str, typer.Argument(help="Its arguments, a JSON object; `-` reads them from standard input.")] = "{}",
    *,
    gateway: GatewayOption = None,
    engine: EngineOption = None,
    gateway_token: GatewayTokenOption = None,
    engine_token: EngineTokenOption = None,
    project: Annotated[
        Path, typer.Option(help="Folder of code it may read.", file_okay=False, exists=True, resolve_path=True)
    ] = Path(),
    expect: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=VALUE: end with 1 unless this member of the result is exactly that; repeatable."),
    ] = None,
    apply: ApplyOption = None,
    yes: YesOption = False,
    as_json: Annotated[
        bool | None,
        typer.Option(
            "--json/--text", help="Print JSON, or lines to read; lines only on a terminal unless said.", show_default=False
        ),
    ] = None,
) -> None:
    """Call one of the gateway's own tools, its arguments as JSON.

    It runs in this process. With --apply a remedy that the tool recommends is carried out afterwards, as `mcp-gateway ops
    apply` does it; what came of it is the member `applied` of the result.

    Exit codes: 0 it gave a result, which is as expected; 1 it failed, and says why, or the result is not as expected,
    or the remedy did not help.
    """
    wanted = dict(_parted(one) for one in expect or ())
    with garbage_left():
        from mcp_gateway.cli.calling import Remedy, carry_out  # noqa: PLC0415 - slow; the help need not wait for it
    watched = Watched(
        gateway_url=gateway, engine_url=engine, gateway_token=gateway_token, engine_token=engine_token, project=project
    )
    remedy = None if apply is None else Remedy(apply, yes)
    if not carry_out(tool, arguments, watched=watched, expected=wanted, remedy=remedy, as_json=as_json):
        raise typer.Exit(UNEXPECTED)


def _parted(expectation: str) -> tuple[str, str]:
    field, sign, value = expectation.partition("=")
    if not sign or not field:
        raise typer.BadParameter(f"--expect takes FIELD=VALUE, not {expectation!r}")
    return field, value
