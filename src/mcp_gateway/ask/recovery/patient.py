"""A query with a fault, and what may be done to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp

from mcp_gateway.ask.faults import QueryFault
from mcp_gateway.ask.names import Names


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """`tree` is None when the text cannot be parsed. `question` is what was asked in words, "" when the user typed SQL."""

    sql: str
    fault: QueryFault
    names: Names
    tree: exp.Query | None = None
    question: str = ""

    @property
    def dialect(self) -> str:
        return self.names.schema.dialect

    @property
    def mentioned(self) -> tuple[str, ...]:
        """The words of the question, to settle near ties with."""
        return tuple(self.question.split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """Other SQL, and what was changed in words for the user."""

    sql: str
    repair: str


# Yields proposals, likeliest first; none when it has no good idea. Never changes the patient's tree.
Repair: TypeAlias = Callable[[Patient], Iterator[Proposal]]
