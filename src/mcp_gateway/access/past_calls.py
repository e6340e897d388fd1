"""What the audit trail remembers, as calls that can be decided again."""

from collections.abc import Iterable, Iterator

from mcp_gateway.access.audit.model import AuditEvent
from mcp_gateway.access.policy.dry_run import PastCall
from mcp_gateway.access.policy.model import ACTIONS, Action, Target
from mcp_gateway.core.identity import Caller

_BY_NAME: dict[str, Action] = {action: action for action in ACTIONS}


def past_calls(events: Iterable[AuditEvent]) -> Iterator[PastCall]:
    """One a line; without those of actions that this release does not know, a refused login for one."""
    for event in events:
        action = _BY_NAME.get(event.action)
        if action is not None:
            yield PastCall(caller=_caller(event), action=action, target=_target(event))


def _caller(event: AuditEvent) -> Caller:
    return Caller(
        tenant=event.tenant,
        subject=event.subject,
        roles=frozenset(event.roles),
        scopes=None if event.scopes is None else frozenset(event.scopes),
    )


def _target(event: AuditEvent) -> Target:
    return Target(server=event.server, tool=event.tool, table=event.table, column=event.column)
