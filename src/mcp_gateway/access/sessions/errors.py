"""What sessions refuse."""

from mcp_gateway.core.errors import Forbidden, Internal, Unauthenticated, Unavailable


class SessionEnded(Unauthenticated):
    """The login at the page has ended."""

    code = "SESSION_ENDED"
    hint = "Sign in again; `mcp-gateway serve` prints a link when it starts."


class LoginLinkRefused(Unauthenticated):
    """This sign-in link was used before, or its ten minutes are over."""

    code = "LOGIN_LINK_REFUSED"
    hint = "Start the gateway again for a new link, or sign in with a token: `mcp-gateway tokens issue`."


class CsrfRefused(Forbidden):
    """A change asked for with the page's cookie needs the page's X-CSRF-Token."""

    code = "CSRF_REFUSED"
    hint = "Programs send a token in the Authorization header instead; the page gets the value from /api/me."


class SessionsAway(Unavailable):
    """The store of sessions does not answer, so nobody can be recognised by a cookie."""

    code = "SESSIONS_AWAY"
    hint = "Try again in a moment. A token in the Authorization header works meanwhile."


class SessionUnreadable(Internal):
    """A kept session cannot be read."""

    code = "SESSION_UNREADABLE"
    hint = "Sign in again."
