"""What may be wrong with a query, named the same whether our own check or the database found it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

FaultKind: TypeAlias = Literal[
    "unknown_table", "unknown_column", "unknown_alias", "ambiguous_column", "missing_join", "not_grouped",
    "misplaced_aggregate", "type_mismatch", "unknown_function", "syntax", "permission", "other",
]  # fmt: skip

# The query is not what is wrong: rewriting it would be a way round a refusal. What is refused, too slow or unreachable
# raises and never gets as far as being a fault.
NEVER_REWRITTEN: frozenset[FaultKind] = frozenset({"permission"})


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryFault:
    """`name` is the table, column or function the fault is about, "" for none; `qualifier` is what stood before its dot.

    `suggestions` are the nearest real names, best first. `found_by` says who noticed: our check before running, or the database.
    """

    kind: FaultKind
    message: str
    name: str = ""
    qualifier: str = ""
    suggestions: tuple[str, ...] = ()
    found_by: Literal["check", "database"] = "check"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedQuery:
    """A query that may run. `limit_added` is the row limit that was put on; None when the query was left as it is.

    `is_summary`: it totals, or ranks and cuts, so that a chart may show it. `warnings` are doubts that did not stop it.
    """

    sql: str
    tables: tuple[str, ...]
    limit_added: int | None = None
    is_summary: bool = False
    warnings: tuple[str, ...] = ()
