"""The names in the one endpoint, made anew when what is known changes."""

from typing import Final

from mcp_gateway.federation.catalog.known import Known
from mcp_gateway.federation.catalog.model import ListKind
from mcp_gateway.federation.catalog.names import Names, Wishes, assign
from mcp_gateway.federation.catalog.own_tools import RESERVED
from mcp_gateway.federation.catalog.ports import Registered
from mcp_gateway.federation.catalog.sight import Sight

MAX_MADE: Final = 500


class Naming:
    """A tenant's names depend on the servers of that tenant alone, and on what is known of them; not on who asks."""

    def __init__(self, registry: Registered, sight: Sight, known: Known) -> None:
        self._registry, self._sight, self._known = registry, sight, known
        self._made: dict[tuple[str, ListKind], tuple[tuple[int, int], Names]] = {}

    def names(self, tenant: str, kind: ListKind) -> Names:
        """`kind` is "tools" or "prompts"; resources keep their URIs."""
        tenant = self._sight.group(tenant)
        stamp = (self._registry.revision, self._known.revision(kind))
        found = self._made.get((tenant, kind))
        if found is not None and found[0] == stamp:
            return found[1]
        if len(self._made) > MAX_MADE:
            self._made = {}
        names = self._make(tenant, kind)
        # Making them may recall what was not known before; it is the state they were made from that counts.
        self._made[tenant, kind] = ((stamp[0], self._known.revision(kind)), names)
        return names

    def _make(self, tenant: str, kind: ListKind) -> Names:
        wishes = [
            Wishes(server=one.name, prefix=one.prefix, names=self._known.names(one.name, kind))
            for one in self._sight.of_tenant(tenant)
        ]
        return assign(kind, wishes, RESERVED if kind == "tools" else ())
