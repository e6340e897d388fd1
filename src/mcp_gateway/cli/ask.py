"""`mcp-gateway ask`: one question, one answer, and out."""

from pathlib import Path
from typing import Annotated

import typer

from mcp_gateway.cli.ask_order import Choice, Engine, Form, Order
from mcp_gateway.core.collecting import garbage_left

UNSURE = 3
app = typer.Typer(add_completion=False)


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
    order = Order(
        question=" ".join(question),
        data=data,
        glossary=glossary,
        config=config,
        engine=engine,
        model=model,
        max_rows=max_rows,
        form=_form(json=json, csv=csv, sql_only=sql_only),
        choice=Choice(number=choose, likeliest=yes),
        with_steps=steps,
    )
    with garbage_left():
        from mcp_gateway.cli.answering import carry_out  # noqa: PLC0415 - slow; the help need not wait for it
    if not carry_out(order):
        raise typer.Exit(UNSURE)


def _form(*, json: bool, csv: bool, sql_only: bool) -> Form:
    wanted = [form for form, given in ((Form.JSON, json), (Form.CSV, csv), (Form.SQL, sql_only)) if given]
    if len(wanted) > 1:
        raise typer.BadParameter("--json, --csv and --sql-only exclude each other")
    return wanted[0] if wanted else Form.PEOPLE
