"""Access put together: what faces and use cases may ask of it. `wiring/access.py` makes one."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.seals import Sealer
from mcp_gateway.access.audit.trail import Trail
from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.oauth.desk import OAuthDesk
from mcp_gateway.access.past_calls import PastCalls
from mcp_gateway.access.policy.desk import PolicyDesk
from mcp_gateway.access.sessions.ports import LoginProvider
from mcp_gateway.access.sessions.sessions import Sessions
from mcp_gateway.access.sessions.tickets import Tickets
from mcp_gateway.access.tokens.authenticate import Authenticate
from mcp_gateway.access.tokens.desk import TokenDesk


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """`authenticate` makes a caller of a token, `governor` decides and writes down; the rest are use cases of their own.

    `audit` is read here and written by the governor alone; `sealer` says which of its seals hold. `installation` names this
    gateway in its tokens and chains; `first_start`: its signing key was made just now. `oauth` None: programs log in elsewhere.
    """

    installation: str
    first_start: bool
    authenticate: Authenticate
    governor: Governor
    policy: PolicyDesk
    rights: PolicyRights
    audit: AuditStore
    trail: Trail
    sealer: Sealer
    past_calls: PastCalls
    sessions: Sessions
    tickets: Tickets
    tokens: TokenDesk
    providers: Sequence[LoginProvider] = ()
    oauth: OAuthDesk | None = None
