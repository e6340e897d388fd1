"""Findings somebody lets stand, in a comment with the reason: `# patterns: allow rate-limit-missing: limited at the edge`.

It holds for its own line; alone on a line, for the next one with code; on a decorator or `def` line, for the whole handler.
Without a
reason it holds for nothing, and is itself a finding.
"""

import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MARK: Final = re.compile(r"#\s*patterns:\s*allow\b(?P<rules>[\w\-,\s]*)(?::\s*(?P<reason>.*))?$")
MIN_REASON: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """`line`: the line it holds for; `at`: the line it stands on. An empty `rules` or a short `reason` makes it void."""

    rules: frozenset[str]
    reason: str
    line: int
    at: int

    @property
    def void(self) -> str:
        """Why it holds for nothing; "" when it holds."""
        if not self.rules:
            return "it names no rule"
        return "" if len(self.reason) >= MIN_REASON else "it gives no reason"


def read_suppressions(text: str) -> tuple[Suppression, ...]:
    """All of a file, void ones too. Comments alone count, not texts that look like them."""
    if "patterns:" not in text:
        return ()
    lines = text.split("\n")
    following = _following(lines)
    return tuple(_one(comment, row, lines, following) for row, comment in _comments(text) if MARK.search(comment))


def holding(suppressions: Iterable[Suppression], rule: str, lines: Iterable[int]) -> Suppression | None:
    """The one that holds for a finding of this rule at one of these lines."""
    at = set(lines)
    return next((one for one in suppressions if not one.void and rule in one.rules and one.line in at), None)


def _one(comment: str, row: int, lines: list[str], following: list[int]) -> Suppression:
    found = MARK.search(comment)
    assert found is not None  # noqa: S101  (the caller asked)
    rules = frozenset(name.strip() for name in found["rules"].split(",") if name.strip())
    alone = lines[row - 1].lstrip().startswith("#")
    line = (following[row - 1] or row) if alone else row
    return Suppression(rules=rules, reason=(found["reason"] or "").strip(), line=line, at=row)


def _following(lines: list[str]) -> list[int]:
    """For each line the number of the next one with code; 0 behind the last."""
    found, following = 0, [0] * len(lines)
    for index in range(len(lines) - 1, -1, -1):
        following[index] = found
        if _is_code(lines[index]):
            found = index + 1
    return following


def _is_code(line: str) -> bool:
    bare = line.strip()
    return bool(bare) and not bare.startswith("#")


def _comments(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        found.extend((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass  # what came before the fault counts
    return found
