"""Which deployment the operations tools look at: the two options of every command that has them."""

from typing import Annotated

import typer

GatewayOption = Annotated[
    str | None,
    typer.Option(
        "--gateway",
        help="The gateway to look at (BACKEND_ORCHESTRATOR_URL).",
        envvar="BACKEND_ORCHESTRATOR_URL",
        show_default=False,
    ),
]
EngineOption = Annotated[
    str | None, typer.Option("--engine", help="The engine behind it (AI_ENGINE_URL).", envvar="AI_ENGINE_URL", show_default=False)
]
