"""What the kit raises: leaves of the one tree in `core.errors`, each with a stable code and a hint."""

from typing import ClassVar

from mcp_gateway.core.errors import Category, GatewayError, InvalidInput, TimedOut, TooLarge, Unavailable, Unprocessable


class InvalidStoreUrl(InvalidInput):
    """The address of the store cannot be understood."""

    code = "INVALID_SHARED_STORE_URL"
    hint = "Write `redis://[user:password@]host[:port][/database]`, `rediss://…` for TLS, or `unix:///path`."


class StoreUnavailable(Unavailable):
    """The store for limits, cache and events does not answer."""

    code = "SHARED_STORE_UNAVAILABLE"
    hint = "Check that Redis or Valkey runs at `REDIS_URL`; until it is back each part does what its policy says."


class StoreRefused(Unavailable):
    """The store answered with an error."""

    code = "SHARED_STORE_REFUSED"
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
    """The time the caller gave for this request is over.

    With `begun=False` in its data it was over before anything was done.
    """

    code = "DEADLINE_EXCEEDED"
    hint = "Allow more time, or ask for less."
    retryable = False


class LoadTimedOut(TimedOut):
    """Loading a value for the cache took too long."""

    code = "LOAD_TIMED_OUT"
    hint = "Try again in a moment; if it stays slow, look at what the loader asks, or raise `load_timeout_seconds`."


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


class InvalidRule(InvalidInput):
    """A limit's rule cannot be used."""

    code = "INVALID_RULE"
    hint = "Correct the field named in the message; docs/kit/rate-limits.md lists them with their ranges."


class RulesChanged(GatewayError):
    """Somebody else has changed the stored rules in the meantime."""

    code = "RULES_CHANGED"
    category: ClassVar[Category] = "conflict"
    hint = "Read the rules again, apply the change to what is there now, and save with its revision."


class RateLimited(GatewayError):
    """The rate limit is reached."""

    code = "RATE_LIMITED"
    category: ClassVar[Category] = "rate_limited"
    hint = "Wait the stated time; a refused call costs nothing."
    retryable = True


class TooManyAtOnce(RateLimited):
    """Too many calls are under way at the same time."""

    code = "TOO_MANY_AT_ONCE"
    hint = "Wait until one of the calls under way has ended; at the latest its lease lapses after the stated time."


class CostAboveLimit(TooLarge):
    """The call costs more than its limit ever allows at once."""

    code = "COST_ABOVE_LIMIT"
    hint = "Split the call, or have the limit raised; waiting does not help."


class LimitsAway(Unavailable):
    """The store of the limits does not answer, and this operation is closed without it."""

    code = "LIMITS_AWAY"
    hint = "Try again in a moment; calls that only read may still be let through."


def was_called(error: Exception) -> bool:
    """False for what the kit refused by itself before the part behind was called: it says nothing about that part."""
    if isinstance(error, DeadlineExceeded):
        return error.data.get("begun") is not False
    return not isinstance(error, CircuitOpen | BulkheadFull | Overloaded | PoolExhausted | RateLimited)
