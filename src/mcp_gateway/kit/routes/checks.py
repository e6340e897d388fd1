"""An order, checked as a whole before anything is made."""

import re

from mcp_gateway.kit.routes.errors import InvalidRouterOrder
from mcp_gateway.kit.routes.naming import names_of
from mcp_gateway.kit.routes.order import OPERATIONS, ROUTER_TYPES, CheckedOrder, RouterOrder, Surroundings

_PACKAGE = re.compile(r"[a-z][a-z0-9_]{0,39}(?:\.[a-z][a-z0-9_]{0,39}){0,4}")


def checked(order: RouterOrder, surroundings: Surroundings) -> CheckedOrder:
    """Raises `InvalidRouterOrder`, naming the parameter."""
    router_type = next((known for known in ROUTER_TYPES if known == order.router_type), None)
    if router_type is None:
        raise InvalidRouterOrder(f"A router's type is one of {', '.join(ROUTER_TYPES)}.", parameter="router_type")
    unknown = [one for one in order.operations if one not in OPERATIONS]
    if unknown or not order.operations:
        raise InvalidRouterOrder(f"Operations are one or more of {', '.join(OPERATIONS)}.", parameter="operations")
    if len(set(order.operations)) != len(order.operations):
        raise InvalidRouterOrder("An operation is named twice.", parameter="operations")
    if not _PACKAGE.fullmatch(order.package):
        raise InvalidRouterOrder("A package is lower case words joined by dots, such as `backend`.", parameter="package")
    return CheckedOrder(
        names=names_of(order.router_name, surroundings),
        router_type=router_type,
        operations=tuple(one for one in OPERATIONS if one in order.operations),
        limited=order.include_rate_limiting,
        caching=order.include_caching,
        package=order.package,
        layout=surroundings.layout,
    )
