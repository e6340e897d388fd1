"""Every order there is: each type, each subset of operations, each option; each under a name of its own."""

import itertools
from collections.abc import Iterator

from mcp_gateway.kit.routes.order import OPERATIONS, ROUTER_TYPES, RouterOrder

OPTIONS = tuple(itertools.product((True, False), repeat=2))


def subsets() -> Iterator[tuple[str, ...]]:
    """All but the empty one."""
    for size in range(1, len(OPERATIONS) + 1):
        yield from itertools.combinations(OPERATIONS, size)


def all_orders() -> Iterator[RouterOrder]:
    """744; the name tells what it is."""
    for router_type in ROUTER_TYPES:
        for operations in subsets():
            for limited, cached in OPTIONS:
                letters = "".join(operation[0] for operation in operations)
                options = ("l" if limited else "n") + ("c" if cached else "n")
                yield RouterOrder(
                    router_name=f"{router_type}_{letters}_{options}_items",
                    router_type=router_type,
                    operations=operations,
                    include_rate_limiting=limited,
                    include_caching=cached,
                )


def few_orders() -> tuple[RouterOrder, ...]:
    """One of each type with everything, and one with little."""
    found = []
    for router_type in ROUTER_TYPES:
        orders = [order for order in all_orders() if order.router_type == router_type]
        found += [next(order for order in orders if len(order.operations) == size) for size in (len(OPERATIONS), 1)]
    return tuple(found)
