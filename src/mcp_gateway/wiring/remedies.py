"""Remedies that this program can carry out itself, in the Redis it is told of; each step stands in the gateway's own trail."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mcp_gateway.access.act import Act
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.model import Target
from mcp_gateway.adapters.remedies.cached_value import DropCachedValue
from mcp_gateway.adapters.remedies.command_permission import DenyCommand
from mcp_gateway.adapters.remedies.expire_keys import ExpireKeys
from mcp_gateway.adapters.remedies.store_state import EndScript, LoadScripts, ReleaseBreaker
from mcp_gateway.adapters.remedies.stored_rules import RollBackRules
from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.actions.applying import Applying, Operator, Step
from mcp_gateway.diagnostics.actions.mending import Mending
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.access_commands import open_access_alone
from mcp_gateway.wiring.operations import OPS, looking_tools
from mcp_gateway.wiring.watched import Watched


@dataclass(frozen=True, slots=True)
class AuditedSteps:
    """Implements `Trail`. What cannot be written down is not done."""

    governor: Governor

    async def record(self, step: Step) -> None:
        act = Act(
            action="diagnose",
            target=Target(server=OPS, tool=f"apply.{step.action.kind}"),
            arguments={"step": step.name, "target": dict(step.action.target), "detail": step.detail},
            face="command",
        )
        await self.governor.carry_out(step.caller, act, _noted)


@asynccontextmanager
async def open_mending(settings: Settings, watched: Watched, *, clock: Clock) -> AsyncIterator[Mending]:
    """Raises what opening the store and the trail raises, and `InvalidInput` for addresses."""
    tools = looking_tools(settings, watched, clock, None)
    async with open_access_alone(settings, clock) as access:
        yield Mending(
            observer=tools.observing,
            deployment=tools.deployment,
            applying=Applying(
                operators=_operators(settings),
                trail=AuditedSteps(access.governor),
                clock=clock,
                secret=secrets.token_bytes(32),
            ),
        )


def _operators(settings: Settings) -> dict[str, Operator]:
    """What needs more than a Redis is for people: their command says how."""
    if settings.redis_url is None:
        return {}
    url = settings.redis_url.get_secret_value()
    return {
        "deny_command": DenyCommand(url=url),
        "drop_cached_value": DropCachedValue(url=url),
        "end_script": EndScript(url=url),
        "expire_keys": ExpireKeys(url=url),
        "load_scripts": LoadScripts(url=url),
        "release_breaker": ReleaseBreaker(url=url),
        "roll_back_rules": RollBackRules(url=url),
    }


async def _noted() -> None:
    """The line is all there is to it."""
