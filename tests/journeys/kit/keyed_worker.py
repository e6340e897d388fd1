"""A process that begins a keyed request and never ends it. `python keyed_worker.py URL LEASE_SECONDS`; prints `begun`."""

import asyncio
import sys

from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.idempotency import RedisIdempotencyStore
from mcp_gateway.kit.resilience.idempotency.model import KeyedRequest, StoredAnswer
from mcp_gateway.kit.resilience.idempotency.once import Idempotency, IdempotencyPolicy

REQUEST = KeyedRequest(tenant="acme", operation="orders.create", key="k-1", fingerprint="body")


async def hang() -> StoredAnswer:
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.sleep(60)
    return StoredAnswer(status=200, body=b"far too late")


async def main() -> None:
    async with await RedisConnection.open(sys.argv[1], timeout_seconds=5.0) as connection:
        once = Idempotency(RedisIdempotencyStore(connection), IdempotencyPolicy(lease_seconds=float(sys.argv[2])))
        await once.run(REQUEST, hang)


if __name__ == "__main__":
    asyncio.run(main())
