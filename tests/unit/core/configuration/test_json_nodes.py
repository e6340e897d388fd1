"""JSON read by the rules of a file: nothing is replaced in it, and nothing said twice is overlooked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.core.configuration.json_nodes import compose_json
from mcp_gateway.core.configuration.nodes import Faults
from mcp_gateway.core.configuration.section import Section


def section(text: str) -> tuple[Section | None, Faults]:
    faults = Faults("body", None)
    node = compose_json(text, faults)
    return None if node is None else Section(node, "", faults), faults


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=5))
def test_texts_come_back_as_they_were_sent(sent: dict[str, str]) -> None:
    read, faults = section(json.dumps(sent))
    assert read is not None
    assert {key: read.scalar_text(key) for key in sent} == {key: value.strip() for key, value in sent.items()}
    assert not faults.found


def test_a_key_said_twice_is_a_fault() -> None:
    _, faults = section('{"a": 1, "b": 2, "a": 3}')
    assert [(fault.path, fault.problem) for fault in faults.found] == [("a", "stands twice")]


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "NaN", "-Infinity", "[" * 5_000, "[" * 20 + "]" * 20, '"\\ud800"', '{"\\udfff": 1}']
)
def test_what_cannot_be_read_is_one_fault_and_no_error(text: str) -> None:
    read, faults = section(text)
    assert read is None
    assert [fault.where for fault in faults.found] == ["body"]


@given(st.text(max_size=200))
def test_no_text_does_worse_than_a_fault(text: str) -> None:
    read, faults = section(text)
    assert read is not None or len(faults.found) == 1
