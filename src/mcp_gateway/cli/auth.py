"""`mcp-gateway auth doctor`: the login providers tried step by step, each step with a verdict and what to change where.

Exit codes: 0 nothing is wrong, 1 something is.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
from rich.console import Console

from mcp_gateway.access.examination.entra_faults import known_fault
from mcp_gateway.access.examination.step import Step
from mcp_gateway.access.tokens.envelope import MAX_TOKEN_CHARS
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.visible import visible
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.auth_doctor import Chapter, examine_access

OK, WRONG = 0, 1
_SIGNS: Final = {"ok": "ok      ", "problem": "PROBLEM ", "unknown": "?       "}
app = typer.Typer(help="Find out why logging in does not work.", no_args_is_help=True, add_completion=False)


@app.callback()
def _root() -> None:
    """Find out why logging in does not work."""


@app.command()
def doctor(
    *,
    provider: Annotated[str | None, typer.Option(help="Look at this provider alone.", show_default=False)] = None,
    url: Annotated[
        str | None, typer.Option(help="Where people reach the gateway, https://gateway.example.com.", show_default=False)
    ] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read an access token from standard input and say what becomes of it.")
    ] = False,
    error: Annotated[
        str | None, typer.Option(help="Explain an error of Entra's, such as AADSTS9010010.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Try each login provider step by step and say what to change where. A token given is never shown, stored or sent on.

    Exit codes: 0 nothing is wrong, 1 something is.
    """
    settings = load_settings()
    configure_logging("CRITICAL", settings.log_format)
    if error is not None:
        raise typer.Exit(_explain(error))
    token = _read_token() if token_stdin else None
    gateway_url = _address(url or settings.public_url or "")
    chapters = asyncio.run(examine_access(settings, SystemClock(), only=provider, gateway_url=gateway_url, token=token))
    if as_json:
        _print_json(chapters)
    else:
        _print(chapters)
    raise typer.Exit(OK if all(chapter.healthy for chapter in chapters) else WRONG)


def _read_token() -> str:
    """Somewhat more than a token may have, so that a longer one is seen to be too long; what is no text is no token."""
    try:
        return sys.stdin.read(MAX_TOKEN_CHARS + 100)
    except UnicodeDecodeError:
        return ""


def _address(url: str) -> str:
    """Scheme, host and port; "" for none."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/") and not parts.query
    except ValueError:
        usable = False
    if not usable:
        raise typer.BadParameter("Write https://HOST or http://127.0.0.1:PORT, without a path.", param_hint="--url")
    return url.rstrip("/")


def _explain(error: str) -> int:
    fault = known_fault(error)
    if fault is None:
        _out("This error is not among those explained here; https://login.microsoftonline.com/error looks up its number.")
        return WRONG
    _out(f"AADSTS{fault.number}: {fault.meaning}\n  change ({fault.where}): {fault.change}")
    return OK


def _print_json(chapters: Sequence[Chapter]) -> None:
    healthy = all(chapter.healthy for chapter in chapters)
    shape = {"healthy": healthy, "chapters": [chapter.to_dict() for chapter in chapters]}
    _out(json.dumps(shape, indent=2, ensure_ascii=True))


def _print(chapters: Sequence[Chapter]) -> None:
    for chapter in chapters:
        _out(f"\n{chapter.title}")
        for step in chapter.steps:
            _print_step(step)
    problems = sum(step.verdict == "problem" for chapter in chapters for step in chapter.steps)
    _out(f"\n{problems} problem{'' if problems == 1 else 's'}." if problems else "\nNothing is wrong as far as can be told.")


def _print_step(step: Step) -> None:
    _out(f"  {_SIGNS[step.verdict]}{step.name}: {visible(step.said)}")
    if step.change:
        _out(f"          {'change' if not step.where else f'change ({step.where})'}: {visible(step.change)}")
    if step.name == "token" and step.facts:
        for name, value in step.facts.items():
            _out(f"          {name} = {json.dumps(value, ensure_ascii=True)}")


def _out(text: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).out(text, highlight=False)
