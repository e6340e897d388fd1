"""What a reading of the question has found so far: mentions and what is said about them, not yet bound to one column each.

The grammar builds a `Sketch` word by word; `binding.py` decides which column each mention means; `assemble.py` makes the form.
"""

from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

from mcp_gateway.ask.engine.form import (
    AggregateFunction,
    ColumnRef,
    ComparisonOperator,
    Literal,
    Part,
    RawCondition,
    RawExpression,
    Unit,
)
from mcp_gateway.core.schema import Scalar


@dataclass(frozen=True, slots=True)
class Choice:
    """One column a mention may mean. `reverse`: a larger value means less of what was said (birth year for "older")."""

    column: ColumnRef
    strength: float
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class ColumnMention:
    """tokens[start:end] name a column. `implied`: an adjective or cue speaks of it without naming it."""

    start: int
    end: int
    choices: tuple[Choice, ...]
    implied: bool = False


@dataclass(frozen=True, slots=True)
class TableMention:
    """tokens[start:end] name a table: (table, strength), strongest first."""

    start: int
    end: int
    choices: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ValueChoice:
    """`partial`: the question says a part of the value only, which other values may share."""

    column: ColumnRef
    value: Scalar
    strength: float
    partial: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class ValueMention:
    """tokens[start:end] are a stored value."""

    start: int
    end: int
    text: str
    choices: tuple[ValueChoice, ...]


@dataclass(frozen=True, slots=True)
class Statistic:
    """ "the average", "the average age": the column compared with is meant when none is named.

    `scoped`: what is said after it is said of the rows it is calculated over.
    """

    function: AggregateFunction
    column: ColumnMention | None = None
    scoped: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """`operand` a column: of the same row; a table (a role): the same column of the row that plays it. `factor` multiplies it."""

    column: ColumnMention
    operator: ComparisonOperator
    operand: Literal | Statistic | ColumnMention | TableMention
    factor: float = 1


@dataclass(frozen=True, slots=True)
class HasValue:
    """`column` when the question names it beside the value."""

    value: ValueMention
    column: ColumnMention | None = None


@dataclass(frozen=True, slots=True)
class HasText:
    """Text that is no known value, or only a part of one. `where` "equals" compares the whole."""

    text: str
    where: OneOf["contains", "starts", "ends", "equals"]
    column: ColumnMention | None = None


@dataclass(frozen=True, slots=True)
class InRange:
    column: ColumnMention
    low: Literal
    high: Literal


@dataclass(frozen=True, slots=True)
class InPeriod:
    """`start` <= moment < `end`, as ISO days; None is open. `first` and `last` instead where the glossary defines the period."""

    start: str | None
    end: str | None
    name: str
    column: ColumnMention | None = None
    first: tuple[tuple[str, str], ...] = ()
    last: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OnDays:
    """A moment falls on one of these days of the week."""

    names: tuple[str, ...]
    column: ColumnMention | None = None


@dataclass(frozen=True, slots=True)
class CountOf:
    """How many rows of another table belong to the row asked for ("with more than 3 dogs")."""

    operator: ComparisonOperator
    number: int
    counted: "TableMention | ColumnMention | None" = None


@dataclass(frozen=True, slots=True)
class SumOf:
    """An aggregate over the rows that belong to the row asked for ("whose total cost is above 100")."""

    function: AggregateFunction
    column: ColumnMention
    operator: ComparisonOperator
    number: Literal


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing is stored; `present`: something is."""

    column: ColumnMention
    present: bool = False


@dataclass(frozen=True, slots=True)
class Flagged:
    column: ColumnMention
    yes: bool = True


@dataclass(frozen=True, slots=True)
class Related:
    """Rows that have a partner in this table; matters when negated."""

    table: TableMention


@dataclass(frozen=True, slots=True)
class Given:
    """A condition of the glossary."""

    condition: RawCondition
    table: str


@dataclass(frozen=True, slots=True)
class MetricIs:
    """A metric of the glossary compared with a number."""

    metric: RawExpression
    operator: ComparisonOperator
    number: Literal


Said: TypeAlias = (
    Compare | HasValue | HasText | InRange | InPeriod | OnDays | CountOf | SumOf | Missing | Flagged | Related | Given | MetricIs
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing said about the rows, where in the question, and how it is tied to the clause before it."""

    said: Said
    position: int
    connector: OneOf["and", "or"] = "and"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to show: a column, an aggregate of a column, a count of a table's rows, everything, or a metric."""

    position: int
    column: ColumnMention | None = None
    table: TableMention | None = None
    function: AggregateFunction | None = None
    distinct: bool = False
    metric: RawExpression | None = None


@dataclass(frozen=True, slots=True)
class Grouping:
    """ "for each": rows of a table, or values of a column, or units of a date column, or a `part` of it."""

    item: ColumnMention | TableMention
    unit: Unit | None = None
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Order by a column, by an aggregate of one, or by a count (`function` "count"; of `table`'s rows if named).

    An ordinal at `position` says that the second or third best is meant.
    """

    descending: bool
    position: int
    column: ColumnMention | None = None
    function: AggregateFunction | None = None
    table: TableMention | None = None
    limit: int | None = None
    metric: RawExpression | None = None
    common: bool = False
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Sketch:
    """Everything found, each list in the order of the question."""

    wanted: tuple[Wanted, ...] = ()
    entities: tuple[TableMention, ...] = ()
    clauses: tuple[Clause, ...] = ()
    groups: tuple[Grouping, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    distinct: bool = False
    everything: bool = False
    both: bool = False
    limit: int | None = None
    lowest: bool = False
