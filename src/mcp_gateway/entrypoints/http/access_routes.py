"""Rules, explanations and tokens over HTTP: each a use case of access with its guard, and written down by the governor.

Everything here is about the caller's own tenant.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Query, Request

from mcp_gateway.access.access import Access
from mcp_gateway.access.act import Act
from mcp_gateway.access.errors import PolicyInvalid
from mcp_gateway.access.policy.changes import Addition, Removal
from mcp_gateway.access.policy.explain import Circumstances, parse_column
from mcp_gateway.access.policy.model import Action, Target
from mcp_gateway.access.policy.own_tools import OWN_SERVER, action_of, parse_tool
from mcp_gateway.access.policy.ports import Kind
from mcp_gateway.access.tokens.embedded import TokenOrder
from mcp_gateway.access.tokens.lifetimes import read_lifetime
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.access_answers import (
    DryRunAnswer,
    ExplanationAnswer,
    IssuedAnswer,
    PutAnswer,
    RevokedAnswer,
    RuleRemovedAnswer,
    RulesAnswer,
    SignedOutAnswer,
    TokensAnswer,
)
from mcp_gateway.entrypoints.http.access_models import (
    Described,
    DryRunRequest,
    ExplainRequest,
    RuleChange,
    RuleRequest,
    SubjectRequest,
    TokenRequest,
)
from mcp_gateway.entrypoints.http.access_shapes import (
    shape_dry_run,
    shape_explanation,
    shape_issued,
    shape_listed,
    shape_listed_token,
    shape_statement,
)
from mcp_gateway.entrypoints.http.errors import correlation_id_of
from mcp_gateway.entrypoints.http.guards import Explained, RulesUsed, TokensUsed
from mcp_gateway.gateway import Gateway
from mcp_gateway.kit.fastapi import Call, GuardedRoute

T = TypeVar("T")


def access_routes(gateway: Gateway, access: Access) -> APIRouter:
    """/access/explain, /access/rules, /access/dry-run, /access/tokens, /access/sign-out."""
    router = APIRouter(prefix="/api/access", tags=["access"], route_class=GuardedRoute)
    _add_explain(router, gateway, access)
    _add_rules(router, access)
    _add_tokens(router, access)
    return router


async def written_down(
    access: Access,
    call: Call,
    request: Request,
    *,
    action: Action,
    arguments: Mapping[str, Json],
    work: Callable[[], Awaitable[T]],
) -> T:
    """Carry it out as the caller; the trail has it before the answer leaves."""
    act = Act(action=action, arguments=arguments, correlation_id=correlation_id_of(request))
    return await access.governor.carry_out(call.caller, act, work)


def _add_explain(router: APIRouter, gateway: Gateway, access: Access) -> None:
    @router.post("/explain", summary="Why somebody may, or may not: every step of the decision")
    async def explain(body: ExplainRequest, request: Request, call: Explained) -> ExplanationAnswer:
        described = described_caller(body.caller, call.caller.tenant)
        action, target = asked_for(body)
        known = _circumstances(gateway, target)

        async def work() -> ExplanationAnswer:
            return shape_explanation(access.policy.explain(call.caller, described, action, target, known))

        arguments: dict[str, Json] = {"explain": body.model_dump(mode="json", exclude_defaults=True)}
        return await written_down(access, call, request, action="manage_access", arguments=arguments, work=work)


def _add_rules(router: APIRouter, access: Access) -> None:
    @router.get("/rules", summary="What speaks about your tenant: built in, of the file, and stored")
    async def rules(request: Request, call: RulesUsed) -> RulesAnswer:
        async def work() -> RulesAnswer:
            listed = [shape_listed(one) for one in access.policy.list(call.caller)]
            return {"rules": listed, "version": access.policy.current.version}

        return await written_down(access, call, request, action="manage_access", arguments={"list": "rules"}, work=work)

    @router.put("/rules", summary="Add a rule, role or row filter, or replace the one of its name")
    async def put(body: RuleRequest, request: Request, call: RulesUsed) -> PutAnswer:
        addition = Addition(kind=body.kind, text=json.dumps(body.statement))

        async def work() -> PutAnswer:
            statement = await access.policy.put(call.caller, addition, force=body.force)
            return {"rule": shape_statement(statement), "version": access.policy.current.version}

        arguments: dict[str, Json] = {"put": body.kind, "statement": body.statement, "force": body.force}
        return await written_down(access, call, request, action="manage_access", arguments=arguments, work=work)

    @router.delete("/rules/{kind}/{name}", summary="Remove one that is stored")
    async def remove(
        kind: Kind,
        name: Annotated[str, Path(max_length=300)],
        request: Request,
        call: RulesUsed,
        *,
        force: Annotated[bool, Query(description="Even if you could not take it back yourself afterwards.")] = False,
    ) -> RuleRemovedAnswer:
        async def work() -> RuleRemovedAnswer:
            await access.policy.remove(call.caller, Removal(kind=kind, id=name), force=force)
            return {"removed": name, "version": access.policy.current.version}

        arguments: dict[str, Json] = {"remove": kind, "id": name, "force": force}
        return await written_down(access, call, request, action="manage_access", arguments=arguments, work=work)

    @router.post("/dry-run", summary="Who would lose or gain what; nothing is changed")
    async def dry_run(body: DryRunRequest, request: Request, call: RulesUsed) -> DryRunAnswer:
        async def work() -> DryRunAnswer:
            calls = await access.past_calls.read([call.caller.tenant], days=body.days)
            return shape_dry_run(access.policy.dry_run(call.caller, [_change(one) for one in body.changes], calls))

        arguments: dict[str, Json] = {"dry_run": body.model_dump(mode="json", exclude_defaults=True)}
        return await written_down(access, call, request, action="manage_access", arguments=arguments, work=work)


def _add_tokens(router: APIRouter, access: Access) -> None:
    @router.get("/tokens", summary="The tokens of your tenant that have not expired; never their text")
    async def tokens(request: Request, call: TokensUsed) -> TokensAnswer:
        async def work() -> TokensAnswer:
            return {"tokens": [shape_listed_token(one) for one in await access.tokens.list(call.caller)]}

        return await written_down(access, call, request, action="issue_tokens", arguments={"list": "tokens"}, work=work)

    # patterns: allow write-not-idempotent: a kept answer would be a token that lies in the store
    @router.post("/tokens", summary="Make a token; its text is told this once")
    async def issue(body: TokenRequest, request: Request, call: TokensUsed) -> IssuedAnswer:
        order = TokenOrder(
            tenant=call.caller.tenant,
            subject=body.subject,
            roles=frozenset(body.roles),
            lifetime_seconds=read_lifetime(body.lifetime),
            name=body.name,
            scopes=None if body.scopes is None else frozenset(body.scopes),
        )

        async def work() -> IssuedAnswer:
            text, record = await access.tokens.issue(call.caller, order)
            return {"token": text, **shape_issued(record)}

        arguments: dict[str, Json] = {"issue": body.subject, "roles": [*body.roles], "lifetime": body.lifetime}
        return await written_down(access, call, request, action="issue_tokens", arguments=arguments, work=work)

    @router.delete("/tokens/{jti}", summary="Take one token back, on every replica, and the sign-ins made with it")
    async def revoke(jti: Annotated[str, Path(max_length=300)], request: Request, call: TokensUsed) -> RevokedAnswer:
        async def work() -> RevokedAnswer:
            await access.tokens.revoke_token(call.caller, jti)
            return {"revoked": jti}

        return await written_down(access, call, request, action="issue_tokens", arguments={"revoke": jti}, work=work)

    @router.post("/sign-out", summary="End everything somebody holds: tokens issued until now, and sign-ins at the page")
    async def sign_out(body: SubjectRequest, request: Request, call: TokensUsed) -> SignedOutAnswer:
        async def work() -> SignedOutAnswer:
            await access.tokens.revoke_subject(call.caller, body.subject)
            ended = await access.sessions.revoke_subject(call.caller.tenant, body.subject)
            return {"subject": body.subject, "sessions_ended": ended}

        arguments: dict[str, Json] = {"sign_out": body.subject}
        return await written_down(access, call, request, action="issue_tokens", arguments=arguments, work=work)


def described_caller(body: Described, tenant: str) -> Caller:
    """Somebody of this tenant, whatever the body says."""
    return Caller(
        tenant=tenant,
        subject=body.subject,
        roles=frozenset(body.roles),
        scopes=None if body.scopes is None else frozenset(body.scopes),
        attributes=body.attributes,
    )


def asked_for(body: ExplainRequest) -> tuple[Action, Target]:
    """The action and what it is about. Tables are read by asking, unless an action is named."""
    if body.tool:
        target = parse_tool(body.tool)
        return body.action or action_of(target), target
    if body.table:
        return body.action or "ask", parse_column(body.table)
    return body.action or "ask", Target()


def _circumstances(gateway: Gateway, target: Target) -> Circumstances:
    if target.server in ("", OWN_SERVER):
        return Circumstances()
    state = next((one for one in gateway.servers() if one.name == target.server), None)
    if state is None:
        return Circumstances(name_state="unknown")
    return Circumstances(server_state="healthy" if state.connected else "down", server_detail=state.error)


def _change(body: RuleChange) -> Addition | Removal:
    if (body.statement is None) == (body.remove is None):
        raise PolicyInvalid("A change is either a statement to put or the name of one to remove.")
    if body.remove is not None:
        return Removal(kind=body.kind, id=body.remove)
    return Addition(kind=body.kind, text=json.dumps(body.statement))
