"""Why a tool is there for somebody, or is not. Asked about oneself by everybody, about others by who manages access.

Whoever asks is told no more than they may know: a server they may not see looks as if it were not there, rules are named to who
manages access, reasons for holding back a definition to who manages its server.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final, TypeAlias

from mcp_gateway.access.act import Act, FaceName
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.desk import PolicyDesk
from mcp_gateway.access.policy.explain import NOTHING_KNOWN, Circumstances, Explanation, as_issued, explain
from mcp_gateway.access.policy.model import Link, Target
from mcp_gateway.access.policy.own_tools import action_of
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.catalog.names import Names, Own
from mcp_gateway.federation.health.history import Health
from mcp_gateway.federation.why import steps
from mcp_gateway.federation.why.model import Step, StepName, Why
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.definitions.model import Key
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.registry import Registry

# As many servers as are spoken of, when a name alone could mean a tool of each.
MAX_MEANT: Final = 10
_OF_POLICY: Final[dict[str, StepName]] = {
    "token": "token", "tenant": "tenant", "role": "role", "scope": "scope", "rule": "rule",
}  # fmt: skip
# The roles of a subject's good tokens, and how many these are; for the caller, who manages access.
RolesOf: TypeAlias = Callable[[Caller, str], Awaitable[tuple[frozenset[str], int]]]


class Whys:
    """`names` gives those of a tenant in the one endpoint; `health` None where nobody looks after servers."""

    def __init__(
        self,
        *,
        policy: PolicyDesk,
        governor: Governor,
        registry: Registry,
        definitions: Definitions,
        names: Callable[[str], Names],
        roles_of: RolesOf,
        health: Callable[[str], Health] | None = None,
    ) -> None:
        self._policy, self._governor, self._registry, self._definitions = policy, governor, registry, definitions
        self._names, self._roles_of, self._health = names, roles_of, health

    def of_self(self, caller: Caller, tool: str) -> tuple[Why, ...]:
        """`tool` is `server.tool`, a name of the one endpoint, or a server's own name for it: then one for each that has it."""
        knows = self._policy.decide(caller, "manage_access").allowed

        def explain_this(target: Target) -> Explanation:
            return explain(self._policy.current, caller, action_of(target), target)

        return tuple(self._why(caller, caller, tool, own, explain_this, knows=knows) for own in self._meant(caller, tool))

    async def of_other(
        self, caller: Caller, described: Caller, tool: str, *, roles_said: bool = True, face: FaceName = "http"
    ) -> tuple[Why, ...]:
        """As `of_self`, about somebody of the caller's own tenant; written down. Raises `NotAllowed`, `InsufficientScope`.

        Without `roles_said` they have the roles of the tokens this gateway issued to them.
        """

        async def work() -> tuple[Why, ...]:
            somebody, known = described, NOTHING_KNOWN
            if not roles_said and described.tenant == caller.tenant:
                roles, tokens = await self._roles_of(caller, described.subject)
                option = "--roles" if face == "command" else "role"
                somebody, known = replace(described, roles=roles), as_issued(described.subject, tokens, option)
            return self._of(caller, somebody, tool, known)

        act = Act(action="manage_access", arguments={"explain": tool[:300], "subject": described.subject[:300]}, face=face)
        return await self._governor.carry_out(caller, act, work)

    def _of(self, caller: Caller, described: Caller, tool: str, known: Circumstances) -> tuple[Why, ...]:
        def explain_this(target: Target) -> Explanation:
            return self._policy.explain(caller, described, action_of(target), target, known)

        return tuple(self._why(caller, described, tool, own, explain_this, knows=True) for own in self._meant(caller, tool))

    def _meant(self, asking: Caller, tool: str) -> list[Own]:
        """Most certain first: a name as listed, `server.tool`, then every server that has one of that name."""
        listed = self._names(asking.tenant).own.get(tool)
        if listed is not None and self._shown(asking, listed):
            return [Own(listed.server, listed.name)]
        server, dot, name = tool.partition(".")
        if dot and self._shown(asking, Own(server, name)):
            return [Own(server, name)]
        having = [Own(one.name, tool) for one in self._visible(asking) if tool in self._definitions.names(one.name)]
        return having[:MAX_MEANT] or [Own(server if dot else "", name if dot else tool)]

    def _shown(self, asking: Caller, own: Own) -> bool:
        """Whether it is a server of which whoever asks may know."""
        server = self._registry.servers.get(own.server)
        if server is None:
            return False
        knows = self._policy.decide(asking, "manage_access").allowed
        target = Target(server=own.server, tool=own.name)
        return self._may_know(asking, server, allowed=self._policy.decide(asking, action_of(target), target).allowed, knows=knows)

    def _visible(self, asking: Caller) -> Iterable[Server]:
        return (one for _, one in sorted(self._registry.servers.items()) if self._registry.may_see(asking, one))

    def _why(
        self,
        asking: Caller,
        caller: Caller,
        asked: str,
        own: Own,
        explain_this: Callable[[Target], Explanation],
        *,
        knows: bool,
    ) -> Why:
        explained = explain_this(Target(server=own.server, tool=own.name))
        chain = [_told(link, knows=knows) for link in explained.chain if link.step in _OF_POLICY]
        server = self._registry.servers.get(own.server)
        if server is not None and not self._may_know(asking, server, allowed=explained.allowed, knows=knows):
            server = None
        listed = ""
        advice = explained.advice if knows else ()
        if server is None:
            chain.append(steps.unregistered(own.server))
        else:
            more = self._of_server(asking, caller, server, own.name, told=explained.allowed or knows)
            chain += more
            if explained.allowed or knows:
                listed = self._names(caller.tenant).listed.get(server.name, {}).get(own.name, "")
            if self._registry.sees_details(asking, server):
                advice = (*advice, *steps.advice(server, own.name, more))
        failed = next((one for one in chain if one.passed is False and one.step != "role"), None)
        unseen = next((one for one in chain if one.passed is None and one.step == "definition"), None)
        in_the_way = failed or unseen
        return Why(
            asked=asked,
            caller=caller,
            server=own.server if server is not None else "",
            name=own.name,
            listed=listed,
            works=False if failed is not None else None if unseen is not None else True,
            reason="nothing known stands in the way" if in_the_way is None else in_the_way.detail,
            chain=tuple(chain),
            advice=advice,
            virtual_servers=() if server is None else self._selections(asking, own),
        )

    def _may_know(self, asking: Caller, server: Server, *, allowed: bool, knows: bool) -> bool:
        """Of another tenant nobody here knows anything."""
        if server.tenant not in ("", asking.tenant):
            return False
        return allowed or knows or self._registry.may_see(asking, server)

    def _of_server(self, asking: Caller, caller: Caller, server: Server, name: str, *, told: bool) -> tuple[Step, ...]:
        """`told` False: whether the server has such a tool is none of theirs."""
        first = (
            steps.registered(server, self._registry.faults.get(server.name)),
            steps.of_tenant(server, caller.tenant),
            steps.enabled(server),
            steps.healthy(None if self._health is None else self._health(server.name)),
        )
        if not told:
            return (
                *first,
                Step(step="definition", passed=None, detail="not told"),
                Step(step="name", passed=None, detail="not told"),
            )
        record = self._definitions.record(Key(server.name, "tools", name))
        managing = self._registry.sees_details(asking, server)
        return (*first, steps.standing(record, managing=managing), steps.named(self._names(caller.tenant), server, name))

    def _selections(self, asking: Caller, own: Own) -> tuple[str, ...]:
        """Virtual servers the asking may see that have it."""
        every = sorted(self._registry.virtual_servers.items())
        having = (one for _, one in every if any((item.server, item.tool) == own for item in one.tools))
        return tuple(one.name for one in having if self._registry.may_see(asking, one))


def _told(link: Link, *, knows: bool) -> Step:
    """Rules and other people's roles are for who manages access."""
    step = _OF_POLICY[link.step]
    if knows or step in ("token", "tenant", "scope"):
        return Step(step=step, passed=link.passed, detail=link.detail, rule=link.rule)
    if step == "role":
        return Step(
            step=step, passed=link.passed, detail="a role allows it" if link.passed else "no role of the caller allows it"
        )
    return Step(step=step, passed=link.passed, detail="the policy allows it" if link.passed else "the policy does not allow it")
