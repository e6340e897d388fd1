"""The session of one older client: what it said once, in the handshake, and has set since. Nothing of its calls."""

import hashlib
from dataclasses import dataclass, field

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject

# Of one session, so that nobody can fill the store with them.
MAX_SUBSCRIPTIONS = 256
MAX_DECLARED_BYTES = 16 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientSession:
    """It holds at one endpoint and for one owner alone. `key` names it everywhere but to its client, who has the id (`key_of`).

    `info` and `capabilities` are what the client declared; `log_level` None: it never said. `subscriptions` are URIs.
    """

    key: str
    endpoint: str
    tenant: str
    issuer: str
    subject: str
    revision: str
    info: JsonObject | None = None
    capabilities: JsonObject = field(default_factory=dict)
    log_level: str | None = None
    subscriptions: frozenset[str] = frozenset()

    def is_of(self, caller: Caller) -> bool:
        """Whether the caller opened it; a refreshed token, or changed roles, make no other."""
        return self.subject == caller.subject and self.tenant == caller.tenant and self.issuer == caller.issuer

    @property
    def owner(self) -> str:
        """A name for whoever opened it that no other owner shares."""
        return f"{len(self.tenant)}:{self.tenant}:{len(self.issuer)}:{self.issuer}:{self.subject}"


def key_of(session_id: str) -> str:
    """The id is a secret of the client's and never kept; this is."""
    return hashlib.blake2b(session_id.encode("utf-8", "surrogatepass"), digest_size=18).hexdigest()
