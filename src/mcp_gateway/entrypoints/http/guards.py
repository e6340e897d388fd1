"""Which operation each route is, for limits and figures; the guards stand in the routes' signatures.

Without login everybody who reaches the port is one caller of one tenant.
"""

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.kit.fastapi import Call, Guard

Asked: TypeAlias = Annotated[Call, Depends(Guard("ask"))]
SqlSent: TypeAlias = Annotated[Call, Depends(Guard("sql"))]
ModesRead: TypeAlias = Annotated[Call, Depends(Guard("api.modes"))]
SchemaRead: TypeAlias = Annotated[Call, Depends(Guard("api.schema"))]
ServersRead: TypeAlias = Annotated[Call, Depends(Guard("api.servers"))]
HealthRead: TypeAlias = Annotated[Call, Depends(Guard("api.health"))]
FiguresRead: TypeAlias = Annotated[Call, Depends(Guard("api.metrics"))]
# What balancers and Kubernetes ask; no rule names it, so that no flood can make a sound process look dead.
Probed: TypeAlias = Annotated[Call, Depends(Guard("probe"))]


async def caller_of(_: Request) -> Caller:
    """The one caller there is."""
    return LOCAL_CALLER
