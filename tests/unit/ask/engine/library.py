"""A small lending library, built for the engine's tests: its schema, its business words, and a way to ask."""

from datetime import UTC, datetime
from pathlib import Path

from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.model import Draft, DraftRequest, Turn, ValueMatch
from mcp_gateway.core.schema import Column, ColumnKind, DatabaseSchema, ForeignKey, Scalar, Table
from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term, Vocabulary

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def column(name: str, kind: ColumnKind, *samples: Scalar, nullable: bool = False) -> Column:
    return Column(name=name, type=kind, kind=kind, nullable=nullable, samples=samples, distinct_count=len(samples) or None)


def table(name: str, *columns: Column, points_at: tuple[tuple[str, str, str], ...] = ()) -> Table:
    keys = tuple(ForeignKey(columns=(own,), target_table=other, target_columns=(key,)) for own, other, key in points_at)
    return Table(name=name, columns=columns, primary_key=(columns[0].name,), foreign_keys=keys, row_count=100)


def library(dialect: str = "sqlite") -> DatabaseSchema:
    """Authors write books, members borrow them."""
    return DatabaseSchema(
        dialect=dialect,
        tables=(
            table("author", column("author_id", "integer"), column("name", "text"), column("country", "text", "France", "Japan")),
            table(
                "book",
                column("book_id", "integer"),
                column("title", "text"),
                column("author_id", "integer"),
                column("genre", "text", "crime", "poetry"),
                column("pages", "integer"),
                column("price", "number"),
                column("publication_year", "integer"),
                points_at=(("author_id", "author", "author_id"),),
            ),
            table(
                "member",
                column("member_id", "integer"),
                column("fname", "text"),
                column("lname", "text"),
                column("city", "text", "Leeds", "York"),
                column("age", "integer"),
                column("is_student", "boolean", True, False),
                column("email", "text", nullable=True),
            ),
            table(
                "loan",
                column("loan_id", "integer"),
                column("member_id", "integer"),
                column("book_id", "integer"),
                column("loan_date", "date", "2026-01-05"),
                points_at=(("member_id", "member", "member_id"), ("book_id", "book", "book_id")),
            ),
        ),
    )


STORED: tuple[tuple[str, str, str], ...] = (
    ("author", "country", "France"), ("author", "country", "Japan"), ("author", "name", "Agatha Christie"),
    ("book", "genre", "crime"), ("book", "genre", "poetry"), ("book", "title", "Night Train"), ("member", "city", "Leeds"),
    ("member", "city", "York"),
)  # fmt: skip

WORDS = Vocabulary(
    entities=(
        Entity(kind="author", label="Agatha Christie", table="author", column="author_id", value=7, aliases=("the queen",)),
    ),
    terms=(
        Term(aliases=("reader", "readers"), table="member"),
        Term(aliases=("thick books",), table="book", condition={"default": "book.pages > 500"}),
    ),
    metrics=(Metric(name="turnover", aliases=("lending volume",), table="loan", expression={"default": "COUNT(loan.loan_id)"}),),
    periods=(
        Period(
            aliases=("the book week",),
            start={"default": "CURRENT_DATE - INTERVAL '7' DAY"},
            end={"default": "CURRENT_DATE"},
        ),
    ),
)


def cases(name: str) -> list[tuple[str, str]]:
    """The questions of a file beside this one and their SQL."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    asks = [line.removeprefix("ask: ") for line in lines if line.startswith("ask: ")]
    sqls = [line.removeprefix("sql: ") for line in lines if line.startswith("sql: ")]
    return list(zip(asks, sqls, strict=True))


def values_in(question: str) -> tuple[ValueMatch, ...]:
    """What a search for stored values finds, letter case aside."""
    found = []
    for place, name, value in STORED:
        start = question.casefold().find(value.casefold())
        if start >= 0:
            match = ValueMatch(start=start, end=start + len(value), table=place, column=name, value=value, score=1.0, how="exact")
            found.append(match)
    return tuple(found)


def ask(
    question: str, *, dialect: str = "sqlite", words: Vocabulary | None = None, engine: EmbeddedEngine | None = None
) -> Draft:
    """The draft for a question about the library."""
    request = DraftRequest(
        question=question, schema=library(dialect), now=NOW, values=values_in(question), vocabulary=words or Vocabulary()
    )
    return (engine or EmbeddedEngine()).draft_now(request)


def ask_after(question: str, earlier: str, answered: Draft) -> Draft:
    """The draft for a question that comes after another one."""
    best = answered.best
    turn = Turn(question=earlier, sql=best.sql if best else None, form=best.form if best else None)
    request = DraftRequest(question=question, schema=library(), now=NOW, values=values_in(question), history=(turn,))
    return EmbeddedEngine().draft_now(request)
