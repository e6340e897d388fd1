"""Rules about tables, columns and rows in the access file, through the assembled product: questions, SQL and lists."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.journeys.conftest import open_served

from mcp_gateway.access.data.model import ROWS_LIMITED
from mcp_gateway.ask.errors import QueryNotAnswered
from mcp_gateway.ask.model import Answer, Question
from mcp_gateway.core.identity import Caller
from mcp_gateway.gateway import Gateway
from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

ACCESS = """
rules:
  - {id: no-pay, effect: deny, roles: [analyst], actions: [ask, run_query, read_schema], columns: ["employees.salary", "*.email"]}
  - {id: no-stock, effect: deny, roles: [analyst], actions: [ask, run_query, read_schema], tables: [stock]}
row_filters:
  - {id: own-region, roles: [analyst], tables: [orders, customers], column: region_id, operator: "=", value: {caller: region}}
"""


def analyst(region: str) -> Caller:
    return Caller(tenant="acme", subject=f"eva-{region}", roles=frozenset({"analyst"}), attributes={"region": region})


ADMIN = Caller(tenant="acme", subject="root", roles=frozenset({"admin"}))


@pytest.fixture
async def gateway(settings: Settings, tmp_path: Path) -> AsyncIterator[Gateway]:
    file = tmp_path / "access.yaml"
    file.write_text(ACCESS)
    governed = settings.model_copy(update={"access_file": file, "state_dir": tmp_path / "state", "drafter": "engine"})
    async with open_served(governed) as (application, client, _):
        assert isinstance(client, httpx.AsyncClient)
        yield application.gateway


def number_of(answer: Answer) -> int:
    assert answer.rows is not None
    (row,) = answer.rows.rows
    assert isinstance(row[-1], int)
    return row[-1]


async def test_each_caller_counts_the_customers_of_their_region(gateway: Gateway) -> None:
    question = Question(text="how many customers are there")
    everybody = number_of(await gateway.ask(ADMIN, question))
    by_region = [await gateway.ask(analyst(str(region)), question) for region in range(1, 9)]
    assert sum(number_of(answer) for answer in by_region) == everybody
    assert all(ROWS_LIMITED in answer.warnings for answer in by_region)
    assert len({number_of(answer) for answer in by_region}) > 1


async def test_hidden_columns_and_tables_are_unknown_to_questions_and_sql(gateway: Gateway) -> None:
    for sql in ("SELECT salary FROM employees", "SELECT * FROM stock", "SELECT e.email FROM employees AS e"):
        assert (await gateway.run_sql(ADMIN, Question(text=sql))).rows is not None
        with pytest.raises(QueryNotAnswered, match="There is no"):
            await gateway.run_sql(analyst("1"), Question(text=sql))
    for text in ("what is the average salary", "average salary by job title", "how much stock is in each warehouse"):
        try:
            answer = await gateway.ask(analyst("1"), Question(text=text))
        except QueryNotAnswered:
            continue
        assert "salary" not in (answer.sql or "")
        assert "stock" not in (answer.sql or "")


async def test_looking_at_the_schema_shows_what_may_be_seen(gateway: Gateway) -> None:
    seen, whole = (await gateway.look(analyst("1"))).schema, (await gateway.look(ADMIN)).schema
    assert seen.table("stock") is None
    assert whole.table("stock") is not None
    orders = seen.table("orders")
    assert orders is not None
    assert orders.row_count is None
    assert (await gateway.look(analyst("2"))).schema is seen
