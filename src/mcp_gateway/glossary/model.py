"""The values of the glossary feature: a fault in a file, and what the file said last."""

from dataclasses import dataclass
from datetime import datetime

from mcp_gateway.core.errors import Json
from mcp_gateway.core.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing wrong in a glossary file. `line` counts from 1, 0 means the file as a whole; `key` is like `terms[2].aliases`."""

    line: int
    key: str
    problem: str
    fix: str

    def in_words(self, file: str) -> str:
        place = f"{file}, line {self.line}" if self.line else file
        key = f", {self.key}" if self.key else ""
        return f"{place}{key}: {self.problem}. {self.fix}"

    def to_dict(self) -> dict[str, Json]:
        return {"line": self.line, "key": self.key, "problem": self.problem, "fix": self.fix}


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """What a glossary file said at one moment. `version` is made of the file's bytes, so the same content has the same one."""

    vocabulary: Vocabulary
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GlossaryState:
    """The words in force, and how the file stands.

    `edition` is the last good one, in force since `since`. `faults` are those of the file as it is now; when there are any, the
    file is not what is in force.
    """

    file: str
    edition: Edition
    since: datetime
    faults: tuple[Fault, ...] = ()

    @property
    def healthy(self) -> bool:
        return not self.faults
