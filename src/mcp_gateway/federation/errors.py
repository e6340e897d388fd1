"""What can go wrong between a client and an upstream server. Each error carries `server` in its data."""

import shlex
from collections.abc import Mapping

from mcp_gateway.core.errors import (
    Forbidden,
    GatewayError,
    InvalidInput,
    Json,
    NotFound,
    TimedOut,
    TooLarge,
    Unavailable,
    Unprocessable,
)


class _OfServer(GatewayError):
    """NAME and TOOL in the class's hint are those the data has: what it says is there to be copied."""

    @classmethod
    def _hint(cls, data: Mapping[str, Json]) -> str:
        said = cls.hint
        for word, field in (("NAME", "server"), ("TOOL", "name")):
            if isinstance(known := data.get(field), str):
                said = said.replace(word, shlex.quote(known))
        return said


class UpstreamUnreachable(_OfServer, Unavailable):
    """The server cannot be reached; it never saw the request."""

    code = "UPSTREAM_UNREACHABLE"
    hint = "`mcp-gateway servers test NAME` says what stands in the way."


class UpstreamLost(Unavailable):
    """The connection to the server broke while it worked; whether it did what was asked is not known."""

    code = "UPSTREAM_LOST"
    hint = "Look whether it was done before asking again."
    retryable = False


class UpstreamTimedOut(TimedOut):
    """The server did not answer in time; it was told to stop."""

    code = "UPSTREAM_TIMED_OUT"
    hint = "Ask for less, or raise the server's timeout_seconds."
    retryable = False


class UpstreamAnswerTooLarge(TooLarge):
    """The server's answer is longer than is accepted from it."""

    code = "UPSTREAM_ANSWER_TOO_LARGE"
    hint = "Ask for less, or raise the server's max_answer_bytes."


class UpstreamMisbehaved(_OfServer, Unavailable):
    """The server's answer breaks the protocol."""

    code = "UPSTREAM_MISBEHAVED"
    hint = "`mcp-gateway servers test NAME` shows what it answers; tell whoever runs it."
    retryable = False


class UpstreamRefused(_OfServer, Forbidden):
    """The server does not accept the gateway's credential."""

    code = "UPSTREAM_REFUSED"
    hint = "Give it another with `mcp-gateway servers update NAME --bearer-file FILE`."


class AddressRefused(Forbidden):
    """The server's address leads where requests may not go."""

    code = "ADDRESS_REFUSED"
    hint = "Name the network in `allowed_networks` of the servers file, if it is yours."


class NotExpressible(Unprocessable):
    """What one side needs cannot be said in the revision the other side speaks."""

    code = "NOT_EXPRESSIBLE"
    hint = "Use a client and a server of one revision for this, or do without."


class UnknownName(NotFound):
    """Nothing of this name is offered here."""

    code = "UNKNOWN_NAME"
    hint = "List what is offered; `mcp-gateway servers explain TOOL` says why something is not seen."


class ListsMissing(Unavailable):
    """Nothing of this name is known so far, and servers that may have it have yet to say what they offer."""

    code = "LISTS_MISSING"
    hint = "Ask again in a moment; `mcp-gateway servers list` says how these servers are."


class UnknownMethod(NotFound):
    """No server here knows this method."""

    code = "UNKNOWN_METHOD"
    hint = "`server/discover` says what is served."


class CapabilityMissing(InvalidInput):
    """The client did not declare what this needs."""

    code = "CAPABILITY_MISSING"
    hint = "Declare it in the request's clientCapabilities, if the client can do it."


class HeadersDisagree(InvalidInput):
    """A header says something else than the argument it repeats."""

    code = "HEADERS_DISAGREE"
    hint = "Send each `Mcp-Param-` header with the very value of its argument."


class WaitingForApproval(_OfServer, Forbidden):
    """The server changed this tool since it was approved; it may not be called before somebody looks at the change."""

    code = "WAITING_FOR_APPROVAL"
    hint = "An administrator sees the change with `mcp-gateway tools diff NAME TOOL`, and then decides."


class StaleRequestState(InvalidInput):
    """The call this answer belongs to is over."""

    code = "STALE_REQUEST_STATE"
    hint = "Make the call anew."


class TooManyListeners(Unavailable):
    """As many streams of changes are open as may be."""

    code = "TOO_MANY_LISTENERS"
    category = "rate_limited"
    hint = "Close streams nobody reads; one stream can tell of everything."
