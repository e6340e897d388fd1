"""What the guard refuses."""

from mcp_gateway.core.errors import InvalidInput, TooLarge, Unavailable, Unprocessable


class ArgumentsRefused(InvalidInput):
    """The arguments do not fit the tool's schema."""

    code = "ARGUMENTS_REFUSED"
    hint = "Correct what the message names and call the tool again; it was not called."


class ArgumentsTooLarge(TooLarge):
    """The arguments are larger or nested deeper than is sent on."""

    code = "ARGUMENTS_TOO_LARGE"
    hint = "Send less; the limit is in the data. The tool was not called."


class SchemaUnusable(Unprocessable):
    """The tool's own schema cannot be checked against, so it is not called."""

    code = "SCHEMA_UNUSABLE"
    hint = "Tell whoever runs the server, or set `check_arguments: false` for it."


class AnswerNotMasked(Unavailable):
    """The answer could not be read, so nothing could be struck out of it and it is not passed on."""

    code = "ANSWER_NOT_MASKED"
    hint = "Tell whoever runs the server; without `mask` for it, answers are passed on as they are."
    retryable = False
