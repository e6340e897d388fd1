"""The id that ties together everything done for one request: log lines, audit lines, the reply.

It belongs to the request under way rather than to any one call, so it is not handed through every signature.
"""

from contextvars import ContextVar
from typing import Final

# Empty outside of a request.
CORRELATION_ID: Final[ContextVar[str]] = ContextVar("correlation_id", default="")
