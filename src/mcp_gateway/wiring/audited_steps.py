"""Steps of remedies in the gateway's own trail: `diagnose ops apply.KIND.STEP`, with targets and the way back, named by run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mcp_gateway.access.act import Act
from mcp_gateway.access.audit.model import AuditEvent
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.search import MAX_PAGE, Search, find
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.model import Target
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.diagnostics.actions.operating import LAST_STEPS, Step, Unfinished
from mcp_gateway.wiring.operations import OPS

LOOKED_BACK_SECONDS = 86_400.0
_APPLY = "apply."


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedSteps:
    """Implements `Trail`. What cannot be written down is not done, or undone."""

    governor: Governor
    audit: AuditStore
    clock: Clock

    async def record(self, step: Step) -> None:
        said = {"detail": step.detail} if step.detail else {}
        act = Act(
            action="diagnose",
            target=Target(server=OPS, tool=f"{_APPLY}{step.action.kind}.{step.name}"),
            arguments={"target": dict(step.action.target), **said},
            correlation_id=step.run,
            face="command",
            kept=True,
        )
        await self.governor.carry_out(step.caller, act, _noted)

    async def unfinished(self) -> tuple[Unfinished, ...]:
        """As the last row of each run tells. A run that is under way now is among them."""
        since = self.clock.timestamp() - LOOKED_BACK_SECONDS
        search = Search(tenant=LOCAL_CALLER.tenant, action="diagnose", server=OPS, text=_APPLY, since=since, limit=MAX_PAGE)
        runs: dict[str, list[AuditEvent]] = {}
        for row in (await find(self.audit, search)).rows:
            if row.event.tool.startswith(_APPLY) and row.event.decision == "allowed":
                runs.setdefault(row.event.correlation_id, []).append(row.event)
        return tuple(_unfinished(run) for run in runs.values() if _step(run[0]) not in LAST_STEPS)


def _step(event: AuditEvent) -> str:
    return event.tool.rpartition(".")[2]


def _unfinished(run: Sequence[AuditEvent]) -> Unfinished:
    """`run`: its rows, newest first; the oldest holds the way back."""
    first = run[-1]
    said = json.loads(first.arguments) if first.arguments else {}
    return Unfinished(
        kind=first.tool.removeprefix(_APPLY).rpartition(".")[0],
        last_step=_step(run[0]),
        at=datetime.fromtimestamp(first.at, UTC),
        by=first.subject,
        run=first.correlation_id,
        way_back=str(said.get("detail", "")),
    )


async def _noted() -> None:
    """The line is all there is to it."""
