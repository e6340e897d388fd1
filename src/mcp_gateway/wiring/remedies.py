"""Remedies that this program can carry out itself, in the Redis it is told of; each step stands in the gateway's own trail."""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_gateway.adapters.remedies.cached_value import DropCachedValue
from mcp_gateway.adapters.remedies.command_permission import DenyCommand
from mcp_gateway.adapters.remedies.expire_keys import ExpireKeys
from mcp_gateway.adapters.remedies.store_state import EndScript, LoadScripts, ReleaseBreaker
from mcp_gateway.adapters.remedies.stored_rules import RollBackRules
from mcp_gateway.adapters.remedies.turns import StoreTurns
from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.actions.applying import Applying
from mcp_gateway.diagnostics.actions.mending import Mending
from mcp_gateway.diagnostics.actions.operating import Operator, Turns
from mcp_gateway.diagnostics.verdict import Action
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.access_commands import open_access_alone
from mcp_gateway.wiring.audited_steps import AuditedSteps
from mcp_gateway.wiring.operations import looking_tools
from mcp_gateway.wiring.watched import Watched


@asynccontextmanager
async def open_mending(settings: Settings, watched: Watched, *, clock: Clock) -> AsyncIterator[Mending]:
    """Raises what opening the store and the trail raises, and `InvalidInput` for addresses."""
    tools = looking_tools(settings, watched, clock, None)
    async with open_access_alone(settings, clock) as access:
        yield Mending(
            observer=tools.observing,
            deployment=tools.deployment,
            turns=_turns(settings, clock),
            applying=Applying(
                operators=_operators(settings),
                trail=AuditedSteps(governor=access.governor, audit=access.audit, clock=clock),
                clock=clock,
                secret=secrets.token_bytes(32),
            ),
        )


class NobodysTurn:
    """Implements `Turns` where no store is named: nothing can be carried out there either."""

    @asynccontextmanager
    async def turn(self, _: Action) -> AsyncIterator[None]:
        yield


def _turns(settings: Settings, clock: Clock) -> Turns:
    if settings.redis_url is None:
        return NobodysTurn()
    return StoreTurns(
        url=settings.redis_url.get_secret_value(), holder=f"process {os.getpid()} on {socket.gethostname()}", clock=clock
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
