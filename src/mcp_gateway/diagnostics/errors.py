"""What the diagnostics refuse."""

from mcp_gateway.core.errors import Forbidden, InvalidInput, Unprocessable


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
