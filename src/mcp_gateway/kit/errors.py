"""What the kit raises: leaves of the one tree in `core.errors`, each with a stable code and a hint."""

from mcp_gateway.core.errors import GatewayError, InvalidInput, TimedOut, Unavailable, Unprocessable


class InvalidStoreUrl(InvalidInput):
    """The address of the store cannot be understood."""

    code = "INVALID_STORE_URL"
    hint = "Write `redis://[user:password@]host[:port][/database]`, `rediss://…` for TLS, or `unix:///path`."


class StoreUnavailable(Unavailable):
    """The store for limits, cache and events does not answer."""

    code = "STORE_UNAVAILABLE"
    hint = "Check that Redis or Valkey runs at `REDIS_URL`; until it is back each part does what its policy says."


class StoreRefused(Unavailable):
    """The store answered with an error."""

    code = "STORE_REFUSED"
    hint = "Look at the store's words in the message: often a missing permission, or memory that is full."
    retryable = False

    @property
    def kind(self) -> str:
        """The first word of the store's answer: `NOSCRIPT`, `OOM`, `NOPERM`, `WRONGTYPE`, `ERR`, …"""
        return self.message.split(" ", 1)[0]


class CircuitOpen(Unavailable):
    """The part behind this circuit breaker keeps failing, so it is not called for a while."""

    code = "CIRCUIT_OPEN"
    hint = "Come back after `retry_after_seconds`; the breaker's transition log says why it opened."


class DeadlineExceeded(TimedOut):
    """The time the caller gave for this request is over."""

    code = "DEADLINE_EXCEEDED"
    hint = "Allow more time, or ask for less."
    retryable = False


class BulkheadFull(Unavailable):
    """Too many calls of this kind are running or waiting."""

    code = "BULKHEAD_FULL"
    hint = "Come back after `retry_after_seconds`, with fewer calls at once."


class Overloaded(Unavailable):
    """More is asked of this gateway than it can answer in time, so this request was turned away."""

    code = "OVERLOADED"
    hint = "Come back after `retry_after_seconds`."


class PoolExhausted(Unavailable):
    """Everything this user may take from the resource pool is in use."""

    code = "POOL_EXHAUSTED"
    hint = "Try again shortly; if it stays so, enlarge the pool or this user's reservation."


class InvalidIdempotencyKey(InvalidInput):
    """The header `Idempotency-Key` is missing or cannot be understood."""

    code = "INVALID_IDEMPOTENCY_KEY"
    hint = (
        "Send 1 to 255 printable ASCII characters, a fresh UUID for instance, the same one with every repetition of one request."
    )


class IdempotencyConflict(GatewayError):
    """A request with this `Idempotency-Key` is still running."""

    code = "IDEMPOTENCY_CONFLICT"
    category = "conflict"
    hint = "Repeat the same request with the same key after `retry_after_seconds` to get its answer."
    retryable = True


class IdempotencyMismatch(Unprocessable):
    """This `Idempotency-Key` was used before for another request."""

    code = "IDEMPOTENCY_MISMATCH"
    hint = "Use a fresh key for each new request, and the same body with every repetition."


class InvalidPolicy(InvalidInput):
    """A policy of the kit contradicts itself or is out of range."""

    code = "INVALID_POLICY"
    hint = "Correct the value named in the message where the policy is made."
