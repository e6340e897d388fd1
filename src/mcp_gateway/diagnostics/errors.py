"""What the diagnostics refuse."""

from typing import ClassVar

from mcp_gateway.core.errors import Category, Forbidden, GatewayError, InvalidInput, TimedOut, Unavailable, Unprocessable


class InvalidTenantName(InvalidInput):
    """This is no name of a tenant."""

    code = "INVALID_TENANT_NAME"
    hint = "Letters, digits and . _ - @, at most 128 of them, beginning with a letter or digit; no wildcard and no separator."


class InvalidTimeWindow(InvalidInput):
    """The time window is out of range."""

    code = "INVALID_TIME_WINDOW"
    hint = "Whole minutes from 1 to 1440."


class TenantNotYours(Forbidden):
    """The figures of this tenant are not for you."""

    code = "TENANT_NOT_YOURS"
    hint = "Ask for your own tenant, or leave the tenant out; others' names are then hidden."


class NotJudged(Unprocessable):
    """The validator could not judge this code."""

    code = "NOT_JUDGED"
    hint = "Run `mcp-gateway patterns` on it where the code is; what it says is in the data."

    def __init__(self, exit_code: int | None, said: str) -> None:
        """`exit_code` below zero: the system ended it."""
        super().__init__(exit_code=exit_code, said=said)


class UnknownRemedy(InvalidInput):
    """There is no such remedy."""

    code = "UNKNOWN_REMEDY"
    hint = "The kinds there are stand in the data; `mcp-gateway diagnose` proposes those that answer what is seen."


class NotRecommended(Unprocessable):
    """Nothing that is seen now asks for this remedy."""

    code = "REMEDY_NOT_RECOMMENDED"
    hint = "Diagnose again; only a remedy of the present diagnosis, with its targets, is carried out."


class NotAsPreviewed(Unprocessable):
    """What would be changed is not what was previewed."""

    code = "REMEDY_NOT_AS_PREVIEWED"
    hint = "Nothing was changed. Ask for the preview again, and look whether you still want it."


class NotNeeded(Unprocessable):
    """The remedy has nothing to change."""

    code = "REMEDY_NOT_NEEDED"
    hint = "Nothing was changed. Somebody else was quicker, or it is otherwise elsewhere; diagnose again."


class RemedyUnderWay(GatewayError):
    """Another remedy is being carried out."""

    code = "REMEDY_UNDER_WAY"
    category: ClassVar[Category] = "conflict"
    hint = "Nothing was changed. Wait until it has ended, or, if it was killed, half a minute."


class RemedyTimedOut(TimedOut):
    """The change took longer than it may."""

    code = "REMEDY_TIMED_OUT"
    hint = "The steps in the trail say what was done and taken back; look whether the store is slow, and ask again."


class RemedyNotUndone(Unavailable):
    """A change was begun, and could not be taken back."""

    code = "REMEDY_NOT_UNDONE"
    retryable = False
    hint = "Take it back by hand: the way back stands in the message, in the data, and in the audit trail."
