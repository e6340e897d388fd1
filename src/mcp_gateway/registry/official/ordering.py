"""From what a registry says to an order. What the person who orders says themselves counts."""

from dataclasses import replace

from mcp_gateway.registry.official.reading import Found
from mcp_gateway.registry.orders import ServerOrder


def from_directory(order: ServerOrder, found: Found) -> ServerOrder:
    """The order with the registry's address, transport, and, where nothing else was said, its texts."""
    return replace(
        order,
        url=found.url,
        transport=found.transport,
        title=order.title or found.title,
        description=order.description or found.description,
    )
