"""Numbers as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.ask.engine.number_words import find_numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("top 5 products", "5: 5"),
        ("the five best products", "five: 5"),
        ("more than 1,200 units", "1,200: 1200"),
        ("over 1.5 million euros", "1.5 million: 1500000"),
        ("above 10k", "10k: 10000"),
        ("2.5m in sales", "2.5m: 2500000"),
        ("twenty-five customers", "twenty-five: 25"),
        ("two hundred and ten orders", "two hundred and ten: 210"),
        ("three thousand five hundred", "three thousand five hundred: 3500"),
        ("a dozen orders", "a dozen: 12"),
        ("two dozen eggs", "two dozen: 24"),
        ("half a million", "half a million: 500000"),
        ("half of the customers", "half: 0.5"),
        ("a couple of products", "a couple: 2"),
        ("the third customer", "third: 3 ordinal"),
        ("the 21st order", "21st: 21 ordinal"),
        ("second highest salary", "second: 2 ordinal"),
        ("requests per second", "nothing"),
        ("a discount of 15%", "15%: 15 percent"),
        ("15 percent off", "15 percent: 15 percent"),
        ("between 10 and 20", "10: 10; 20: 20"),
        ("one and two", "one: 1; two: 2"),
        ("Grid Notebook A5", "nothing"),
        ("on 2024-03-05 at 10:30", "nothing"),
        ("Tablet 10", "10: 10"),
        ("product_12", "nothing"),
        ("20K battery", "20K: 20000"),
        ("no numbers here and there", "nothing"),
        ("hundreds of orders", "nothing"),
        ("a hundred orders", "a hundred: 100"),
    ],
)
def test_a_number_is_read(text: str, expected: str) -> None:
    items = []
    for mention in find_numbers(text):
        flags = (" ordinal" if mention.ordinal else "") + (" percent" if mention.percent else "")
        items.append(f"{text[mention.start : mention.end]}: {mention.value}{flags}")
    assert ("; ".join(items) or "nothing") == expected


@given(st.integers(0, 10**12))
def test_any_whole_number_in_digits_is_itself(number: int) -> None:
    for text in (str(number), f"{number:,}"):
        (mention,) = find_numbers(f"more than {text} units")
        assert mention.value == number


@given(st.text(max_size=80))
def test_any_text_is_read_without_a_fault_and_in_order(text: str) -> None:
    spans = [(mention.start, mention.end) for mention in find_numbers(text)]
    assert spans == sorted(spans)
    assert all(0 <= start < end <= len(text) for start, end in spans)
