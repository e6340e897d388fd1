"""`mcp-gateway demo`: a small shop, three answered questions, the web page and the lines for an MCP client."""

import gc
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.text import Text

from mcp_gateway.access.access import Access
from mcp_gateway.asgi.application import open_application
from mcp_gateway.asgi.serving import Listeners, open_listeners_near
from mcp_gateway.ask.model import Question
from mcp_gateway.cli.endings import INTERRUPTED
from mcp_gateway.cli.event_loop import run_serving
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.cli.rendering import render_answer
from mcp_gateway.cli.sign_in import make_client_token, make_ways_in
from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.gateway import Gateway
from mcp_gateway.settings import Settings, load_settings
from mcp_gateway.wiring.demo import DEMO_QUESTIONS, prepare_demo, prepare_servers_file

app = typer.Typer(add_completion=False)
SEED = 7


@app.command()
def demo(
    *,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to try first; taken ones are skipped.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Answer the three questions and exit.")] = False,
    no_login: Annotated[bool, typer.Option("--no-login", help="Ask nobody to log in; this machine alone can reach it.")] = False,
) -> None:
    """Try it: a small shop, three answered questions, the page."""
    settings = load_settings({"fastapi_port": port, "fastapi_host": "127.0.0.1", "login": "none" if no_login else None})
    configure_logging("ERROR" if settings.log_level == "INFO" else settings.log_level, settings.log_format)
    console = Console(highlight=False)
    clock = SystemClock()
    interrupted = False
    try:
        shop = _prepare(settings, clock, console)
        run_serving(_run(shop, clock, console, once=once))
    except KeyboardInterrupt:
        interrupted = True
    if interrupted:
        # Before it served: a serving demo ends without raising. Outside the handler, for what its frames hold.
        gc.collect()
        console.print("\nStopped.")
        raise typer.Exit(INTERRUPTED)


def _prepare(settings: Settings, clock: Clock, console: Console) -> Settings:
    """Settings that point at today's shop, made now if it is not there yet."""
    with Progress(
        SpinnerColumn(),
        TextColumn("Making the demo shop: {task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("looking for it", total=1.0)
        shop = prepare_demo(
            settings.cache_dir,
            today=clock.now().date(),
            seed=SEED,
            progress=lambda stage, share: progress.update(task, description=stage, completed=share),
        )
    console.print(Text.assemble(("The demo shop", "bold"), f" is in {shop.database}"), soft_wrap=True)
    state_dir = settings.cache_dir / "demo-state"
    return settings.model_copy(
        update={
            "tables_url": str(shop.database),
            "glossary_file": shop.glossary,
            "mcp_config_path": None,
            "mcp_server_url": None,
            # Of its own: trying it leaves nothing in a store that is meant for work.
            "state_dir": state_dir,
            "database_url": None,
            "servers_file": settings.servers_file or prepare_servers_file(state_dir),
        }
    )


async def _run(settings: Settings, clock: Clock, console: Console, *, once: bool) -> None:
    listeners = open_listeners_near(settings.fastapi_host, settings.fastapi_port)
    try:
        async with open_application(settings, clock=clock, listeners=listeners) as application:
            await _answer_questions(application.gateway, console)
            if once:
                console.print("The page, and what an MCP client needs, come without --once: `mcp-gateway demo` keeps running.")
                return
            _say_where(settings.fastapi_port, listeners, console)
            await _say_ways_in(application.gateway.access, settings, listeners, console)
            _say_how_to_add(settings, console)
            console.print("Ctrl-C stops it.")
            await application.serve(listeners)
            console.print("\nStopped. Bye.")
    finally:
        listeners.close()


async def _answer_questions(gateway: Gateway, console: Console) -> None:
    for question in DEMO_QUESTIONS:
        console.print(Rule(Text(question, style="bold"), align="left"))
        answer = await gateway.ask(LOCAL_CALLER, Question(text=question))
        console.print(render_answer(answer, with_steps=True))


def _say_where(wanted_port: int, listeners: Listeners, console: Console) -> None:
    if wanted_port not in (0, listeners.port):
        console.print(f"Port {wanted_port} is taken, so this runs on {listeners.port}.", style="yellow")


async def _say_ways_in(access: Access | None, settings: Settings, listeners: Listeners, console: Console) -> None:
    """The page's address, and what an MCP client is given; each with what opens it."""
    link, authorization = listeners.url, ""
    if access is not None and settings.login == "required":
        link = (await make_ways_in(access, listeners.url)).link
        authorization = f',\n      "headers": {{ "Authorization": "Bearer {await make_client_token(access)}" }}'
    title = "The page" if link == listeners.url else "The page (this link signs you in, once)"
    # Not boxed and not wrapped: both are there to be copied.
    console.print(Text.assemble((f"{title}: ", ""), (link, "bold")), soft_wrap=True)
    console.print("For an MCP client:")
    server = f'      "type": "http", "url": "{listeners.url}/mcp"{authorization}'
    lines = ('{ "mcpServers": {', '    "my-tables": {', server, "}}}")
    console.print(Text("\n".join(lines), style="cyan"), soft_wrap=True)


def _say_how_to_add(settings: Settings, console: Console) -> None:
    """What is typed elsewhere has to mean the demo's own store, whatever the settings there."""
    command = [sys.executable, "-m", "mcp_gateway"] if Path(sys.argv[0]).name == "__main__.py" else [sys.argv[0]]
    state, servers = shlex.quote(str(settings.state_dir)), shlex.quote(str(settings.servers_file))
    line = f"STATE_DIR={state} SERVERS_FILE={servers} DATABASE_URL= {shlex.join(command)} servers add NAME URL"
    console.print("An MCP server of yours behind it, from another terminal:")
    console.print(Text(f"    {line}", style="cyan"), soft_wrap=True)
    console.print(f"Programs stand in {settings.servers_file}", soft_wrap=True)
