"""The one tree of errors; every face shows them in the shape of `GatewayError.to_dict`.

    GatewayError
    ├── InvalidInput            the request cannot be understood
    ├── NotFound                the thing named does not exist, or may not be seen
    ├── Unauthenticated         nobody is logged in, or no longer
    ├── Forbidden               understood and refused
    ├── TooLarge                over a stated limit
    ├── Unavailable             a part we need does not answer; trying again may help
    │   └── TimedOut            it did not answer in time
    ├── Unprocessable           understood, allowed, and still not possible
    ├── Internal                a fault of ours
    └── MCPOrchestratorException    everything about the servers behind an answer
        ├── MCPConnectionError  ├── ResourceFetchError
        ├── NoMCPAvailableError └── SQLGenerationError

Features add their own leaves in `<feature>/errors.py`. A leaf sets `code` (stable, upper case), `category` (which the
faces translate to a status) and `hint`; its docstring's first line is the message used when none is given.
This module knows no HTTP and no MCP: the translation is `entrypoints/http/errors.py` and `entrypoints/mcp/errors.py`.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Category = Literal[
    "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "too_large", "unprocessable",
    "rate_limited", "internal", "unavailable", "timeout",
]  # fmt: skip


class GatewayError(Exception):
    """Something went wrong in the gateway."""

    code: ClassVar[str] = "GATEWAY_ERROR"
    category: ClassVar[Category] = "internal"
    hint: str = "Try again; if it happens again, report it with the correlation id."
    retryable: bool = False

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        retry_after_seconds: float | None = None,
        **data: Json,
    ) -> None:
        """`data` are the facts as fields (JSON values, never secrets); None for `message` takes the docstring's first line."""
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.hint = hint or self._hint(data)
        self.retry_after_seconds = retry_after_seconds
        self.data: Mapping[str, Json] = data
        super().__init__(self.message)

    @classmethod
    def _hint(cls, data: Mapping[str, Json]) -> str:
        """The hint when none is given: the class's."""
        return cls.hint

    def to_dict(self) -> dict[str, Json]:
        """The one serialisation: code, message, hint, retryable, and `retry_after_seconds` and `data` when there are any."""
        shape: dict[str, Json] = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
        }
        if self.retry_after_seconds is not None:
            shape["retry_after_seconds"] = self.retry_after_seconds
        if self.data:
            shape["data"] = dict(self.data)
        return shape


def code_of(error: BaseException) -> str:
    """Its code; that of `Internal` for what is no error of this tree."""
    return error.code if isinstance(error, GatewayError) else Internal.code


class InvalidInput(GatewayError):
    """The request cannot be understood."""

    code = "INVALID_INPUT"
    category = "invalid"
    hint = "Correct the field named in the message."


class NotFound(GatewayError):
    """The thing named does not exist."""

    code = "NOT_FOUND"
    category = "not_found"
    hint = "Check the name."


class Unauthenticated(GatewayError):
    """Nobody is logged in."""

    code = "UNAUTHENTICATED"
    category = "unauthenticated"
    hint = "Log in, and send the token with the request."


class Forbidden(GatewayError):
    """This is not allowed."""

    code = "FORBIDDEN"
    category = "forbidden"
    hint = "Ask whoever runs this gateway for the permission."


class TooLarge(GatewayError):
    """The request or its result is over a limit."""

    code = "TOO_LARGE"
    category = "too_large"
    hint = "Send or ask for less; the limit is in the data."


class Unprocessable(GatewayError):
    """The request is understood but cannot be carried out."""

    code = "UNPROCESSABLE"
    category = "unprocessable"
    hint = "Change the request as the message says."


class Unavailable(GatewayError):
    """A part that is needed does not answer."""

    code = "UNAVAILABLE"
    category: ClassVar[Category] = "unavailable"
    hint = "Try again in a moment."
    retryable = True


class TimedOut(Unavailable):
    """A part that is needed did not answer in time."""

    code = "TIMED_OUT"
    category = "timeout"


class Internal(GatewayError):
    """The gateway failed in a way it should not."""

    code = "INTERNAL_ERROR"


class MCPOrchestratorException(GatewayError):
    """The servers behind the answer could not be used."""

    code = "MCP_ORCHESTRATOR_ERROR"
    category: ClassVar[Category] = "unavailable"
    hint = "Look at /api/health for the state of each server."


class MCPConnectionError(MCPOrchestratorException):
    """The connection to an MCP server failed."""

    code = "MCP_CONNECTION_FAILED"
    hint = "Check that the server runs and that its url and transport are right: `mcp-gateway validate CONFIG`."
    retryable = True


class ResourceFetchError(MCPOrchestratorException):
    """The resources of an MCP server could not be fetched."""

    code = "RESOURCE_FETCH_FAILED"
    hint = "Look at the named server's log; `mcp-gateway validate CONFIG` tries each resource."
    retryable = True


class NoMCPAvailableError(MCPOrchestratorException):
    """No MCP server is available."""

    code = "NO_MCP_AVAILABLE"
    hint = "Start the servers or correct the configuration, then `mcp-gateway validate CONFIG`."
    retryable = True


class SQLGenerationError(MCPOrchestratorException):
    """No SQL could be made for this question."""

    code = "SQL_GENERATION_FAILED"
    category: ClassVar[Category] = "unprocessable"
    hint = "Say it in other words, or name the table and columns that are meant."
