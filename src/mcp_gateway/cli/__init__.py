"""The command `mcp-gateway`. One module per command; a module is imported when its command runs.

Exit codes, the same for every command:

    0    done; a question was answered
    1    it failed; the error and what to do about it went to stderr
    2    the command line itself is wrong
    3    the question could be read in several ways, or not at all: nothing was run
    130  interrupted before it had done its work; stopping a server that runs is 0
"""

import gc
import sys
from typing import Any

import typer

from mcp_gateway.cli.endings import FAILED, INTERRUPTED
from mcp_gateway.cli.lazy_group import LazyCommand, lazy_group
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.visible import visible

COMMANDS = (
    LazyCommand("demo", "Try it: a small shop, three answered questions, the page."),
    LazyCommand("ask", "Ask one question and print the answer."),
    LazyCommand("serve", "Run the gateway: web page, API and MCP endpoints."),
    LazyCommand("tables", "Run the MCP server that offers one database, read-only."),
    LazyCommand("glossary", "Run the MCP server that offers business words."),
    LazyCommand("validate", "Check a configuration of MCP servers, try each connection."),
    LazyCommand("tokens", "Issue, list and revoke tokens of this gateway."),
    LazyCommand("servers", "Register MCP servers and look after them."),
    LazyCommand("tools", "See, compare, approve and block what servers offer."),
    LazyCommand("diagnose", "Find out what is wrong, and what may be done about it."),
    LazyCommand("call", "Call one of the gateway's own tools, its arguments as JSON."),
    LazyCommand("ops", "Run the MCP server with the operations tools."),
    LazyCommand("routes", "Make routers and their tests, or remove them."),
    LazyCommand("patterns", "Check routers against the patterns of a gateway."),
    LazyCommand("access", "Explain decisions, check and change rules."),
    LazyCommand("auth", "Find out why logging in does not work."),
    LazyCommand("audit", "Verify, read, export, replay, seal, prune the audit trail."),
    LazyCommand("setup-enhanced", "Make and check what a gateway of several replicas needs."),
    LazyCommand("config", "Show every setting, its value and where it comes from."),
)

app = typer.Typer(
    name="mcp-gateway",
    help="Ask your tables questions in plain words, and offer them to MCP clients.",
    cls=lazy_group("mcp_gateway.cli", COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Ask your tables questions in plain words, and offer them to MCP clients."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; an error of ours becomes two lines on stderr and exit code 1."""
    try:
        return app(arguments)
    except (GatewayError, BaseExceptionGroup, SystemExit) as error:
        # Whatever goes wrong while MCP servers are open comes out of their task groups wrapped.
        code = _exit_code(_innermost(error))
        if not code:
            raise
    # Outside the handler, and collected: else the error's frames live to the end, and DuckDB reports what they hold as leaks.
    gc.collect()
    sys.exit(code)


def _exit_code(cause: BaseException) -> int | str | None:
    """What to exit with, the error said; None for what is no ending of ours."""
    if isinstance(cause, GatewayError):
        hint = f"hint:  {cause.hint}\n" if cause.hint else ""
        # Servers, files and stores have their words in it.
        sys.stderr.write(visible(f"error: {cause.message} [{cause.code}]\n{hint}", keep="\n\t"))
        return FAILED
    if isinstance(cause, KeyboardInterrupt):
        return INTERRUPTED
    return (cause.code if cause.code is not None else 0) if isinstance(cause, SystemExit) else None


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
