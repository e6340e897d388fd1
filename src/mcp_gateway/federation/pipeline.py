"""What a request passes between its client and the one server it goes to: filters in one fixed order, one file each.

A filter takes a `Passage` and hands it on; it may refuse before, and look at the reply after. It knows no other filter.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeAlias

from mcp_gateway.access.act import Act
from mcp_gateway.access.policy.model import Decision
from mcp_gateway.federation.model import Reply, Request
from mcp_gateway.federation.views import Route, View


class Passage:
    """One request on its way. `decision` is there once `authorise` has made it; `request` may be replaced by a filter."""

    __slots__ = ("act", "decision", "request", "route", "view")

    def __init__(self, view: View, request: Request, route: Route, act: Act) -> None:
        self.view, self.request, self.route, self.act = view, request, route, act
        self.decision: Decision | None = None

    @property
    def allowed(self) -> bool:
        """Whether the policy let it pass; True where none is asked."""
        return self.decision is None or self.decision.allowed


Onward: TypeAlias = Callable[[Passage], Awaitable[Reply]]


class Filter(Protocol):
    """One concern. Raises `GatewayError` to refuse."""

    def __call__(self, passage: Passage, onward: Onward) -> Awaitable[Reply]: ...


def chain(filters: Sequence[Filter], last: Onward) -> Onward:
    """All of them as one step, the first one outermost."""
    onward = last
    for one in reversed(filters):
        onward = partial(one, onward=onward)
    return onward
