"""One listening client: what it asked for, where that is, and what of a change it is told."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.federation.model import Change, Client
from mcp_gateway.federation.subscriptions.extensions import Extensions
from mcp_gateway.federation.subscriptions.mailbox import Mailbox
from mcp_gateway.federation.subscriptions.messages import LIST_CHANGED, UPDATED
from mcp_gateway.federation.subscriptions.ports import Interest, Located, Seen
from mcp_gateway.federation.views import View

NOWHERE: Final[Mapping[str, Located]] = MappingProxyType({})


@dataclass(eq=False, slots=True)
class Listener:
    """`seen` is what this client sees of the view. `places` say where each URI it may read is.

    `identity_of` says whom a server takes this client for. `interests` are those nobody shares.
    """

    view: View
    client: Client
    lists: frozenset[str]
    seen: Seen
    signature: Hashable
    mailbox: Mailbox
    identity_of: Callable[[str, Client], str]
    shown_uri: Callable[[View, str, str], str]
    places: Mapping[str, Located]
    interests: tuple[Interest, ...] = ()
    extensions: Extensions | None = None

    def hear(self, change: Change) -> None:
        """Tell of a change that is about something this client asked for, unless it is another's."""
        if change.identity and change.identity != self.identity_of(change.server, self.client):
            return
        if change.kind == "lost":
            self._hear_of_loss(change.server)
        elif change.kind == "resource":
            uri = self.shown_uri(self.view, change.server, change.uri)
            self.mailbox.note(UPDATED, {**_params(change), "uri": uri}, about=uri)
        elif change.kind in self.lists and change.kind in self.seen.kinds_of(change.server):
            self.mailbox.note(LIST_CHANGED[change.kind], _params(change))

    def selection_changed(self) -> None:
        """What the client gets to see is another selection than before."""
        for kind in sorted(self.lists):
            self.mailbox.note(LIST_CHANGED[kind])

    def _hear_of_loss(self, server: str) -> None:
        """Whatever may have been missed counts as changed."""
        for kind in sorted(self.lists & self.seen.kinds_of(server) if server else self.lists):
            self.mailbox.note(LIST_CHANGED[kind])
        for uri, place in self.places.items():
            if not server or place.server == server:
                self.mailbox.note(UPDATED, {"uri": uri}, about=uri)


def _params(change: Change) -> JsonObject:
    return object_at(change.message, "params")
