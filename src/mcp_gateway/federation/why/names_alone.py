"""Names in the one endpoint as the store knows them, where no gateway runs."""

from mcp_gateway.federation.catalog.names import Names, Wishes, assign
from mcp_gateway.federation.catalog.own_tools import RESERVED
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.registry import Registry


def names_alone(registry: Registry, definitions: Definitions, tenant: str) -> Names:
    """Made each time. As `Naming` makes them of what all replicas remember; servers of the program itself are not among them."""
    mine = (one for one in registry.servers.values() if one.enabled and one.tenant in ("", tenant))
    wishes = [
        Wishes(server=one.name, prefix=one.prefix, names=definitions.names(one.name))
        for one in sorted(mine, key=lambda one: (one.created_at, one.name))
    ]
    return assign("tools", wishes, RESERVED)
