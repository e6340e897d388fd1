"""What commands of the operations tools share: which deployment they look at, and which remedy they carry out."""

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
    str | None,
    typer.Option("--engine", help="The AI engine to look at (AI_ENGINE_URL).", envvar="AI_ENGINE_URL", show_default=False),
]
GatewayTokenOption = Annotated[
    str | None,
    typer.Option(
        "--gateway-token",
        help="A token for the gateway's pages. The variable keeps it out of the list of processes.",
        envvar="BACKEND_ORCHESTRATOR_TOKEN",
        show_default=False,
    ),
]
EngineTokenOption = Annotated[
    str | None,
    typer.Option(
        "--engine-token",
        help="A token for the engine. The variable keeps it out of the list of processes.",
        envvar="AI_ENGINE_TOKEN",
        show_default=False,
    ),
]
ApplyOption = Annotated[
    str | None,
    typer.Option(
        "--apply",
        metavar="REMEDY",
        help="Then carry out this remedy of those recommended: its number or its kind. It is shown first, and asked about.",
        show_default=False,
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
