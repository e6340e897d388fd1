"""What a reader of a deployment refuses."""

from mcp_gateway.core.errors import Internal, TooLarge


class TooManyCommands(TooLarge):
    """An analysis may ask Redis only so many times."""

    code = "DIAGNOSTIC_COMMANDS_USED_UP"
    hint = "Nothing was harmed; what was not read is among the blind spots."


class CommandNotReadOnly(Internal):
    """A diagnosis tried to send Redis a command that it must not."""

    code = "DIAGNOSTIC_COMMAND_REFUSED"
