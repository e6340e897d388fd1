"""Which rows a caller may see of a table, as conditions on its columns. `access.data` puts them into the query's tree."""

from mcp_gateway.access.policy.decide import ready_caller
from mcp_gateway.access.policy.model import CallerValue, Policy, ReadyFilter, RowCondition, RowFilter
from mcp_gateway.core.identity import Caller


def row_conditions(policy: Policy, caller: Caller, table: str) -> tuple[RowCondition, ...]:
    """All of them hold for every row; none: every row may be seen. By the filters' ids."""
    said = filters_of(policy, caller.tenant)
    if not said:
        return ()
    roles = ready_caller(policy, caller).names
    return tuple(
        _for_caller(ready.filter, caller)
        for ready in said
        if (not ready.filter.roles or not ready.filter.roles.isdisjoint(roles)) and ready.tables.allows(table, "")
    )


def filters_of(policy: Policy, tenant: str) -> tuple[ReadyFilter, ...]:
    """Every filter that may hold for callers of this tenant."""
    return policy.ready_filters.get(tenant, policy.ready_filters[""])


def _for_caller(one: RowFilter, caller: Caller) -> RowCondition:
    value, impossible = one.value, False
    if isinstance(value, CallerValue):
        value = {"tenant": caller.tenant, "subject": caller.subject}.get(value.attribute, caller.attributes.get(value.attribute))
        impossible = value is None
    return RowCondition(filter_id=one.id, column=one.column, operator=one.operator, value=value, impossible=impossible)
