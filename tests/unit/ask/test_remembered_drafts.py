"""A draft is made once for the same request, and anew for any other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.ask.world import Scripted, sure

from mcp_gateway.ask.model import DraftRequest, Turn, ValueMatch
from mcp_gateway.ask.remembered_drafts import KEPT_DRAFTS, RememberedDrafts
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary

pytestmark = pytest.mark.anyio

REQUEST = DraftRequest(
    question="how many customers",
    schema=DatabaseSchema(dialect="duckdb", tables=()),
    now=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    vocabulary=Vocabulary(),
)
FOUND = ValueMatch(start=0, end=3, table="t", column="c", value="how", score=1.0, how="exact")


def scripted(*sqls: str) -> Scripted:
    return Scripted({"how many customers": sure(*sqls)})


async def test_the_same_request_is_drafted_once() -> None:
    behind = scripted("SELECT 1", "SELECT CAST('2026-11-01 00:00:00' AS TIMESTAMP)")
    remembered = RememberedDrafts(behind)
    drafts = [await remembered.draft(replace(REQUEST, now=REQUEST.now + timedelta(hours=hours))) for hours in range(5)]
    assert len(behind.asked) == 1
    assert drafts == [drafts[0]] * 5
    assert remembered.name == behind.name


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, question="how many orders"),
        replace(REQUEST, now=REQUEST.now + timedelta(days=1)),
        replace(REQUEST, schema=DatabaseSchema(dialect="duckdb", tables=())),
        replace(REQUEST, vocabulary=Vocabulary()),
        replace(REQUEST, values=(FOUND,)),
        replace(REQUEST, max_rows=7),
    ],
    ids=["words", "day", "schema", "vocabulary", "values", "limit"],
)
async def test_a_request_that_differs_is_drafted_anew(other: DraftRequest) -> None:
    behind = scripted("SELECT 1")
    remembered = RememberedDrafts(behind)
    await remembered.draft(REQUEST)
    await remembered.draft(other)
    assert behind.asked == [REQUEST, other]
    assert behind.asked[1] is other


@pytest.mark.parametrize(
    "request_again",
    [
        replace(REQUEST, history=(Turn(question="customers", sql="SELECT 1"),)),
        replace(REQUEST, question="how many customers in the last 3 hours"),
        replace(REQUEST, question="how many customers since 9:15"),
        replace(REQUEST, question="how many customers until 5 pm"),
        replace(REQUEST, question="how many customers " + "x" * 600),
    ],
    ids=["a follow-up", "hours", "a time", "a time of two words", "a long text"],
)
async def test_what_hangs_on_more_than_the_day_is_never_kept(request_again: DraftRequest) -> None:
    behind = scripted("SELECT 1")
    remembered = RememberedDrafts(behind)
    for _ in range(2):
        await remembered.draft(request_again)
    assert len(behind.asked) == 2


@pytest.mark.parametrize("moment", ["2026-11-21T09:30:00", "2026-11-21 00:00:01", "2026-11-21 10:00:00"])
async def test_a_draft_with_a_time_of_day_in_it_is_never_kept(moment: str) -> None:
    behind = scripted("SELECT 1", f"SELECT 1 WHERE '{moment}' > seen")
    remembered = RememberedDrafts(behind)
    for _ in range(2):
        await remembered.draft(REQUEST)
    assert len(behind.asked) == 2


async def test_only_the_newest_drafts_are_kept() -> None:
    behind = scripted("SELECT 1")
    remembered = RememberedDrafts(behind)
    for number in range(KEPT_DRAFTS + 1):
        await remembered.draft(replace(REQUEST, max_rows=number + 1))
    await remembered.draft(replace(REQUEST, max_rows=KEPT_DRAFTS + 1))
    assert len(behind.asked) == KEPT_DRAFTS + 1
    await remembered.draft(replace(REQUEST, max_rows=1))
    assert len(behind.asked) == KEPT_DRAFTS + 2
