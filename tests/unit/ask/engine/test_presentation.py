"""What the SQL shows beyond the rows: names for what is calculated, an order for groups."""

from mcp_gateway.ask.engine import form
from mcp_gateway.ask.engine.presentation import present
from mcp_gateway.ask.engine.schema_index import SchemaIndex, prepare
from mcp_gateway.core.schema import Column, DatabaseSchema, Table

AMOUNT = form.ColumnRef("sales", "amount")
CITY = form.ColumnRef("sales", "city")
TOTAL = form.Aggregate("sum", AMOUNT)
MONTH = form.Truncation("month", form.ColumnRef("sales", "sold_on"))


def shop(*more_columns: str) -> SchemaIndex:
    columns = [
        Column(name="amount", type="DOUBLE", kind="number"),
        Column(name="city", type="VARCHAR", kind="text"),
        Column(name="sold_on", type="DATE", kind="date"),
        *(Column(name=name, type="DOUBLE", kind="number") for name in more_columns),
    ]
    return prepare(DatabaseSchema(dialect="duckdb", tables=(Table(name="sales", columns=tuple(columns)),)))


def select(*shown: form.Expression, group_by: tuple[form.Expression, ...] = ()) -> form.Select:
    return form.Select(form.TableRef("sales"), tuple(form.Target(each) for each in shown), group_by=group_by)


def presented(query: form.Query, schema: SchemaIndex) -> form.Select:
    made = present(query, schema)
    assert isinstance(made, form.Select)
    return made


def test_what_is_calculated_gets_a_name_and_columns_keep_theirs() -> None:
    made = presented(select(CITY, TOTAL, form.Aggregate("count"), group_by=(CITY,)), shop())
    assert [target.name for target in made.targets] == ["", "total_amount", "number_of_sales"]


def test_a_name_that_is_a_column_is_not_given() -> None:
    made = presented(select(TOTAL), shop("total_amount"))
    assert made.targets[0].name == ""


def test_two_targets_never_share_a_name() -> None:
    made = presented(select(TOTAL, form.Aggregate("sum", AMOUNT, distinct=True)), shop())
    assert [target.name for target in made.targets] == ["total_amount", ""]


def test_months_run_forward() -> None:
    assert presented(select(MONTH, TOTAL, group_by=(MONTH,)), shop()).order_by == (form.Order(MONTH),)


def test_other_groups_start_with_the_largest() -> None:
    made = presented(select(CITY, TOTAL, group_by=(CITY,)), shop())
    assert made.order_by == (form.Order(TOTAL, descending=True), form.Order(CITY))


def test_an_order_that_was_asked_for_stays() -> None:
    asked = form.Select(
        form.TableRef("sales"), (form.Target(CITY), form.Target(TOTAL)), group_by=(CITY,), order_by=(form.Order(CITY),)
    )
    assert presented(asked, shop()).order_by == (form.Order(CITY),)


def test_a_listing_is_left_as_the_database_gives_it() -> None:
    assert presented(select(CITY), shop()).order_by == ()
