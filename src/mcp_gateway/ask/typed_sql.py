"""Whether what the user typed is SQL rather than a question, misspelt keywords allowed: `SELCT * FORM sales`.

Only recognises; validation and recovery treat such SQL like any other draft.
"""

import re

from mcp_gateway.ask.keywords import KEYWORDS, near_keyword

_FENCE = re.compile(r"\A```(?:[a-z]*\s*\n|sql\s)?(.*?)```\s*\Z", re.DOTALL | re.IGNORECASE)
_COMMENTS = re.compile(r"\A(\s*(--[^\n]*\n|/\*.*?\*/))+\s*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]+|\*|[(),;]|\S")
_WRITES = re.compile(
    r"(insert\s+into|update\s+\S+\s+set|delete\s+from|drop\s+(table|view|schema|database|index)|truncate\s+table|"
    r"alter\s+(table|database|system)|create\s+(or\s+replace\s+)?(temp\w*\s+)?(table|view|schema|index|macro|function)|merge\s+into|"
    r"attach\s+|detach\s+|copy\s+|pragma\s+|set\s+\w+\s*=|call\s+\w+\s*\(|exec(ute)?\s+\w+|grant\s+\w+\s+on|explain\s+select|"
    r"install\s+\w+|load\s+\w+\s*;|export\s+database|vacuum\b\s*;?\s*\Z)",
    re.IGNORECASE,
)
_ENGLISH_AFTER_SELECT = frozenset(
    {"the", "all", "every", "each", "any", "me", "those", "these", "some", "only", "both", "a", "an"}
)

_BETWEEN_WORDS = frozenset(KEYWORDS) | {"OVER", "PARTITION"}


def read_typed_sql(text: str) -> str | None:
    """The SQL in the text, without code fence and final semicolon; None when it is a question in words."""
    fenced = _FENCE.match(text.strip())
    body = (fenced.group(1) if fenced else text).strip()
    said = _COMMENTS.sub("", body).lstrip("( \n")
    if _WRITES.match(said):
        return body
    return body.rstrip("; \n\t") if _reads_like_a_query(said) else None


def _reads_like_a_query(body: str) -> bool:
    words = _WORD.findall(body)
    if len(words) < 2:
        return False
    opening = near_keyword(words[0], ("SELECT", "WITH"))
    if opening == "WITH":
        return bool(re.match(r"\w+\s+(recursive\s+)?\w+\s*(\([^)]*\)\s*)?as\s*\(", body, re.IGNORECASE))
    if opening != "SELECT":
        return False
    if words[1] == "*" or words[2:3] == ["("]:
        return True
    if words[1].casefold() in _ENGLISH_AFTER_SELECT and not _is_select_all(words) and words[2:3] not in ([","], ["."]):
        return False
    rest = [near_keyword(word, ("FROM",)) for word in words[2:]]
    if "FROM" not in rest:
        return not any(word.isalpha() for word in words[1:])
    selected = words[1 : 2 + rest.index("FROM")]
    return not _is_prose(selected)


def _is_select_all(words: list[str]) -> bool:
    return words[1].isupper() and words[0].isupper()


def _is_prose(selected: list[str]) -> bool:
    """Three words in a row without comma, operator or keyword between them: "name of the shop", not `name, shop` or `name n`."""
    run = 0
    for word in selected:
        run = run + 1 if word.replace("_", "").isalpha() and word.upper() not in _BETWEEN_WORDS else 0
        if run > 2:
            return True
    return False
