"""What the policy says, as JSON: the same shape from the API and from the command line."""

from mcp_gateway.access.policy.bodies import to_body
from mcp_gateway.access.policy.dry_run import DryRun, Shift
from mcp_gateway.access.policy.explain import Explanation
from mcp_gateway.access.policy.listing import Listed
from mcp_gateway.access.policy.model import Link, Target
from mcp_gateway.core.errors import Json


def explanation_reply(explained: Explanation) -> dict[str, Json]:
    """`allowed` is the policy's word; `works` minds the token, the server and the name too."""
    caller = explained.caller
    return {
        "caller": {
            "tenant": caller.tenant,
            "subject": caller.subject,
            "roles": [*sorted(caller.roles)],
            "scopes": None if caller.scopes is None else [*sorted(caller.scopes)],
        },
        "action": explained.action,
        "target": _target(explained.target),
        "allowed": explained.allowed,
        "works": explained.works,
        "reason": explained.reason,
        "chain": [_link(link) for link in explained.chain],
        "advice": [*explained.advice],
        "row_filters": [*explained.row_filters],
    }


def listed_reply(listed: Listed) -> dict[str, Json]:
    """`source`: built_in, file or stored; only what is stored can be changed."""
    reply: dict[str, Json] = {"kind": listed.kind, "source": listed.source, "body": to_body(listed.statement)}
    if listed.created_at is not None:
        reply |= {"created_at": listed.created_at, "created_by": listed.created_by}
    return reply


def dry_run_reply(run: DryRun) -> dict[str, Json]:
    """Who would lose and who would gain, by past calls and by what roles may do."""
    return {
        "compared_calls": run.compared_calls,
        "calls": {"lose": _shifts(run.of_calls, allowed=False), "gain": _shifts(run.of_calls, allowed=True)},
        "roles": {"lose": _shifts(run.of_roles, allowed=False), "gain": _shifts(run.of_roles, allowed=True)},
    }


def _link(link: Link) -> Json:
    return {"step": link.step, "passed": link.passed, "detail": link.detail, "rule": link.rule}


def _shifts(shifts: tuple[Shift, ...], *, allowed: bool) -> list[Json]:
    return [_shift(shift) for shift in shifts if shift.allowed == allowed]


def _shift(shift: Shift) -> Json:
    return {
        "subject": shift.subject,
        "roles": [*shift.roles],
        "action": shift.action,
        "target": _target(shift.target),
        "count": shift.count,
        "rule": shift.rule,
        "reason": shift.reason,
    }


def _target(target: Target) -> Json:
    return {"server": target.server, "tool": target.tool, "table": target.table, "column": target.column}
