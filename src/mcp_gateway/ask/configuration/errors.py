"""What is wrong with a configuration: every fault with its place and its remedy, and the two errors that carry them."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_gateway.core.errors import InvalidInput, Json, NotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """`where` is the file, or the environment variable that overrides it; `line` counts from 1, None when there is no line.

    `path` is the key path, `mcp_servers.database_mcp.priority`; "" means the whole file. Texts never hold a secret's value.
    """

    where: str
    line: int | None
    path: str
    problem: str
    fix: str

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}:{self.line}"
        subject = f"{self.path}: " if self.path else ""
        return f"{place}: {subject}{self.problem}. {self.fix}"

    def to_dict(self) -> dict[str, Json]:
        return {"file": self.where, "line": self.line, "path": self.path, "problem": self.problem, "fix": self.fix}


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
