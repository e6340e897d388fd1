"""A trail in memory, chained like any other: for tests, and for a gateway that is told to keep nothing."""

from collections.abc import Sequence

from mcp_gateway.access.audit.chain import columns_of, genesis, next_hash, read_row
from mcp_gateway.access.audit.model import AuditLine, AuditRow, Head, Seal, StoredRow
from mcp_gateway.access.audit.search import Search, needle


class MemoryAudit:
    """Implements `access.audit.ports.AuditStore`; everything is gone with the process."""

    def __init__(self, installation: str) -> None:
        self._installation = installation
        self._rows: dict[str, list[StoredRow]] = {}
        self._ends: dict[str, tuple[int, str]] = {}
        self._seals: dict[str, dict[int, Seal]] = {}

    async def append(self, lines: Sequence[AuditLine]) -> None:
        for tenant in {line.event.tenant for line in lines}:
            self._ends.setdefault(tenant, (0, genesis(tenant, self._installation)))
        for event, body in lines:
            sequence, before = self._ends[event.tenant]
            end = (sequence + 1, next_hash(before, body))
            self._ends[event.tenant] = end
            self._rows.setdefault(event.tenant, []).append(StoredRow(event.tenant, end[0], columns_of(event), body, end[1]))

    async def tenants(self) -> tuple[str, ...]:
        return tuple(sorted(self._ends))

    async def head(self, tenant: str) -> Head | None:
        if tenant not in self._ends:
            return None
        sequence, row_hash = self._ends[tenant]
        return Head(tenant=tenant, sequence=sequence, hash=row_hash, installation=self._installation)

    async def read(self, tenant: str, *, after: int, limit: int) -> Sequence[StoredRow]:
        return [row for row in self._rows.get(tenant, []) if row.sequence > after][:limit]

    async def search(self, search: Search) -> Sequence[StoredRow]:
        newest_first = reversed(self._rows.get(search.tenant, []))
        return [row for row in newest_first if _fits(read_row(row), search)][: search.limit]

    async def seals(self, tenant: str) -> Sequence[Seal]:
        kept = self._seals.get(tenant, {})
        return [kept[sequence] for sequence in sorted(kept)]

    async def add_seal(self, seal: Seal) -> None:
        self._seals.setdefault(seal.tenant, {})[seal.sequence] = seal

    async def remove_through(self, tenant: str, sequence: int) -> int:
        before = self._rows.get(tenant, [])
        self._rows[tenant] = [row for row in before if row.sequence > sequence]
        return len(before) - len(self._rows[tenant])


def _fits(row: AuditRow, search: Search) -> bool:
    event = row.event
    wanted = (
        (search.subject, event.subject),
        (search.action, event.action),
        (search.server, event.server),
        (search.target, event.target),
        (search.decision, event.decision),
        (search.outcome, event.outcome),
        (search.correlation_id, event.correlation_id),
    )
    return (
        all(not want or want == has for want, has in wanted)
        and (search.before is None or row.sequence < search.before)
        and (search.since is None or event.at >= search.since)
        and (search.until is None or event.at < search.until)
        and needle(search) in row.body.lower()
    )
