"""Which operation each route is, for limits and figures, and what a caller must be allowed to do for it.

The guards stand in the routes' signatures. Questions and SQL, and whatever else a use case decides for itself, are not decided
here a second time.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Protocol, TypeAlias

from fastapi import Depends, Request

from mcp_gateway.access.act import Act
from mcp_gateway.access.policy.model import Action, Decision
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.errors import correlation_id_of
from mcp_gateway.entrypoints.http.identity import admitted, for_everybody
from mcp_gateway.kit.fastapi import Call, Guard
from mcp_gateway.kit.fastapi.passage import PASSAGE, CallerProvider

Asked: TypeAlias = Annotated[Call, Depends(Guard("ask"))]
SqlSent: TypeAlias = Annotated[Call, Depends(Guard("sql"))]
ModesRead: TypeAlias = Annotated[Call, Depends(Guard("api.modes"))]
SchemaRead: TypeAlias = Annotated[Call, Depends(Guard("api.schema"))]
ServersRead: TypeAlias = Annotated[Call, Depends(Guard("api.servers"))]
HealthRead: TypeAlias = Annotated[Call, Depends(Guard("api.health"))]
LimitsRead: TypeAlias = Annotated[Call, Depends(Guard("api.limits"))]
FiguresRead: TypeAlias = Annotated[Call, Depends(Guard("api.metrics"))]
SignedOut: TypeAlias = Annotated[Call, Depends(Guard("api.logout"))]
LinkMade: TypeAlias = Annotated[Call, Depends(Guard("access.links"))]
Explained: TypeAlias = Annotated[Call, Depends(Guard("access.explain"))]
RulesUsed: TypeAlias = Annotated[Call, Depends(Guard("access.rules"))]
TokensUsed: TypeAlias = Annotated[Call, Depends(Guard("access.tokens"))]
# Each use case of the registry decides by itself, about the very server it is about.
ServersUsed: TypeAlias = Annotated[Call, Depends(Guard("registry"))]
AuditRead: TypeAlias = Annotated[Call, Depends(Guard("audit"))]
MeRead: TypeAlias = Annotated[Call, Depends(Guard("api.me"))]
ReferenceRead: TypeAlias = Annotated[Call, Depends(Guard("api.reference"))]
# Letting a program act for oneself, or not: whoever is signed in decides that for themselves alone.
Decided: TypeAlias = Annotated[Call, Depends(Guard("api.consent"))]
# What balancers and Kubernetes ask; no rule names it, so that no flood can make a sound process look dead.
Probed: TypeAlias = Annotated[Call, Depends(Guard("probe"))]
# Signing in and out, the page's files, and where to sign in: for everybody.
Public: TypeAlias = Annotated[Call, Depends(Guard("public"))]

FOR_EVERYBODY: Final = frozenset({"probe", "public"})
ACTIONS: Final[Mapping[str, Action]] = {
    "api.modes": "see_servers",
    "api.schema": "read_schema",
    "api.servers": "see_servers",
    "api.health": "see_health",
    "api.limits": "see_limits",
    "api.metrics": "see_metrics",
    "access.explain": "manage_access",
    "access.rules": "manage_access",
    "access.tokens": "issue_tokens",
    "access.links": "manage_access",
    "audit": "read_audit",
}
# What callers are told their limits of, questions first.
LIMITED: Final = ("ask", "sql", "api.me", "api.reference", "api.logout", "registry", *ACTIONS)
# Stands for whoever asks what everybody may ask, in limits and figures only.
NOBODY: Final = Caller(tenant="", subject="")


class Permitting(Protocol):
    """Decides, and writes refusals down."""

    async def permit(self, caller: Caller, act: Act, /) -> Decision: ...


def caller_provider(governor: Permitting | None) -> CallerProvider:
    """Who is calling, if they may. It raises what is wrong with the credential, `NotAllowed` and `InsufficientScope`.

    `governor` None: nobody logs in, and everything is allowed.
    """

    async def caller_of(request: Request) -> Caller:
        operation = request.scope[PASSAGE].operation
        if operation in FOR_EVERYBODY:
            return for_everybody(request.scope) or NOBODY
        caller = admitted(request.scope)
        action = ACTIONS.get(operation)
        if action is not None and governor is not None:
            await governor.permit(caller, Act(action=action, correlation_id=correlation_id_of(request)))
        return caller

    return caller_of
