"""A server's result is read strictly: what breaks the contract is an error, never a wrong table."""

import pytest
from tests.unit.ask.world import ToolOnly

from mcp_gateway.ask.errors import UpstreamToolError
from mcp_gateway.ask.faults import QueryFault
from mcp_gateway.ask.run import read_rows, run_query
from mcp_gateway.core.errors import Internal, Json

GOOD: dict[str, Json] = {
    "columns": [{"name": "n", "type": "BIGINT", "kind": "integer"}],
    "rows": [[1], [2]],
    "total_rows": 2,
    "truncated_by": None,
    "duration_ms": 1.5,
    "executed_sql": "SELECT n FROM t LIMIT 3",
}


def test_a_good_result_is_read_whole() -> None:
    rows = read_rows(GOOD, "SELECT n FROM t")
    assert rows.rows == ((1,), (2,))
    assert rows.columns[0].kind == "integer"
    assert (rows.total_rows, rows.truncated_by, rows.duration_ms, rows.executed_sql) == (2, None, 1.5, "SELECT n FROM t LIMIT 3")


@pytest.mark.parametrize(
    "change",
    [
        {"columns": None},
        {"rows": "many"},
        {"rows": [[1], [2, 3]]},
        {"rows": [1, 2]},
        {"columns": [{"type": "BIGINT"}]},
        {"columns": ["n"]},
    ],
)
def test_a_result_against_the_contract_is_an_error(change: dict[str, Json]) -> None:
    with pytest.raises(Internal):
        read_rows(GOOD | change, "SELECT 1")


def test_what_is_odd_but_harmless_is_put_right() -> None:
    odd: dict[str, Json] = {
        "columns": [{"name": "n", "kind": "colour"}],
        "total_rows": "two",
        "truncated_by": "mood",
        "duration_ms": "x",
    }
    rows = read_rows(GOOD | odd, "SELECT 1")
    assert (rows.columns[0].kind, rows.total_rows, rows.truncated_by, rows.duration_ms) == ("other", None, None, 0.0)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "read"), [("unknown_column", "unknown_column"), ("other", "other"), ("brand_new", "other"), (7, "other")]
)
async def test_the_databases_own_words_name_the_fault(kind: Json, read: str) -> None:
    def fail(name: str, _: object) -> dict[str, Json]:
        reported: dict[str, Json] = {"kind": kind, "name": "nme", "database_message": "no such column: nme"}
        raise UpstreamToolError("failed", server="tables", tool=name, reported_code="QUERY_FAILED", reported=reported)

    fault = await run_query(ToolOnly(fail), "SELECT nme FROM t", max_rows=1, timeout_seconds=1)
    assert isinstance(fault, QueryFault)
    assert (fault.kind, fault.name, fault.message, fault.found_by) == (read, "nme", "no such column: nme", "database")


@pytest.mark.anyio
async def test_an_error_of_another_kind_is_passed_on() -> None:
    def fail(name: str, _: object) -> dict[str, Json]:
        raise UpstreamToolError("odd", server="tables", tool=name, reported_code="SOMETHING_ELSE")

    with pytest.raises(UpstreamToolError, match="odd"):
        await run_query(ToolOnly(fail), "SELECT 1", max_rows=1, timeout_seconds=1)
