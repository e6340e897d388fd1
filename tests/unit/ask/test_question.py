"""The limits of a question."""

import pytest

from mcp_gateway.ask.errors import BadSession, EmptyQuestion, QuestionNotText, QuestionTooLong, UnknownMode
from mcp_gateway.ask.model import Question
from mcp_gateway.ask.question import check_question
from mcp_gateway.core.errors import GatewayError, InvalidInput


def check(question: Question) -> None:
    check_question(question, max_chars=100)


@pytest.mark.parametrize("text", ["How many?", "Wie viele Kunden?", "顧客は何人ですか", "line\nbreak\tand tab", "x" * 100, "1"])
def test_text_in_any_script_is_let_through(text: str) -> None:
    check(Question(text=text, session_id="a-b_c.d:e"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", EmptyQuestion),
        (" \n\t", EmptyQuestion),
        ("x" * 101, QuestionTooLong),
        ("how\x00many", QuestionNotText),
        ("how\x1b[31mmany", QuestionNotText),
        ("how\x7fmany", QuestionNotText),
        ("lone \ud800 surrogate", QuestionNotText),
        ("?!…", QuestionNotText),
    ],
)
def test_what_is_no_question_is_refused_by_name(text: str, error: type[GatewayError]) -> None:
    with pytest.raises(error):
        check(Question(text=text))


def test_unknown_modes_engines_and_row_limits_are_refused() -> None:
    with pytest.raises(UnknownMode) as caught:
        check(Question(text="q", mode="turbo"))  # type: ignore[arg-type]  # as a face without types might send it
    assert caught.value.data["modes"] == ["single_mcp", "multi_mcp", "auto"]
    with pytest.raises(InvalidInput):
        check(Question(text="q", engine="steam"))  # type: ignore[arg-type]  # the same
    with pytest.raises(InvalidInput):
        check(Question(text="q", max_rows=0))
    with pytest.raises(BadSession):
        check(Question(text="q", session_id="a\nb"))
