"""All rules, in the order they are shown; the only list of them."""

from typing import Final

from mcp_gateway.kit.patterns.model import LEVELS, Level, RuleSettings
from mcp_gateway.kit.patterns.rules import (
    blocking,
    caching,
    clients,
    contracts,
    cors,
    error_texts,
    errors,
    idempotency,
    inputs,
    invalidation,
    lists,
    observability,
    outbound,
    rate_limits,
    sql,
    tenants,
    webhooks,
)
from mcp_gateway.kit.patterns.study import Rule

RULES: Final[tuple[Rule, ...]] = (
    *rate_limits.RULES,
    *tenants.RULES,
    *caching.RULES,
    *invalidation.RULES,
    *errors.RULES,
    *error_texts.RULES,
    *clients.RULES,
    *outbound.RULES,
    *blocking.RULES,
    *idempotency.RULES,
    *contracts.RULES,
    *lists.RULES,
    *inputs.RULES,
    *observability.RULES,
    *sql.RULES,
    *webhooks.RULES,
    *cors.RULES,
)
BY_NAME: Final = {rule.card.name: rule for rule in RULES}


def rules_at(level: Level, settings: RuleSettings) -> tuple[Rule, ...]:
    """The rules asked at a level: its own and those of the levels below it, without those switched off."""
    reach = LEVELS[: LEVELS.index(level) + 1]
    return tuple(
        rule for rule in RULES if rule.card.level in reach and settings.get(rule.card.name, rule.card.severity) is not None
    )
