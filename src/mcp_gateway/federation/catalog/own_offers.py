"""Where the gateway's own two tools are offered, and what they do."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeAlias

from mcp_gateway.core.protocol.frames import render
from mcp_gateway.federation.catalog.costs import tokens_of
from mcp_gateway.federation.catalog.own_tools import (
    DEFINITIONS,
    MANY_TOOLS,
    OWN,
    RESERVED,
    SEARCH_TOOLS,
    read_search,
    unwrapped,
)
from mcp_gateway.federation.catalog.replies import result_reply
from mcp_gateway.federation.catalog.search.finding import Finding
from mcp_gateway.federation.catalog.snapshot import Part, Shown, Snapshot
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.federation.views import Route, View

Snapshots: TypeAlias = Callable[[View, Client], Awaitable[Snapshot]]
_ALL: Final[Part] = tuple(
    Shown(server=OWN.name, key=name, name=name, body=render(one), tokens=tokens_of(one)) for name, one in DEFINITIONS.items()
)


class OwnOffers:
    """`tools_of` is the list that is searched: all a caller sees of a view.

    Whoever has a list may search it, and what is found is called by its own right: no rule is asked about these two.
    """

    def __init__(self, tools_of: Snapshots) -> None:
        self._tools_of = tools_of
        self._finding = Finding()

    def join(self, view: View, snapshot: Snapshot) -> Snapshot:
        """In place of the list where a search was asked for; before a list too long for some clients; otherwise not at all."""
        if not view.search and (view.kind != "all" or len(snapshot) <= MANY_TOOLS):
            return snapshot
        parts = (_ALL,) if view.search else (_ALL, *snapshot.parts)
        tokens = sum(one.tokens for one in _ALL) + (0 if view.search else snapshot.tokens)
        mark = b"search" if view.search else b"with"
        return replace(snapshot, parts=parts, tokens=tokens, digest=snapshot.digest + mark)

    def route(self, view: View, request: Request) -> Route | Request | None:
        """A route for a search, the call inside a call; None for what is not about these two. Raises `InvalidInput`."""
        if request.method != "tools/call" or request.name not in RESERVED or not (view.search or view.kind == "all"):
            return None
        if request.name == SEARCH_TOOLS:
            return Route(server=OWN, name=SEARCH_TOOLS, answer=self._answer_in(view))
        return replace(request, params=unwrapped(request.params), body=None, headers=None)

    def _answer_in(self, view: View) -> Callable[[Request], Awaitable[Reply]]:
        async def answer(request: Request) -> Reply:
            wish = read_search(request.params)
            snapshot = await self._tools_of(view, request.client)
            return result_reply(request.id, await self._finding.result(snapshot, wish))

        return answer


def through(route: Route | None) -> Route | None:
    """The route of a call inside a call, for the call around it."""
    if route is None:
        return None
    rewrite = route.rewrite
    return replace(route, rewrite=unwrapped if rewrite is None else lambda params: rewrite(unwrapped(params)))
