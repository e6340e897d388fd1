"""The audit trail of one's own tenant over HTTP: searched a page at a time, and verified. Reading it is itself written down."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mcp_gateway.access.access import Access
from mcp_gateway.access.audit.model import DecisionWord, Outcome
from mcp_gateway.access.audit.search import Search, find
from mcp_gateway.access.audit.verify import verify
from mcp_gateway.entrypoints.http.access_answers import AuditPageAnswer, VerificationAnswer
from mcp_gateway.entrypoints.http.access_routes import written_down
from mcp_gateway.entrypoints.http.access_shapes import shape_row, shape_verification
from mcp_gateway.entrypoints.http.guards import AuditRead
from mcp_gateway.kit.fastapi import GuardedRoute

MOST_ROWS = 200
# What every store can count to.
LAST_SEQUENCE = 2**63 - 1


class AuditQuery(BaseModel):
    """What to look for; every field given must fit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = Field("", max_length=300)
    action: str = Field("", max_length=100)
    server: str = Field("", max_length=300)
    target: str = Field("", max_length=300)
    decision: DecisionWord | None = None
    outcome: Outcome | None = None
    correlation_id: str = Field("", max_length=200)
    since: AwareDatetime | None = Field(None, description="With a time zone; included.")
    until: AwareDatetime | None = Field(None, description="With a time zone; excluded.")
    text: str = Field("", max_length=200)
    before: int | None = Field(None, ge=1, le=LAST_SEQUENCE, description="Where the last page ended.")
    limit: int = Field(50, ge=1, le=MOST_ROWS)


def audit_routes(access: Access) -> APIRouter:
    """GET /audit and /audit/verify."""
    router = APIRouter(prefix="/api/audit", tags=["audit"], route_class=GuardedRoute)

    @router.get("", summary="What was done, newest first")
    async def search(query: Annotated[AuditQuery, Query()], request: Request, call: AuditRead) -> AuditPageAnswer:
        async def work() -> AuditPageAnswer:
            page = await find(access.audit, search_of(query, call.caller.tenant))
            return {"rows": [shape_row(row) for row in page.rows], "before": page.before}

        arguments = query.model_dump(mode="json", exclude_defaults=True)
        return await written_down(access, call, request, action="read_audit", arguments=arguments, work=work)

    @router.get("/verify", summary="Whether anything in your tenant's chain was changed, removed or moved")
    async def check(request: Request, call: AuditRead) -> VerificationAnswer:
        async def work() -> VerificationAnswer:
            return shape_verification(await verify(access.audit, call.caller.tenant, access.sealer.check))

        return await written_down(access, call, request, action="read_audit", arguments={"verify": True}, work=work)

    return router


def search_of(query: AuditQuery, tenant: str) -> Search:
    """A search of this tenant's trail."""
    return Search(
        tenant=tenant,
        subject=query.subject,
        action=query.action,
        server=query.server,
        target=query.target,
        decision=query.decision,
        outcome=query.outcome,
        correlation_id=query.correlation_id,
        since=query.since.timestamp() if query.since else None,
        until=query.until.timestamp() if query.until else None,
        text=query.text,
        before=query.before,
        limit=query.limit,
    )
