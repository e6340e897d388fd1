"""The id that ties together everything done for one request: log lines, audit lines, the reply.

It belongs to the request under way rather than to any one call, so it is not handed through every signature.
"""

from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, Final

# Empty outside of a request.
CORRELATION_ID: Final[ContextVar[str]] = ContextVar("correlation_id", default="")


def with_correlation_id(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A log line of a request, with its id; a processor of structlog."""
    correlation_id = CORRELATION_ID.get()
    if correlation_id:
        event.setdefault("correlation_id", correlation_id)
    return event
