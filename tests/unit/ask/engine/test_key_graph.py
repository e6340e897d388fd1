"""How tables are joined."""

from tests.unit.ask.engine.library import column, library, table

from mcp_gateway.ask.engine.form import ColumnRef, Select, TableRef, Target
from mcp_gateway.ask.engine.joins import connect
from mcp_gateway.ask.engine.key_graph import build_key_graph
from mcp_gateway.core.schema import DatabaseSchema


def joined(schema: DatabaseSchema, base: str, *columns: ColumnRef) -> list[str] | None:
    select = Select(TableRef(base), tuple(Target(each) for each in columns))
    made = connect(select, build_key_graph(schema))
    return None if made is None else [join.table.table for join in made.joins]


def test_tables_between_those_asked_for_are_joined_too() -> None:
    asked = (ColumnRef("member", "city"), ColumnRef("author", "name"))
    assert joined(library(), "member", *asked) == ["loan", "book", "author"]


def test_no_table_is_joined_that_is_not_needed() -> None:
    assert joined(library(), "book", ColumnRef("book", "title")) == []


def test_tables_that_do_not_hang_together_are_not_joined() -> None:
    schema = DatabaseSchema(dialect="sqlite", tables=(*library().tables, table("weather", column("day", "date"))))
    assert joined(schema, "book", ColumnRef("book", "title"), ColumnRef("weather", "day")) is None


def test_a_key_nobody_declared_is_found_by_its_name() -> None:
    owners = table("owner", column("owner_id", "integer"), column("name", "text"))
    pets = table("pet", column("pet_id", "integer"), column("owner_id", "integer"))
    schema = DatabaseSchema(dialect="sqlite", tables=(owners, pets))
    assert joined(schema, "pet", ColumnRef("pet", "pet_id"), ColumnRef("owner", "name")) == ["owner"]


def test_more_tables_than_are_searched_exactly_are_still_joined() -> None:
    first = table("t0", column("t0_id", "integer"), column("label", "text"))
    others = [
        table(
            f"t{n}",
            column(f"t{n}_id", "integer"),
            column(f"t{n - 1}_id", "integer"),
            points_at=((f"t{n - 1}_id", f"t{n - 1}", f"t{n - 1}_id"),),
        )
        for n in range(1, 12)
    ]
    schema = DatabaseSchema(dialect="sqlite", tables=(first, *others))
    asked = tuple(ColumnRef(f"t{n}", f"t{n}_id") for n in range(12))
    assert joined(schema, "t0", *asked) == [f"t{n}" for n in range(1, 12)]
