"""Where answers to keyed requests are kept. Implementations: `memory` here, `kit.redis.idempotency`."""

from typing import Protocol

from mcp_gateway.kit.resilience.idempotency.model import Begun, KeyedRequest, StoredAnswer


class IdempotencyStore(Protocol):
    """Every method may raise `StoreUnavailable` or `StoreRefused`. `token` names one attempt; no two attempts share one."""

    async def begin(self, request: KeyedRequest, token: str, lease_seconds: float) -> Begun:
        """Take the lease when nobody holds it and no answer is kept; otherwise say what is there. Asking again with the same
        token finds the lease it has already taken."""
        ...

    async def renew(self, request: KeyedRequest, token: str, lease_seconds: float) -> bool:
        """Whether the lease is still this token's; it then lasts `lease_seconds` from now."""
        ...

    async def finish(self, request: KeyedRequest, token: str, answer: StoredAnswer | None, keep_seconds: float) -> bool:
        """Keep the answer, None for one too large to keep. False, and nothing kept, when the lease is no longer this token's."""
        ...

    async def abandon(self, request: KeyedRequest, token: str) -> None:
        """Give the lease back, so that a repetition may try again; nothing when it is no longer this token's."""
        ...
