"""Business words and what they stand for in a database.

Written by `glossary` (from a file) and read by `ask` (over MCP). The documents of the glossary server's resources
`glossary://entities`, `glossary://terms`, `glossary://metrics` and `glossary://periods` are these values as JSON, field for
field: an object with one list, named like the last part of the URI.

An expression is SQL text per dialect: `{"default": "...", "duckdb": "..."}` with sqlglot's dialect names; `default` is
written in standard SQL. Texts are data from outside: nothing here may widen what SQL is allowed to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mcp_gateway.core.schema import Scalar

Expression: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """One stored thing with other names:

    `aliases` mean the row(s) of `table` where `column` = `value`; `label` is what to show people.
    """

    kind: str
    label: str
    table: str
    column: str
    value: Scalar
    aliases: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """Words for a table, a column, or a condition on a table.

    `column` None and `condition` empty: the words name the table. `condition`: they name those rows of `table` for which it holds
    ("active customer"); its columns are qualified with their tables' names.
    """

    aliases: tuple[str, ...]
    table: str
    column: str | None = None
    condition: Expression = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """Words for a calculation over the rows of `table`:

    `expression` is an aggregate over qualified columns; `condition` limits the rows it counts.
    """

    name: str
    aliases: tuple[str, ...]
    table: str
    expression: Expression
    condition: Expression = field(default_factory=dict)
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Words for a stretch of time, half open: `start` <= moment < `end`. CURRENT_DATE in them means the day of the question."""

    aliases: tuple[str, ...]
    start: Expression
    end: Expression
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """Everything one glossary knows; also several merged, the most trusted first."""

    entities: tuple[Entity, ...] = ()
    terms: tuple[Term, ...] = ()
    metrics: tuple[Metric, ...] = ()
    periods: tuple[Period, ...] = ()
