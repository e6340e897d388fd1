"""Gateway primitives, usable alone: limits, cache, breakers and resilience, on memory and on Redis or Valkey.

Importing this package loads no Redis client, no web framework and no metrics library; those are `kit.redis`,
`kit.fastapi` and `kit.prometheus`, imported by whoever wants them.
"""

from mcp_gateway.kit.errors import CostAboveLimit, InvalidRule, LimitsAway, RateLimited, RulesChanged, TooManyAtOnce
from mcp_gateway.kit.limits.dry_run import DryRun, dry_run
from mcp_gateway.kit.limits.headers import LimitHeaders
from mcp_gateway.kit.limits.limiter import EnterpriseRateLimiter
from mcp_gateway.kit.limits.memory import MemoryLeaseStore, MemoryLimitStore, MemoryRuleStore
from mcp_gateway.kit.limits.model import Decision, Explanation, RuleState
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule, RuleSet
from mcp_gateway.kit.limits.stored_rules import StoredRules
from mcp_gateway.kit.limits.traffic import RecordedCall, TrafficRecorder

__all__ = [
    "ConcurrencyRule",
    "CostAboveLimit",
    "Decision",
    "DryRun",
    "EnterpriseRateLimiter",
    "Explanation",
    "InvalidRule",
    "LimitHeaders",
    "LimitsAway",
    "MemoryLeaseStore",
    "MemoryLimitStore",
    "MemoryRuleStore",
    "RateLimited",
    "RecordedCall",
    "Rule",
    "RuleSet",
    "RuleState",
    "RulesChanged",
    "StoredRules",
    "TooManyAtOnce",
    "TrafficRecorder",
    "dry_run",
]
