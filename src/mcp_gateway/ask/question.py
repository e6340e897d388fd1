"""The limits a question must keep before anything is done about it."""

import re
import unicodedata

from mcp_gateway.ask.errors import BadSession, EmptyQuestion, QuestionNotText, QuestionTooLong, UnknownMode
from mcp_gateway.ask.model import Question
from mcp_gateway.core.errors import InvalidInput

_SESSION = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_MODES = ("single_mcp", "multi_mcp", "auto")
_ENGINES = ("auto", "engine", "model")


def check_question(question: Question, *, max_chars: int) -> None:
    """Raises `EmptyQuestion`, `QuestionTooLong`, `QuestionNotText`, `UnknownMode`, `BadSession` or `InvalidInput`.

    Line breaks and tabs are text; other control characters are not.
    """
    size = len(question.text)
    if size > max_chars:
        raise QuestionTooLong(f"The question has {size} characters; {max_chars} are allowed.", size=size, limit=max_chars)
    if not question.text.strip():
        raise EmptyQuestion
    control = next((char for char in question.text if unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\r\t"), None)
    if control is not None:
        raise QuestionNotText(f"The question holds the control character U+{ord(control):04X}.")
    if not any(char.isalnum() for char in question.text):
        raise QuestionNotText("The question holds no letter and no digit.")
    if question.mode not in _MODES:
        raise UnknownMode(f"There is no mode {question.mode!r}.", modes=list(_MODES))
    if question.engine not in _ENGINES:
        raise InvalidInput(f"There is no engine {question.engine!r}.", hint="Use auto, engine or model.")
    if question.session_id is not None and not _SESSION.fullmatch(question.session_id):
        raise BadSession
    if question.max_rows < 1:
        raise InvalidInput("max_rows must be 1 or more.", max_rows=question.max_rows)
