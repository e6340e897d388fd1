"""Questions about tables that point at themselves: who manages whom, which part belongs to which other."""

from datetime import UTC, datetime

import pytest
from tests.unit.ask.engine.library import cases, column, table

from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.engine.form_json import from_json, to_json
from mcp_gateway.ask.model import Draft, DraftRequest, Turn, ValueMatch
from mcp_gateway.core.schema import DatabaseSchema

FIRM = DatabaseSchema(
    dialect="sqlite",
    tables=(
        table("office", column("office_id", "integer"), column("city", "text", "Leeds", "York")),
        table(
            "employee",
            column("employee_id", "integer"),
            column("name", "text", "Ada Byron", "Max Born"),
            column("salary", "number"),
            column("hired", "date", "2020-01-02"),
            column("manager_id", "integer", nullable=True),
            column("office_id", "integer"),
            points_at=(("manager_id", "employee", "employee_id"), ("office_id", "office", "office_id")),
        ),
        table("part", column("part_id", "integer"), column("part_name", "text"), column("parent_part_id", "integer")),
    ),
)


def ask(question: str, *history: Turn) -> Draft:
    start = question.find("Ada Byron")
    found = ValueMatch(start=start, end=start + 9, table="employee", column="name", value="Ada Byron", score=1.0, how="exact")
    now = datetime(2026, 11, 21, tzinfo=UTC)
    request = DraftRequest(question=question, schema=FIRM, now=now, values=(found,) if start >= 0 else (), history=history)
    return EmbeddedEngine().draft_now(request)


MANAGED = "JOIN employee AS employee_2 ON employee.manager_id = employee_2.employee_id"


@pytest.mark.parametrize(("question", "sql"), cases("role_cases.txt"))
def test_the_other_part_a_row_plays_is_a_second_use_of_its_table(question: str, sql: str) -> None:
    draft = ask(question)
    assert draft.best is not None
    assert draft.best.sql == sql
    assert draft.confident


def test_rows_are_counted_for_each_manager() -> None:
    draft = ask("How many people report to each manager?")
    assert draft.best is not None
    assert draft.best.sql.startswith("SELECT employee_2.name, COUNT(*) AS number_of_employees")
    assert "GROUP BY employee_2.employee_id, employee_2.name" in draft.best.sql


def test_a_role_is_called_by_its_name_in_the_sentence() -> None:
    draft = ask("Who works for Ada Byron?")
    assert draft.best is not None
    assert draft.best.description == "Employee where manager is Ada Byron"


def test_a_table_without_a_role_in_the_question_is_used_once() -> None:
    draft = ask("How many employees are there in each city?")
    assert draft.best is not None
    assert " AS employee_" not in draft.best.sql


def test_a_follow_up_keeps_the_role_and_joins_what_it_adds() -> None:
    first = ask("Who works for Ada Byron?")
    assert first.best is not None
    then = ask("only in Leeds", Turn(question="Who works for Ada Byron?", sql=first.best.sql, form=first.best.form))
    assert from_json(to_json(from_json(first.best.form))) == from_json(first.best.form)
    again = ask("how many are there?", Turn(question="Who works for Ada Byron?", sql=first.best.sql, form=first.best.form))
    assert again.best is not None
    assert f"FROM employee {MANAGED} WHERE employee_2.name = 'Ada Byron'" in again.best.sql
    assert not then.confident or "employee_2" in (then.best.sql if then.best else "")
