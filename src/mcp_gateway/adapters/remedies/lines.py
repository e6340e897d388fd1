"""Lines to the store that is mended: each for one step, with bounds on waiting and on what is read."""

from mcp_gateway.kit.redis.connection import RedisConnection

CALL_SECONDS = 2.0
# A page of keys, a list of clients, stored rules: whatever is longer is none of these.
MOST_REPLY_BYTES = 16_000_000


async def open_line(url: str, *, call_seconds: float = CALL_SECONDS, most_reply_bytes: int = MOST_REPLY_BYTES) -> RedisConnection:
    """Close it after use. Raises `InvalidStoreUrl` and `StoreUnavailable`."""
    return await RedisConnection.open(url, timeout_seconds=call_seconds, max_reply_bytes=most_reply_bytes)
