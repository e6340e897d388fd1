"""Words survive the way over the wire; what another program wrote is read with suspicion."""

import json

import pytest

from mcp_gateway.core.errors import Json
from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term, Vocabulary
from mcp_gateway.core.vocabulary_documents import BadVocabularyDocument, from_documents, to_documents

WORDS = Vocabulary(
    entities=(
        Entity(kind="product", label="Wand", table="products", column="id", value=123, aliases=("abracadabra", "é")),
        Entity(kind="none", label="None", table="t", column="c", value=None, aliases=("none",)),
    ),
    terms=(
        Term(aliases=("turnover",), table="sales", column="amount", description="What came in."),
        Term(aliases=("active",), table="customers", condition={"default": "customers.active", "sqlite": "customers.active = 1"}),
    ),
    metrics=(Metric(name="revenue", aliases=("sales",), table="sales", expression={"default": "SUM(sales.amount)"}, unit="EUR"),),
    periods=(Period(aliases=("today",), start={"default": "CURRENT_DATE"}, end={"default": "CURRENT_DATE + 1"}),),
)


def test_words_come_back_as_they_went_through_json() -> None:
    wire = {uri: json.loads(json.dumps(document)) for uri, document in to_documents(WORDS, "v1").items()}
    assert set(wire) == {"glossary://entities", "glossary://terms", "glossary://metrics", "glossary://periods"}
    assert all(document["version"] == "v1" for document in wire.values())
    assert from_documents(wire) == WORDS


def test_missing_documents_are_empty_and_unknown_ones_are_passed_over() -> None:
    assert from_documents({"glossary://status": {"faults": []}}) == Vocabulary()


def test_a_field_nobody_knows_is_passed_over() -> None:
    item: dict[str, Json] = {"aliases": ["a"], "table": "t", "colour": "red"}
    assert from_documents({"glossary://terms": {"terms": [item]}}).terms == (Term(aliases=("a",), table="t"),)


TERM: dict[str, Json] = {"aliases": ["a"], "table": "t"}


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ("text", r"glossary://terms\[0\] is not an object"),
        ({**TERM, "table": 1}, r"\[0\]\.table must be text"),
        ({"table": "t"}, r"\[0\]\.aliases must be a list"),
        ({"aliases": ["a", 1], "table": "t"}, r"\[0\]\.aliases must be text"),
        ({**TERM, "aliases": ["a"] * 501}, r"\[0\]\.aliases must be a list of at most 500"),
        ({**TERM, "table": "t" * 10_001}, r"\[0\]\.table must be text of at most 10000"),
        ({**TERM, "condition": "a = b"}, r"\[0\]\.condition must be an object of SQL"),
        ({**TERM, "condition": {"default": ["a"]}}, r"\[0\]\.condition must be text"),
        ({**TERM, "condition": {f"d{n}": "x" for n in range(51)}}, r"\[0\]\.condition must be an object"),
        ({**TERM, "column": {"a": "b"}}, r"\[0\]\.column must be text"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_with_its_place(item: Json, place: str) -> None:
    with pytest.raises(BadVocabularyDocument, match=place):
        from_documents({"glossary://terms": {"terms": [item]}})


def test_a_metric_without_an_expression_is_refused() -> None:
    item: dict[str, Json] = {"name": "m", "aliases": ["m"], "table": "t", "expression": {}}
    with pytest.raises(BadVocabularyDocument, match=r"\[0\]\.expression must be an object"):
        from_documents({"glossary://metrics": {"metrics": [item]}})


def test_an_entity_whose_value_is_a_list_is_refused() -> None:
    item: dict[str, Json] = {"kind": "k", "label": "l", "table": "t", "column": "c", "value": [1], "aliases": ["a"]}
    with pytest.raises(BadVocabularyDocument, match=r"\[0\]\.value must be one value"):
        from_documents({"glossary://entities": {"entities": [item]}})


def test_a_document_without_its_list_is_refused() -> None:
    with pytest.raises(BadVocabularyDocument, match="there is no list entities"):
        from_documents({"glossary://entities": {"version": "1"}})
