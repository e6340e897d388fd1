"""What the diagnostics refuse."""

from mcp_gateway.core.errors import Forbidden, InvalidInput


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
