"""Lines the gateway writes about its own keeping of a trail: what is missing from it, what was removed."""

from typing import Final

from mcp_gateway.access.audit.chain import line_of
from mcp_gateway.access.audit.model import AuditEvent, AuditLine

GATEWAY: Final = "gateway"
KEEPING: Final = "keep_audit"


def gap_line(tenant: str, *, at: float, reason: str, error_code: str) -> AuditLine:
    """Something is missing, and why. `at` in seconds since 1970."""
    return line_of(
        AuditEvent(
            tenant=tenant,
            at=at,
            subject=GATEWAY,
            action=KEEPING,
            decision="refused",
            outcome="failed",
            reason=reason,
            error_code=error_code,
        )
    )


def removal_line(tenant: str, *, at: float, rows: int, through: int) -> AuditLine:
    """Rows went because they were old enough."""
    reason = f"{rows} rows through {through} were past their time and removed behind a seal"
    return line_of(
        AuditEvent(tenant=tenant, at=at, subject=GATEWAY, action=KEEPING, decision="allowed", outcome="answered", reason=reason)
    )
