"""What a trail needs from time to time: seals, and the removal of rows past their time. One pass; the caller repeats it."""

from dataclasses import dataclass

import structlog

from mcp_gateway.access.audit.chain import read_row
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.seals import Sealer, prune, seal_chain
from mcp_gateway.access.errors import AuditBroken

DAY_SECONDS = 86_400.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What one pass did: tenants sealed, rows removed, tenants whose chain does not verify."""

    sealed: int
    removed: int
    broken: tuple[str, ...]


async def keep_trail(store: AuditStore, sealer: Sealer, *, at: float, retention_days: int | None) -> Kept:
    """Seal every chain where it ends, then remove what is older than `retention_days` (None: nothing). Raises `Unavailable`.

    Rows are removed once the first is a day past its time, so that this is work once a day. A chain that does not verify is
    logged, and left exactly as it is.
    """
    sealed, removed, broken = 0, 0, []
    for tenant in await store.tenants():
        try:
            if await seal_chain(store, sealer, tenant, at=at, reason="regular"):
                sealed += 1
            if retention_days is not None:
                removed += await _remove_old(store, sealer, tenant, at, retention_days * DAY_SECONDS)
        except AuditBroken as error:
            broken.append(tenant)
            _log.error("audit_chain_broken", tenant=tenant, sequence=error.data.get("sequence"))
    return Kept(sealed=sealed, removed=removed, broken=tuple(broken))


async def _remove_old(store: AuditStore, sealer: Sealer, tenant: str, at: float, keep_seconds: float) -> int:
    first = await store.read(tenant, after=0, limit=1)
    if not first or read_row(first[0]).event.at > at - keep_seconds - DAY_SECONDS:
        return 0
    return (await prune(store, sealer, tenant, at=at, before=at - keep_seconds)).rows
