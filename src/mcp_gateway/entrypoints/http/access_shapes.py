"""From access's values to the API's shapes. Decides nothing."""

from datetime import UTC, datetime

from mcp_gateway.access.audit.model import AuditRow
from mcp_gateway.access.audit.verify import Verification
from mcp_gateway.access.policy.bodies import Statement, identity_of, kind_of, to_body
from mcp_gateway.access.policy.dry_run import DryRun, Shift
from mcp_gateway.access.policy.explain import Explanation
from mcp_gateway.access.policy.listing import Listed
from mcp_gateway.access.policy.model import Link
from mcp_gateway.access.tokens.desk import ListedToken
from mcp_gateway.access.tokens.records import IssuedToken
from mcp_gateway.entrypoints.http.access_answers import (
    AuditRowAnswer,
    DryRunAnswer,
    ExplanationAnswer,
    LinkAnswer,
    ListedAnswer,
    ListedTokenAnswer,
    ShiftAnswer,
    StatementAnswer,
    TokenAnswer,
    VerificationAnswer,
)


def shape_explanation(explanation: Explanation) -> ExplanationAnswer:
    return {
        "caller": {
            "tenant": explanation.caller.tenant,
            "subject": explanation.caller.subject,
            "roles": sorted(explanation.caller.roles),
            "scopes": None if explanation.caller.scopes is None else sorted(explanation.caller.scopes),
        },
        "action": explanation.action,
        "target": str(explanation.target),
        "allowed": explanation.allowed,
        "works": explanation.works,
        "reason": explanation.reason,
        "chain": [_link(link) for link in explanation.chain],
        "advice": list(explanation.advice),
        "row_filters": list(explanation.row_filters),
    }


def _link(link: Link) -> LinkAnswer:
    return {"step": link.step, "passed": link.passed, "detail": link.detail, "rule": link.rule or None}


def shape_listed(listed: Listed) -> ListedAnswer:
    return {
        **shape_statement(listed.statement),
        "source": listed.source,
        "created_at": None if listed.created_at is None else moment(listed.created_at),
        "created_by": listed.created_by or None,
    }


def shape_statement(statement: Statement) -> StatementAnswer:
    return {"kind": kind_of(statement), "id": identity_of(statement), "statement": to_body(statement)}


def shape_dry_run(found: DryRun) -> DryRunAnswer:
    return {
        "of_calls": [_shift(one) for one in found.of_calls],
        "of_roles": [_shift(one) for one in found.of_roles],
        "compared_calls": found.compared_calls,
    }


def _shift(shift: Shift) -> ShiftAnswer:
    return {
        "subject": shift.subject or None,
        "roles": list(shift.roles),
        "action": shift.action,
        "target": str(shift.target),
        "allowed": shift.allowed,
        "rule": shift.rule or None,
        "reason": shift.reason,
        "count": shift.count,
    }


def shape_listed_token(listed: ListedToken) -> ListedTokenAnswer:
    return {**shape_issued(listed.token), "revoked": listed.revoked}


def shape_issued(token: IssuedToken) -> TokenAnswer:
    return {
        "id": token.jti,
        "subject": token.subject,
        "roles": sorted(token.roles),
        "name": token.name,
        "issued_at": moment(token.issued_at),
        "expires_at": moment(token.expires_at),
        "issued_by": token.issued_by,
    }


def shape_row(row: AuditRow) -> AuditRowAnswer:
    event = row.event
    return {
        "sequence": row.sequence,
        "at": moment(event.at),
        "subject": event.subject,
        "credential": event.credential or None,
        "action": event.action,
        "server": event.server or None,
        "target": event.target or None,
        "decision": event.decision,
        "reason": event.reason,
        "outcome": event.outcome,
        "error_code": event.error_code or None,
        "duration_ms": round(event.duration_ms, 2),
        "correlation_id": event.correlation_id or None,
        "fingerprint": event.fingerprint or None,
        "arguments": event.arguments,
        "face": event.face or None,
        "hash": row.hash,
    }


def shape_verification(found: Verification) -> VerificationAnswer:
    return {
        "sound": found.sound,
        "rows": found.rows,
        "first": found.first,
        "last": found.last,
        "hash": found.hash,
        "seals": found.seals,
        "findings": [
            {"fault": one.fault, "sequence": one.sequence, "through": one.through, "detail": one.detail} for one in found.findings
        ],
    }


def moment(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat()
