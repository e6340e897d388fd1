"""`mcp-gateway diagnose`: what is wrong, by which evidence, what was ruled out, and what may be done about it."""

from enum import StrEnum
from typing import Annotated

import typer

from mcp_gateway.cli.watched import ApplyOption, EngineOption, EngineTokenOption, GatewayOption, GatewayTokenOption, YesOption
from mcp_gateway.core.collecting import garbage_left
from mcp_gateway.wiring.watched import Watched

FOUND = 1
COULD_NOT_TELL = 3
DID_NOT_HELP = 1
app = typer.Typer(add_completion=False)


class Issue(StrEnum):
    """Kinds of trouble, as `diagnostics.operations.IssueType`."""

    AUTO = "auto"
    RATE_LIMITING = "rate_limiting"
    CACHE_MISS = "cache_miss"
    CIRCUIT_BREAKER = "circuit_breaker"
    PROXY_TIMEOUT = "proxy_timeout"
    MEMORY_LEAK = "memory_leak"
    HIGH_LATENCY = "high_latency"


@app.command()
def diagnose(
    issue: Annotated[Issue, typer.Argument(help="What was noticed; auto finds out.")] = Issue.AUTO,
    *,
    gateway: GatewayOption = None,
    engine: EngineOption = None,
    gateway_token: GatewayTokenOption = None,
    engine_token: EngineTokenOption = None,
    tenant: Annotated[str | None, typer.Option(help="Whose trouble it is.", show_default=False)] = None,
    minutes: Annotated[int, typer.Option(min=1, max=1_440, help="How far back to look.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    apply: ApplyOption = None,
    yes: YesOption = False,
) -> None:
    """Find out what is wrong, and what may be done about it.

    Looks at the gateway, the engine and the Redis (REDIS_URL) behind it, and changes nothing. With --apply it goes on as
    `mcp-gateway ops apply` does: a preview, a question, the change, and back again when its signal does not come.

    Exit codes: 0 all is well, 1 something is wrong, 3 it could not be told. With --apply: 0 it helped, 1 it did not, or was
    not done.
    """
    with garbage_left():
        from mcp_gateway.cli.diagnosing import carry_out  # noqa: PLC0415 - slow; the help need not wait for it
    done = carry_out(
        issue.value,
        Watched(gateway_url=gateway, engine_url=engine, gateway_token=gateway_token, engine_token=engine_token),
        tenant=tenant,
        minutes=minutes,
        as_json=as_json,
        apply=apply,
        yes=yes,
    )
    if done.helped is None and done.verdict != "healthy":
        raise typer.Exit(COULD_NOT_TELL if done.verdict == "could_not_tell" else FOUND)
    if done.helped is False:
        raise typer.Exit(DID_NOT_HELP)
