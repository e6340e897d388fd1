"""What goes into the tools of the tables server and what comes out, as clients see it in the schemas."""

from typing import Literal

from pydantic import Field
from typing_extensions import TypedDict

from mcp_gateway.entrypoints.mcp.offer import Arguments, JsonValue, Rows

MAX_SQL = 100_000
MAX_TEXT = 4_000
MAX_MATCHES = 500


class ExecuteQuery(Arguments):
    sql: str = Field(min_length=1, max_length=MAX_SQL, description="One SELECT statement in the database's dialect.")
    max_rows: int | None = Field(None, ge=1, description="Return at most this many rows; the server has a limit of its own.")
    timeout_seconds: float | None = Field(
        None, gt=0, description="Stop the query after this many seconds; the server has a limit of its own."
    )


class ListTables(Arguments):
    pass


class DescribeTable(Arguments):
    table: str = Field(min_length=1, max_length=500, description="The table's name as list_tables gives it.")


class FindValues(Arguments):
    text: str = Field(min_length=1, max_length=MAX_TEXT, description="A word, a name, or a whole question.")
    tables: list[str] | None = Field(None, max_length=500, description="Look only in these tables.")
    columns: list[str] | None = Field(None, max_length=500, description="Look only in these columns: `column` or `table.column`.")
    limit: int = Field(50, ge=1, le=MAX_MATCHES, description="Return at most this many matches.")


class ExplainQuery(Arguments):
    sql: str = Field(min_length=1, max_length=MAX_SQL, description="One SELECT statement in the database's dialect.")


class ResultColumn(TypedDict):
    name: str
    type: str
    kind: str


class QueryOutput(TypedDict):
    columns: list[ResultColumn]
    rows: Rows
    row_count: int
    total_rows: int | None
    truncated: bool
    truncated_by: Literal["rows", "bytes"] | None
    duration_ms: float
    executed_sql: str
    dialect: str


class ListedTable(TypedDict):
    name: str
    comment: str | None
    row_count: int | None
    column_count: int
    is_view: bool


class TablesOutput(TypedDict):
    dialect: str
    tables: list[ListedTable]


class DescribedColumn(TypedDict):
    name: str
    type: str
    kind: str
    nullable: bool
    comment: str | None
    samples: list[JsonValue]
    distinct_count: int | None
    minimum: JsonValue
    maximum: JsonValue


class DescribedKey(TypedDict):
    columns: list[str]
    target_table: str
    target_columns: list[str]
    inferred: bool


class TableOutput(TypedDict):
    name: str
    comment: str | None
    row_count: int | None
    is_view: bool
    primary_key: list[str]
    columns: list[DescribedColumn]
    foreign_keys: list[DescribedKey]


class MatchedValue(TypedDict):
    start: int
    end: int
    text: str
    table: str
    column: str
    value: JsonValue
    score: float
    how: Literal["exact", "folded", "stem", "prefix", "contains", "fuzzy"]


class ValuesOutput(TypedDict):
    matches: list[MatchedValue]
    complete: bool


class PlanOutput(TypedDict):
    plan: str
    executed_sql: str
    tables: list[str]
    columns: list[str]
