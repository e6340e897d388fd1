"""The two errors of a configuration that cannot be used; the first carries every fault with its place and its remedy."""

from collections.abc import Sequence

from mcp_gateway.core.configuration.faults import Fault
from mcp_gateway.core.errors import InvalidInput, NotFound


class ConfigurationInvalid(InvalidInput):
    """The configuration has faults."""

    code = "CONFIGURATION_INVALID"
    hint = "Correct each fault named; `mcp-gateway validate CONFIG` checks again."

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        message = f"The configuration has {count} fault{'' if count == 1 else 's'}: " + " | ".join(
            str(one) for one in self.faults
        )
        super().__init__(message, faults=[fault.to_dict() for fault in self.faults])


class ConfigurationUnreadable(NotFound):
    """The configuration cannot be read."""

    code = "CONFIGURATION_UNREADABLE"
    hint = "Check the path and that the file may be read; MCP_CONFIG_PATH names it."
