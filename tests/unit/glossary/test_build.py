"""What is wrong with a glossary file is told by line, key and remedy; what is right becomes words."""

from pathlib import Path

import pytest

from mcp_gateway.core.vocabulary import Entity, Metric, Period, Term
from mcp_gateway.glossary.errors import BadGlossaryFile
from mcp_gateway.glossary.load import MAX_FILE_BYTES, parse_glossary, read_glossary
from mcp_gateway.glossary.model import Fault

CASES = (Path(__file__).parent / "faults.txt").read_text(encoding="utf-8").split("=== ")[1:]


def faults_of(content: str | bytes, name: str = "words.yaml") -> tuple[Fault, ...]:
    with pytest.raises(BadGlossaryFile) as caught:
        parse_glossary(Path(name), content if isinstance(content, bytes) else content.encode())
    return caught.value.faults


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.split("\n", 1)[0])
def test_every_fault_is_named_with_its_line_and_key(case: str) -> None:
    _, rest = case.split("\n", 1)
    content, expected = rest.split("expected:\n")
    found = faults_of(content)
    told = [f"{fault.line} {fault.key}: {fault.problem}" for fault in found]
    wanted = expected.strip().splitlines()
    assert [line[: len(start)] for line, start in zip(told, wanted, strict=True)] == wanted
    assert all(fault.fix.endswith(".") for fault in found)


def test_a_whole_file_becomes_words() -> None:
    edition = parse_glossary(
        Path("words.yaml"),
        b"""
entities:
  - {kind: product, label: Magic Wand Pro, table: products, column: product_id, value: 123, aliases: [abracadabra, techgadget]}
terms:
  - {aliases: turnover, table: sales, column: amount}
  - {aliases: [active], table: customers, condition: {default: customers.active = TRUE, sqlite: customers.active = 1}}
metrics:
  - {name: revenue, table: sales, expression: SUM(sales.amount), condition: sales.paid, unit: EUR, description: Paid sales.}
periods:
  - {aliases: [today], start: CURRENT_DATE, end: CURRENT_DATE + INTERVAL '1' DAY}
""",
    )
    words = edition.vocabulary
    assert words.entities == (
        Entity(
            kind="product",
            label="Magic Wand Pro",
            table="products",
            column="product_id",
            value=123,
            aliases=("abracadabra", "techgadget"),
        ),
    )
    assert words.terms == (
        Term(aliases=("turnover",), table="sales", column="amount"),
        Term(
            aliases=("active",),
            table="customers",
            condition={"default": "customers.active = TRUE", "sqlite": "customers.active = 1"},
        ),
    )
    assert words.metrics == (
        Metric(
            name="revenue",
            aliases=("revenue",),
            table="sales",
            expression={"default": "SUM(sales.amount)"},
            condition={"default": "sales.paid"},
            unit="EUR",
            description="Paid sales.",
        ),
    )
    assert words.periods == (
        Period(aliases=("today",), start={"default": "CURRENT_DATE"}, end={"default": "CURRENT_DATE + INTERVAL '1' DAY"}),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("123", 123),
        ("'123'", "123"),
        ("-4.5", -4.5),
        ("007", "007"),
        ("true", True),
        ("no", "no"),
        ("null", None),
        ("2024-01-01", "2024-01-01"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("99999999999999999999999", "99999999999999999999999"),
    ],
)
def test_only_plain_numbers_truth_values_and_null_are_more_than_text(written: str, meant: object) -> None:
    content = f"entities: [{{table: t, column: c, value: {written}, aliases: [a]}}]"
    value = parse_glossary(Path("words.yaml"), content.encode()).vocabulary.entities[0].value
    assert (value, type(value)) == (meant, type(meant))


def test_nothing_in_braces_is_ever_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    content = b"terms: [{aliases: ['${SECRET}'], table: t, description: '$SECRET ${SECRET}'}]"
    term = parse_glossary(Path("words.yaml"), content).vocabulary.terms[0]
    assert (term.aliases, term.description) == (("${SECRET}",), "$SECRET ${SECRET}")


def test_words_of_every_script_are_kept_and_composed() -> None:
    content = "terms: [{aliases: [Umsatz, 売上, 'cafe\u0301', 'می\u200cخواهم', 😀], table: t}]"
    aliases = parse_glossary(Path("words.yaml"), content.encode()).vocabulary.terms[0].aliases
    assert aliases == ("Umsatz", "売上", "café", "می\u200cخواهم", "😀")


def test_the_same_word_twice_counts_once() -> None:
    content = b"terms: [{aliases: [a, ' a ', a], table: t}]"
    assert parse_glossary(Path("words.yaml"), content).vocabulary.terms[0].aliases == ("a",)


def test_a_file_that_is_not_utf8_names_the_line() -> None:
    (fault,) = faults_of("terms:\n  - aliases: [Umsätze]\n".encode("latin-1"))
    assert (fault.line, fault.problem) == (2, "the text is not UTF-8")


def test_an_empty_file_is_a_fault_and_not_an_empty_glossary() -> None:
    (fault,) = faults_of("# nothing yet\n")
    assert fault.problem == "the file is empty"


def test_an_unknown_kind_of_file_is_refused_by_name() -> None:
    (fault,) = faults_of("a", "words.xlsx")
    assert ".yaml" in fault.fix


def test_a_file_over_the_size_limit_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "words.yaml"
    with large.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(BadGlossaryFile, match="larger than 32 MiB"):
        read_glossary(large)


def test_deep_nesting_is_refused_before_it_can_hurt() -> None:
    (fault,) = faults_of("terms: " + "[" * 100_000)
    assert "nested deeper" in fault.problem


def test_of_very_many_faults_the_first_are_told_and_the_rest_counted() -> None:
    content = "terms:\n" + "  - {aliases: [a], table: t, colour: red}\n" * 1_000
    with pytest.raises(BadGlossaryFile) as caught:
        parse_glossary(Path("words.yaml"), content.encode())
    assert caught.value.message.count("unknown key") == 20
    assert caught.value.message.endswith("and 180 more")


def test_a_hundred_thousand_entries_are_accepted() -> None:
    rows = "\n".join(f"entity,products,product_id,{number},alias {number}" for number in range(100_000))
    content = f"section,table,column,value,aliases\n{rows}\n"
    words = parse_glossary(Path("words.csv"), content.encode()).vocabulary
    assert len(words.entities) == 100_000
    assert words.entities[-1].value == 99_999
