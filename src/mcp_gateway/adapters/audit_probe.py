"""The health check of the audit trail: whether lines are written, and whether its store answers."""

from mcp_gateway.access.audit.model import NOBODYS
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.trail import Trail
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.diagnostics.ports import Finding


class AuditProbe:
    """Reads; writing is what the trail's own writer tries until it succeeds. Needed where nothing is answered without a line."""

    name = "audit"

    def __init__(self, trail: Trail, store: AuditStore) -> None:
        self._trail = trail
        self._store = store
        self.needed = trail.needed

    async def check(self) -> Finding:
        facts: dict[str, Json] = {"lost": self._trail.lost}
        if self._trail.away:
            return Finding(healthy=False, status="not written", facts=facts)
        try:
            await self._store.head(NOBODYS)
        except GatewayError as error:
            return Finding(healthy=False, status="unreachable", facts={**facts, "error": error.message, "code": error.code})
        return Finding(healthy=True, status="written", facts=facts)
