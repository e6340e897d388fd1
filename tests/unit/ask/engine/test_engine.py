"""The embedded engine through its one door: what it reads, and when it says that it cannot."""

import pytest
from sqlglot import exp, parse_one
from tests.unit.ask.engine.library import WORDS, ask, ask_after, cases

from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.engine.form_json import from_json, likelihood_of, to_json


def bare(sql: str) -> str:
    """The query without names for its columns, and without an order of groups nobody asked for."""
    tree = parse_one(sql, dialect="sqlite")
    for alias in list(tree.find_all(exp.Alias)):
        alias.replace(alias.this)
    if isinstance(tree, exp.Select) and tree.args.get("group") and not tree.args.get("limit") and "STRFTIME" not in sql:
        tree.set("order", None)
    return tree.sql(dialect="sqlite")


@pytest.mark.parametrize(
    ("question", "sql"), cases("reading_cases.txt"), ids=[question for question, _ in cases("reading_cases.txt")]
)
def test_a_question_is_read_as_the_query_it_asks_for(question: str, sql: str) -> None:
    draft = ask(question)
    assert draft.best is not None
    assert bare(draft.best.sql) == bare(sql)
    assert draft.confident


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("What is the weather in Leeds?", "weather"),
        ("How many books cost more than the moon?", "moon"),
        ("How many books about unicorns are there?", "unicorns"),
        ("Which members from Atlantis have loans?", "Atlantis"),
        ("How many books did Napoleon borrow?", "Napoleon"),
        ("cancelled loans", "cancelled"),
        ("How many banned members are there?", "banned"),
        ("banned members by city", "banned"),
    ],
)
def test_a_word_it_cannot_use_keeps_it_from_answering_and_is_named(question: str, word: str) -> None:
    draft = ask(question)
    assert not draft.confident
    assert word in draft.unexplained
    assert word in draft.reason


def test_a_word_it_cannot_use_is_named_once() -> None:
    assert ask("top members").unexplained == ("top",)


def test_a_question_that_names_nothing_of_the_data_has_no_reading() -> None:
    draft = ask("Why is the sky blue?")
    assert not draft.confident
    assert draft.reason


def test_a_metric_of_the_glossary_is_calculated_by_group() -> None:
    draft = ask("turnover by genre", words=WORDS)
    assert draft.best is not None
    assert "COUNT(loan.loan_id)" in draft.best.sql
    assert "GROUP BY book.genre" in draft.best.sql


def test_a_top_list_by_a_metric_groups_and_shows_the_figure() -> None:
    draft = ask("top 3 books by turnover", words=WORDS)
    assert draft.best is not None
    tree = parse_one(draft.best.sql, dialect="sqlite")
    assert tree.expressions[0].alias_or_name == "title"
    assert tree.args["group"] is not None
    assert tree.args["limit"].expression.this == "3"


def test_another_name_of_a_stored_thing_means_its_row() -> None:
    draft = ask("books by the queen", words=WORDS)
    assert draft.best is not None
    assert "author.author_id = 7" in draft.best.sql


def test_a_condition_of_the_glossary_limits_its_rows() -> None:
    draft = ask("How many thick books are there?", words=WORDS)
    assert draft.best is not None
    assert "book.pages > 500" in draft.best.sql


def test_the_clock_in_a_glossary_period_is_the_day_of_the_question() -> None:
    draft = ask("How many loans in the book week?", words=WORDS, dialect="duckdb")
    assert draft.best is not None
    assert "2026-11-21" in draft.best.sql
    assert "CURRENT_DATE" not in draft.best.sql.upper()


@pytest.mark.parametrize(("dialect", "month"), [("duckdb", "DATE_TRUNC"), ("postgres", "DATE_TRUNC"), ("sqlite", "STRFTIME")])
def test_months_are_printed_as_the_dialect_says_them(dialect: str, month: str) -> None:
    draft = ask("How many loans per month?", dialect=dialect)
    assert draft.best is not None
    assert month in draft.best.sql.upper()
    assert isinstance(parse_one(draft.best.sql, dialect=dialect), exp.Select)


def test_the_same_question_is_always_read_the_same() -> None:
    engine = EmbeddedEngine()
    drafts = [ask("Which author wrote the most books?", engine=engine) for _ in range(3)]
    drafts.append(ask("Which author wrote the most books?"))
    assert all(draft == drafts[0] for draft in drafts)


def test_a_higher_threshold_answers_less() -> None:
    question = "List the titles of books by French authors"
    assert ask(question, engine=EmbeddedEngine(threshold=0.1)).confident
    assert not ask(question, engine=EmbeddedEngine(threshold=0.999)).confident


def test_every_reading_keeps_its_form_for_a_follow_up() -> None:
    draft = ask("Which members have no loans?")
    for reading in draft.readings:
        assert to_json(from_json(reading.form), reading.confidence) == reading.form
        assert likelihood_of(reading.form) == reading.confidence


def test_a_hint_at_the_question_before_is_filled_in_but_never_answered_unasked() -> None:
    first = ask("How many members are younger than 30?")
    draft = ask_after("What is his email?", "How many members are younger than 30?", first)
    assert bare(draft.readings[0].sql) == "SELECT email FROM member WHERE age < 30"
    assert draft.is_follow_up
    assert not draft.confident


def test_a_follow_up_is_no_surer_than_what_it_follows() -> None:
    first = ask("Which wizards among the members are younger than 30?")
    assert not first.confident
    assert not ask_after("What are their names?", "Which wizards among the members are younger than 30?", first).confident


def test_other_readings_are_different_queries_and_less_likely() -> None:
    draft = ask("What are the names of authors with at least 2 books?")
    sqls = [reading.sql for reading in draft.readings]
    assert len(sqls) == len(set(sqls))
    assert all(reading.confidence <= draft.readings[0].confidence for reading in draft.readings)


@pytest.mark.parametrize("question", ["", "   ", "???", "\x00\x01", "a" * 5000, "'", '"', "'; DROP TABLE book; --", "多少本书"])
def test_odd_input_is_read_without_failing_and_never_answered(question: str) -> None:
    assert not ask(question).confident


def test_hours_are_not_asked_of_days() -> None:
    draft = ask("number of loans by hour")
    assert not draft.confident
    assert "hour" in draft.unexplained


@pytest.mark.parametrize(
    ("dialect", "name"),
    [("duckdb", "DAYNAME(loan_date)"), ("postgres", "TO_CHAR(loan_date, 'FMDay')"), ("mysql", "DAYNAME(loan_date)")],
)
def test_a_weekday_is_named_in_every_dialect_and_starts_with_monday(dialect: str, name: str) -> None:
    draft = ask("number of loans by weekday", dialect=dialect)
    assert draft.best is not None
    assert name in draft.best.sql
    assert "ORDER BY" in draft.best.sql


def test_values_no_row_has_both_of_mean_either() -> None:
    draft = ask("members from Leeds and York")
    assert draft.best is not None
    assert draft.best.sql == "SELECT fname, lname FROM member WHERE (city = 'Leeds' OR city = 'York')"


def test_groups_of_nothing_stay_when_the_question_goes_on() -> None:
    question = "number of books for each author, including those without any"
    then = ask_after("only in Japan", question, ask(question))
    assert then.best is not None
    assert "LEFT JOIN book" in then.best.sql
    assert "author.country = 'Japan'" in then.best.sql
    assert "also where there are none" in then.best.description
