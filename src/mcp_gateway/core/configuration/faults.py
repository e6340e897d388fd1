"""What is wrong with a file that somebody wrote: each fault with its place and its remedy."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_gateway.core.errors import Json


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


def sorted_by_line(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: (fault.line is None, fault.line or 0)))
