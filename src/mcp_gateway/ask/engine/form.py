"""The typed intermediate form: what a question asks for, before any SQL.

The grammar builds these values, `printing.py` turns them into a dialect's tree, `describe.py` into a sentence, `followup.py`
changes them, `form_json.py` stores them. Everything is frozen, hashable and free of SQL text, except the glossary's own
expressions (`RawExpression`, `RawCondition`), which are parsed per dialect when printed.

`Select.base` and `Select.joins` say which tables are joined. Whoever adds or removes a column of another table must let
`joins.connect(select, keys)` work them out anew.
"""

from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

from mcp_gateway.core.schema import Scalar

Unit: TypeAlias = OneOf["year", "quarter", "month", "week", "day", "hour"]
Part: TypeAlias = OneOf["year", "quarter", "month", "week", "day", "hour", "weekday", "weekday_number"]
LiteralKind: TypeAlias = OneOf["text", "number", "boolean", "date", "timestamp"]
AggregateFunction: TypeAlias = OneOf["count", "sum", "avg", "min", "max"]
ComparisonOperator: TypeAlias = OneOf["=", "!=", "<", "<=", ">", ">="]
ArithmeticOperator: TypeAlias = OneOf["+", "-", "*", "/"]


@dataclass(frozen=True, slots=True)
class TableRef:
    """One use of a table in FROM. `instance` tells several uses of the same table apart; the first is 0."""

    table: str
    instance: int = 0


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column of one use of a table."""

    table: str
    column: str
    instance: int = 0

    @property
    def source(self) -> TableRef:
        return TableRef(self.table, self.instance)


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. A date or timestamp is ISO 8601 text in `value`."""

    value: Scalar
    kind: LiteralKind = "text"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`operand` None counts rows. `condition` limits the rows this one aggregate sees (a CASE inside it when printed)."""

    function: AggregateFunction
    operand: "Expression | None" = None
    distinct: bool = False
    condition: "Condition | None" = None


@dataclass(frozen=True, slots=True)
class Truncation:
    """The start of the unit a moment lies in ("by month"). In SQLite it is text: 2026, 2026-Q4, 2026-11, 2026-11-21."""

    unit: Unit
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class DatePart:
    """The number of the unit within the larger one: year 2026, month 1-12, day of month 1-31, weekday_number 1 (Monday) to 7.

    A `weekday` is its English name.
    """

    unit: Part
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`/` is never integer division and gives NULL where the right side is 0."""

    operator: ArithmeticOperator
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class RawExpression:
    """A glossary's calculation: (dialect, SQL text) pairs, with columns qualified by table names. `name` is for people."""

    name: str
    texts: tuple[tuple[str, str], ...]
    tables: tuple[str, ...]
    is_aggregate: bool = True
    condition: "Condition | None" = None


@dataclass(frozen=True, slots=True)
class ScalarQuery:
    """The one value a sub-query gives."""

    query: "Query"


Expression: TypeAlias = ColumnRef | Literal | Aggregate | Truncation | DatePart | Arithmetic | RawExpression | ScalarQuery


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Expression
    operator: ComparisonOperator
    right: Expression


@dataclass(frozen=True, slots=True)
class InList:
    operand: Expression
    values: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class InQuery:
    """`query` gives one column. Its NULLs are left out when printed, so `negated` means what people mean."""

    operand: Expression
    query: "Query"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """Text that contains, starts with or ends with `text`, letter case aside. `text` is literal: % and _ mean themselves."""

    operand: Expression
    text: str
    where: OneOf["contains", "starts", "ends"] = "contains"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends included."""

    operand: Expression
    low: Literal
    high: Literal
    negated: bool = False


@dataclass(frozen=True, slots=True)
class DateRange:
    """`start` <= operand < `end`; either may be open (None). ISO days, or moments with `T`; `name` is how it was asked for."""

    operand: Expression
    start: str | None
    end: str | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class RawRange:
    """A glossary's period: start <= operand < end, each as (dialect, SQL text) pairs."""

    operand: Expression
    name: str
    start: tuple[tuple[str, str], ...]
    end: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    operand: Expression
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether the sub-query has rows; it may name columns of the query around it."""

    query: "Query"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class RawCondition:
    """A glossary's condition ("active customer"), as (dialect, SQL text) pairs."""

    name: str
    texts: tuple[tuple[str, str], ...]
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    conditions: tuple["Condition", ...]


Condition: TypeAlias = (
    Comparison | InList | InQuery | Like | Between | DateRange | RawRange | IsNull | Exists | RawCondition | Not | And | Or
)


@dataclass(frozen=True, slots=True)
class Target:
    """An output column; `name` "" leaves the database to name it."""

    expression: Expression
    name: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    expression: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """`table` joined to what stands before it; `pairs` are equal columns: (column of an earlier table, column of this one).

    `outer` keeps the earlier rows that have no partner.
    """

    table: TableRef
    pairs: tuple[tuple[ColumnRef, ColumnRef], ...]
    outer: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """`where` and `having` are joined by AND. `targets` empty means every column of `base`. `limit` counts rows, after the
    first `offset`; with `within` it counts places among the rows that share those values, equal ones on the same place.
    """

    base: TableRef
    targets: tuple[Target, ...]
    joins: tuple[Join, ...] = ()
    where: tuple[Condition, ...] = ()
    group_by: tuple[Expression, ...] = ()
    having: tuple[Condition, ...] = ()
    order_by: tuple[Order, ...] = ()
    limit: int | None = None
    distinct: bool = False
    offset: int = 0
    within: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class SetOperation:
    """Rows of both ("intersect"), of either ("union"), or of the left and not the right ("except"), without doubles."""

    operator: OneOf["union", "intersect", "except"]
    left: "Query"
    right: "Query"
    order_by: tuple[Order, ...] = ()
    limit: int | None = None


Query: TypeAlias = Select | SetOperation
