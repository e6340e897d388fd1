"""A server that does nothing but write each call into the audit trail before it answers. For tests that kill it.

    python -m tests.audited_server STORE_URL

Prints its port, then answers GET /ID with ID once the line of that correlation id is committed.
"""

import asyncio
import sys
from datetime import UTC, datetime

from mcp_gateway.access.audit.model import AuditEvent
from mcp_gateway.access.audit.trail import AuditTrail, open_trail
from mcp_gateway.access.errors import AuditUnavailable
from mcp_gateway.adapters.sql.audit import open_audit_store
from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.core.clock import SystemClock

TENANT = "acme"
INSTALLATION = "installation-of-tests"


async def answer(trail: AuditTrail, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Any number of requests on one connection."""
    try:
        while request := (await reader.readuntil(b"\r\n\r\n")).decode():
            name = request.split(" ")[1].lstrip("/")
            event = AuditEvent(
                tenant=TENANT,
                at=datetime.now(UTC).timestamp(),
                subject="anna",
                action="ask",
                decision="allowed",
                outcome="answered",
                correlation_id=name,
            )
            try:
                await trail.record(event)
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode())
            except AuditUnavailable:
                writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(url: str) -> None:
    """Until killed."""
    async with (
        open_store(url) as engine,
        open_audit_store(engine, INSTALLATION) as store,
        open_trail(store, SystemClock()) as trail,
        await asyncio.start_server(lambda reader, writer: answer(trail, reader, writer), "127.0.0.1", 0) as server,
    ):
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
