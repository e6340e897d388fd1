"""What can go wrong between a question and its answer, beside the query itself (`core/sql/errors.py`).

InvalidInput        EmptyQuestion · QuestionNotText · UnknownMode · BadSession
TooLarge            QuestionTooLong
Unprocessable       ModelNotConfigured · QueryNotAnswered
TimedOut            QuestionTimedOut
MCPOrchestratorException    UpstreamToolError
"""

from collections.abc import Mapping

from mcp_gateway.core.errors import (
    InvalidInput,
    Json,
    MCPOrchestratorException,
    TimedOut,
    TooLarge,
    Unprocessable,
)


class EmptyQuestion(InvalidInput):
    """The question is empty."""

    code = "QUESTION_EMPTY"
    hint = "Ask something, for example: how many customers are there?"


class QuestionNotText(InvalidInput):
    """The question holds control characters or no letters at all."""

    code = "QUESTION_NOT_TEXT"
    hint = "Send the question as plain text."


class QuestionTooLong(TooLarge):
    """The question is too long."""

    code = "QUESTION_TOO_LONG"
    hint = "Ask one thing at a time, in a few sentences."


class UnknownMode(InvalidInput):
    """There is no such mode."""

    code = "UNKNOWN_MODE"
    hint = "Use one of the modes in the data; `GET /api/chat/modes` explains them."


class BadSession(InvalidInput):
    """This is not a session id."""

    code = "BAD_SESSION"
    hint = "Use 1 to 128 letters, digits, '-', '_', '.' or ':', or leave it out to start a new session."


class ModelNotConfigured(Unprocessable):
    """A language model was asked for, and none is configured."""

    code = "MODEL_NOT_CONFIGURED"
    hint = "Set OPENROUTER_API_KEY, GEMINI_API_KEY or another provider's key, or leave the choice to the gateway."


class QueryNotAnswered(Unprocessable):
    """The query could not be run, and no repair was found."""

    code = "QUERY_NOT_ANSWERED"
    hint = "Correct the SQL where the message says, or ask in other words; every attempt is in the data."


class QuestionTimedOut(TimedOut):
    """The answer took longer than the time allowed for a question."""

    code = "QUESTION_TIMED_OUT"
    hint = "Ask for less, or raise the time limit of a question in the settings."


class UpstreamToolError(MCPOrchestratorException):
    """A server's tool reported an error."""

    code = "UPSTREAM_TOOL_FAILED"
    hint = "The server's own words are in the data."

    def __init__(
        self, message: str, *, server: str, tool: str, reported_code: str = "", reported: Mapping[str, Json] | None = None
    ) -> None:
        """`reported_code` and `reported` are the code and data of the server's own error; empty when it gave none."""
        super().__init__(message, server=server, tool=tool, reported_code=reported_code, reported=dict(reported or {}))
        self.server = server
        self.tool = tool
        self.reported_code = reported_code
        self.reported: Mapping[str, Json] = reported or {}
