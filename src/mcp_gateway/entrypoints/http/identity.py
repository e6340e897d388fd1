"""What the credentials of one request came to, as it lies in the state of its ASGI scope.

`Identify` puts it there and decides nothing about routes; each protected route asks by `admitted` and refuses by itself. So a
decision never hangs on a path that was rebuilt from headers.
"""

from typing import Final

from starlette.types import Scope

from mcp_gateway.core.errors import GatewayError, Unauthenticated
from mcp_gateway.core.identity import Caller

# Names in the scope's state. The caller alone is there too, for whoever needs no more.
IDENTITY: Final = "identity"
CALLER: Final = "caller"


class Identity:
    """`fault`: a credential was sent and is no good, which is never the same as sending none.

    `session_id` is the cookie's, for logging out. `asked`: a route has asked who is calling, or said that it is for everybody.
    """

    __slots__ = ("asked", "caller", "fault", "session_id")

    def __init__(self, caller: Caller | None, *, fault: GatewayError | None = None, session_id: str = "") -> None:
        self.caller, self.fault, self.session_id = caller, fault, session_id
        self.asked = False


def identity_of(scope: Scope) -> Identity:
    """Raises `Unauthenticated` for a request that came in past the door."""
    identity = scope.get("state", {}).get(IDENTITY)
    if not isinstance(identity, Identity):
        raise Unauthenticated
    return identity


def admitted(scope: Scope) -> Caller:
    """Who is calling. Raises what is wrong with the credential, and `Unauthenticated` when there is none."""
    identity = identity_of(scope)
    identity.asked = True
    if identity.fault is not None:
        raise identity.fault
    if identity.caller is None:
        raise Unauthenticated
    return identity.caller


def for_everybody(scope: Scope) -> Caller | None:
    """This route answers without a login; the caller where one is known."""
    identity = identity_of(scope)
    identity.asked = True
    return identity.caller if identity.fault is None else None
