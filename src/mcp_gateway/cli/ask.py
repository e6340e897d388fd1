"""`mcp-gateway ask`: one question, one answer, and out."""

import asyncio
import sys
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.prompt import IntPrompt

from mcp_gateway.asgi.embedded import open_embedded_gateway
from mcp_gateway.ask.csv_text import csv_lines
from mcp_gateway.ask.model import Answer, Question, Step
from mcp_gateway.cli.logging_setup import configure_logging
from mcp_gateway.cli.rendering import STEP_WORDS, error_console, render_answer, render_readings
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.entrypoints.http.shaping import shape_answer
from mcp_gateway.gateway import Gateway
from mcp_gateway.settings import load_settings
from mcp_gateway.wiring.servers import is_embedded

UNSURE = 3
app = typer.Typer()


class Form(Enum):
    """What is printed."""

    PEOPLE = "people"
    JSON = "json"
    CSV = "csv"
    SQL = "sql"


class Engine(StrEnum):
    """Who writes the SQL."""

    AUTO = "auto"
    ENGINE = "engine"
    MODEL = "model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """How to go on when the question can be read in several ways: `number` from 1, or the likeliest, or ask."""

    number: int | None
    likeliest: bool


@app.command()
def ask(
    question: Annotated[list[str], typer.Argument(help="The question, in plain words or as SQL.", show_default=False)],
    *,
    data: Annotated[str | None, typer.Option(help="File, folder or database URL to ask; no configuration needed.")] = None,
    glossary: Annotated[Path | None, typer.Option(help="Business words for it, YAML or CSV.")] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration of MCP servers to ask instead.")] = None,
    engine: Annotated[Engine, typer.Option(help="Who writes the SQL.")] = Engine.AUTO,
    model: Annotated[str | None, typer.Option(help="Language model as provider:name; it then writes the SQL.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    sql_only: Annotated[bool, typer.Option("--sql-only", help="Print the SQL that ran.")] = False,
    steps: Annotated[bool, typer.Option(help="Show each step with its time.")] = True,
    choose: Annotated[int | None, typer.Option(min=1, help="Take this reading when there are several.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take the likeliest reading when there are several.")] = False,
    max_rows: Annotated[int | None, typer.Option(min=1, help="Rows wanted at most.")] = None,
) -> None:
    """Ask one question and print the answer.

    Exit codes: 0 answered, 1 failed, 2 wrong usage, 3 unsure: the readings to choose from are printed.
    """
    form = _form(json=json, csv=csv, sql_only=sql_only)
    settings = load_settings(
        {"tables_url": data, "glossary_file": glossary, "mcp_config_path": config, "language_model": model, "max_rows": max_rows}
    )
    if is_embedded(settings) and settings.tables_url is None:
        error_console().print("No data named (--data, TABLES_URL): asking the demo shop.", style="dim")
    configure_logging("ERROR" if settings.log_level == "INFO" else settings.log_level, settings.log_format)
    asked = Question(
        text=" ".join(question),
        engine="model" if model and engine is Engine.AUTO else engine.value,
        max_rows=settings.max_rows,
    )

    async def run() -> Answer:
        async with open_embedded_gateway(settings, clock=SystemClock()) as gateway:
            return await _answer(gateway, asked, Choice(number=choose, likeliest=yes), form)

    answer = asyncio.run(run())
    _show(answer, form, with_steps=steps)
    if answer.rows is None:
        raise typer.Exit(UNSURE)


def _form(*, json: bool, csv: bool, sql_only: bool) -> Form:
    wanted = [form for form, given in ((Form.JSON, json), (Form.CSV, csv), (Form.SQL, sql_only)) if given]
    if len(wanted) > 1:
        raise typer.BadParameter("--json, --csv and --sql-only exclude each other")
    return wanted[0] if wanted else Form.PEOPLE


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
