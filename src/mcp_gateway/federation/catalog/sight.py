"""Who may see what: the tenant a server belongs to, and the policy."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, TypeAlias

from mcp_gateway.access.policy.model import Target
from mcp_gateway.access.policy.own_tools import action_of
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.catalog.model import ACTION_OF, ListKind
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.views import View
from mcp_gateway.registry.model import Server

MAX_CALLERS: Final = 2_000
_REACHED: Final[tuple[ListKind, ...]] = ("tools", "prompts", "resources")
_Reach: TypeAlias = tuple[str, str, frozenset[str], ListKind]


class Sight:
    """Deny by default is the policy's; here a thing that may not be seen is not there."""

    def __init__(self, around: Surroundings) -> None:
        self._registry, self._deciding, self._policy_version = around.registry, around.deciding, around.policy_version
        self._servers: tuple[int, dict[str, tuple[Server, ...]]] = (-1, {})
        self._grouped: tuple[int, frozenset[str]] = (-1, frozenset())
        self._reached: tuple[tuple[int, str], OrderedDict[_Reach, tuple[Server, ...]]] = ((-1, ""), OrderedDict())

    def sees(self, caller: Caller, server: str, kind: ListKind, name: str) -> bool:
        """What a better token would open is shown, so that a client can learn which scope to ask for."""
        target = Target(server=server, tool=name)
        action = action_of(target) if kind == "tools" else ACTION_OF[kind]
        decision = self._deciding.decide(caller, action, target)
        return decision.allowed or bool(decision.scope)

    def opens(self, view: View, caller: Caller) -> bool:
        """Whether there is such an endpoint for this caller. One of whose server they may use nothing is not there."""
        if view.kind == "all":
            return True
        behind = view.server or view.virtual
        if behind is None or behind.tenant not in ("", caller.tenant):
            return False
        return view.server is None or any(self._may_reach(caller, view.server, kind) for kind in _REACHED)

    def group(self, tenant: str) -> str:
        """Tenants of one group meet the same servers: a tenant with servers of its own is one by itself, all others are ""."""
        if self._grouped[0] != self._registry.revision:
            self._grouped = (self._registry.revision, frozenset(one.tenant for one in self._registry.servers.values()))
        return tenant if tenant in self._grouped[1] else ""

    def of_tenant(self, tenant: str) -> tuple[Server, ...]:
        """The enabled servers a tenant's callers may meet, the oldest first: that is their precedence, too."""
        tenant = self.group(tenant)
        revision, known = self._servers
        if revision != self._registry.revision:
            known = {}
            self._servers = (self._registry.revision, known)
        found = known.get(tenant)
        if found is None:
            mine = (one for one in self._registry.servers.values() if one.enabled and one.tenant in ("", tenant))
            found = known[tenant] = tuple(sorted(mine, key=lambda one: (one.created_at, one.name)))
        return found

    def servers(self, view: View, caller: Caller, kind: ListKind) -> tuple[Server, ...]:
        """Those whose lists of this kind make up the view's, in order; in the one endpoint those only that may show something."""
        if view.kind == "all":
            return self._of_caller(caller, kind)
        if view.server is not None:
            return (view.server,) if view.server.tenant in ("", caller.tenant) else ()
        virtual = view.virtual
        if virtual is None or virtual.tenant not in ("", caller.tenant):
            return ()
        if kind == "tools":
            names = tuple(dict.fromkeys(one.server for one in virtual.tools))
        else:
            names = virtual.prompts if kind == "prompts" else virtual.resources
        servers: Mapping[str, Server] = self._registry.servers
        found = (servers.get(name) for name in dict.fromkeys(names))
        return tuple(one for one in found if one is not None and one.enabled and one.tenant in ("", caller.tenant))

    def _of_caller(self, caller: Caller, kind: ListKind) -> tuple[Server, ...]:
        """A server on which a caller may do nothing is not even asked in their name."""
        stamp = (self._registry.revision, self._policy_version())
        if stamp != self._reached[0]:
            self._reached = (stamp, OrderedDict())
        known = self._reached[1]
        key = (caller.tenant, caller.subject, caller.roles, kind)
        found = known.get(key)
        if found is None:
            every = self.of_tenant(caller.tenant)
            mine = tuple(one for one in every if self._may_reach(caller, one, kind))
            found = known[key] = every if len(mine) == len(every) else mine
            if len(known) > MAX_CALLERS:
                known.popitem(last=False)
        return found

    def _may_reach(self, caller: Caller, server: Server, kind: ListKind) -> bool:
        # What calling a tool of our own servers is called differs from tool to tool.
        return server.transport == "built_in" or self._deciding.may_reach(caller, ACTION_OF[kind], server.name)
