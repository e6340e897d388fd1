"""What sessions of older clients refuse."""

from mcp_gateway.core.errors import GatewayError, NotFound, Unavailable


class ClientSessionUnknown(NotFound):
    """Session not found"""  # what a client sees of a session that ended, and of one of somebody else

    code = "MCP_SESSION_UNKNOWN"
    hint = "Initialize a new session."


class TooManyClientSessions(Unavailable):
    """Too many open sessions"""

    code = "TOO_MANY_MCP_SESSIONS"
    hint = "End sessions that are no longer used, with DELETE, or wait until they end by themselves."


class TooManySessionsOfCaller(GatewayError):
    """This caller has as many sessions open as one may."""

    code = "TOO_MANY_SESSIONS_OF_CALLER"
    category = "rate_limited"
    hint = "End sessions that are no longer used, with DELETE, or wait until they end by themselves."
    retryable = True


class ClientSessionsAway(Unavailable):
    """The store of sessions does not answer, so nobody's session can be looked up."""

    code = "MCP_SESSIONS_AWAY"
    hint = "Try again in a moment; the session is not lost. Clients of revision 2026-07-28 need none."
