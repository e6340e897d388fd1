"""Answering the one question of `mcp-gateway ask`. Apart from the command, whose help should not wait for all of this."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from rich.console import Console
from rich.prompt import IntPrompt

from mcp_gateway.asgi.embedded import open_embedded_gateway
from mcp_gateway.ask.csv_text import csv_lines
from mcp_gateway.ask.model import Answer, Question, Step
from mcp_gateway.cli.ask_order import Choice, Engine, Form, Order
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.cli.rendering import STEP_WORDS, error_console, render_answer, render_readings
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.entrypoints.http.shaping import shape_answer
from mcp_gateway.gateway import Gateway
from mcp_gateway.settings import Settings, load_settings
from mcp_gateway.wiring.servers import is_embedded


def carry_out(order: Order) -> bool:
    """Ask, and print the answer; whether there was one. Raises `GatewayError`."""
    settings = load_settings(
        {
            "tables_url": order.data,
            "glossary_file": order.glossary,
            "mcp_config_path": order.config,
            "language_model": order.model,
            "max_rows": order.max_rows,
        }
    )
    if is_embedded(settings) and settings.tables_url is None:
        error_console().print("No data named (--data, TABLES_URL): asking the demo shop.", style="dim")
    configure_logging("ERROR" if settings.log_level == "INFO" else settings.log_level, settings.log_format)
    asked = Question(
        text=order.question,
        engine="model" if order.model and order.engine is Engine.AUTO else order.engine.value,
        max_rows=settings.max_rows,
    )

    async def run() -> Answer:
        async with _open_gateway(settings) as gateway:
            return await _answer(gateway, asked, order.choice, order.form)

    answer = asyncio.run(run())
    _show(answer, order.form, with_steps=order.with_steps)
    return answer.rows is not None


@asynccontextmanager
async def _open_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """Where a store is named it is the organisation's: what is asked here is decided by its rules and stands in its trail."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        foundation = None
        if settings.database_url is not None:
            from mcp_gateway.wiring.guarded_foundation import open_guarded_foundation  # noqa: PLC0415 - slow; few need it

            foundation = await stack.enter_async_context(open_guarded_foundation(settings, clock=clock))
        yield await stack.enter_async_context(open_embedded_gateway(settings, clock=clock, foundation=foundation))


async def _answer(gateway: Gateway, question: Question, choice: Choice, form: Form) -> Answer:
    console = error_console()
    with console.status("connecting") as status:

        async def on_step(step: Step) -> None:
            status.update(STEP_WORDS.get(step.name.removesuffix(":started"), step.name))

        answer = await gateway.ask(LOCAL_CALLER, question, on_step)
    if answer.rows is not None or not answer.readings:
        return answer
    number = _chosen(answer, choice, may_ask=form is Form.PEOPLE and sys.stdin.isatty() and console.is_terminal)
    if number is None:
        return answer
    if number > len(answer.readings):
        raise InvalidInput(f"There are {len(answer.readings)} readings, not {number}.", hint="Leave out --choose to see them.")
    reading = answer.readings[number - 1]
    with console.status("running SQL"):
        return await gateway.run_sql(LOCAL_CALLER, Question(text=reading.sql, max_rows=question.max_rows))


def _chosen(answer: Answer, choice: Choice, *, may_ask: bool) -> int | None:
    if choice.number is not None:
        return choice.number
    if choice.likeliest:
        return 1
    if not may_ask:
        return None
    console = error_console()
    console.print(render_readings(answer))
    picked = IntPrompt.ask("Which one? (0 for none)", console=console, default=0)
    return picked or None


def _show(answer: Answer, form: Form, *, with_steps: bool) -> None:
    out = Console(highlight=False)
    if form is Form.JSON:
        sys.stdout.write(shape_answer(answer).model_dump_json(indent=2) + "\n")
    elif answer.rows is None:
        error_console().print(render_readings(answer))
    elif form is Form.CSV:
        sys.stdout.writelines(csv_lines(answer.rows))
    elif form is Form.SQL:
        sys.stdout.write(f"{answer.sql}\n")
    else:
        out.print(render_answer(answer, with_steps=with_steps))
