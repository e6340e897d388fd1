"""Gateway primitives, usable alone: limits, cache, breakers and resilience, on memory and on Redis or Valkey.

Importing this package loads no Redis client, no web framework and no metrics library; those are `kit.redis`,
`kit.fastapi` and `kit.prometheus`, imported by whoever wants them.
"""

from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.memory import MemoryBreakerStore
from mcp_gateway.kit.breaker.model import CircuitSnapshot, Transition
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.breaker.windows import CountBased, TimeBased
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.codec import BytesCodec, Codec, JsonCodec
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.model import Acknowledgement, CacheCounts, CachePolicy, InvalidationEvent
from mcp_gateway.kit.errors import (
    BulkheadFull,
    CircuitOpen,
    CostAboveLimit,
    DeadlineExceeded,
    IdempotencyConflict,
    IdempotencyMismatch,
    InvalidIdempotencyKey,
    InvalidPolicy,
    InvalidRule,
    LimitsAway,
    LoadTimedOut,
    Overloaded,
    PoolExhausted,
    RateLimited,
    RulesChanged,
    TooManyAtOnce,
)
from mcp_gateway.kit.limits.dry_run import DryRun, dry_run
from mcp_gateway.kit.limits.headers import LimitHeaders
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.memory import MemoryLeaseStore, MemoryLimitStore, MemoryRuleStore
from mcp_gateway.kit.limits.model import Decision, Explanation, RuleState
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule, RuleSet
from mcp_gateway.kit.limits.stored_rules import StoredRules
from mcp_gateway.kit.limits.traffic import RecordedCall, TrafficRecorder
from mcp_gateway.kit.resilience.adaptive import AdaptiveLimit, AdaptivePolicy
from mcp_gateway.kit.resilience.budget import RetryBudget
from mcp_gateway.kit.resilience.bulkhead import Bulkhead, BulkheadPolicy
from mcp_gateway.kit.resilience.deadline import DEADLINE_HEADER, Deadlines
from mcp_gateway.kit.resilience.hedge import Hedge, HedgePolicy
from mcp_gateway.kit.resilience.idempotency.memory import MemoryIdempotencyStore
from mcp_gateway.kit.resilience.idempotency.model import KeyedRequest, StoredAnswer, fingerprint, read_key
from mcp_gateway.kit.resilience.idempotency.once import Idempotency, IdempotencyPolicy
from mcp_gateway.kit.resilience.pools import PoolPolicy, ResourcePool, ResourcePools
from mcp_gateway.kit.resilience.retry import Retry, RetryPolicy

__all__ = [
    "DEADLINE_HEADER",
    "Acknowledgement",
    "AdaptiveLimit",
    "AdaptivePolicy",
    "BreakerPolicy",
    "Bulkhead",
    "BulkheadFull",
    "BulkheadPolicy",
    "BytesCodec",
    "Cache",
    "CacheCounts",
    "CachePolicy",
    "CircuitBreaker",
    "CircuitOpen",
    "CircuitSnapshot",
    "Codec",
    "ConcurrencyRule",
    "CostAboveLimit",
    "CountBased",
    "DeadlineExceeded",
    "Deadlines",
    "Decision",
    "DryRun",
    "EnterpriseRateLimiter",
    "Explanation",
    "Hedge",
    "HedgePolicy",
    "Idempotency",
    "IdempotencyConflict",
    "IdempotencyMismatch",
    "IdempotencyPolicy",
    "InvalidIdempotencyKey",
    "InvalidPolicy",
    "InvalidRule",
    "InvalidationEvent",
    "JsonCodec",
    "KeyedRequest",
    "LimitHeaders",
    "LimitsAway",
    "LoadTimedOut",
    "MemoryBreakerStore",
    "MemoryIdempotencyStore",
    "MemoryLeaseStore",
    "MemoryLimitStore",
    "MemoryRuleStore",
    "MemorySharedLevel",
    "Overloaded",
    "PoolExhausted",
    "PoolPolicy",
    "RateLimited",
    "RecordedCall",
    "ResourcePool",
    "ResourcePools",
    "Retry",
    "RetryBudget",
    "RetryPolicy",
    "Rule",
    "RuleSet",
    "RuleState",
    "RulesChanged",
    "StoredAnswer",
    "StoredRules",
    "TimeBased",
    "TooManyAtOnce",
    "TrafficRecorder",
    "Transition",
    "dry_run",
    "fingerprint",
    "read_key",
]
