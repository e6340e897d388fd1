"""Which Python text LibCST may see. Its parser is native and recursive: deep nesting would end the process, not the call."""

import io
import tokenize
from typing import Final

# What it bears on an ordinary stack, with room: brackets in brackets, tokens in one statement.
MAX_NESTING: Final = 60
MAX_LINE_TOKENS: Final = 1_000


def is_tame(text: str) -> bool:
    """False also for what has no tokens of this Python. Before LibCST sees it; what it nests itself may still be too deep for
    Python, which is a `RecursionError`.
    """
    depth = length = branches = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            length = 0 if token.type == tokenize.NEWLINE else length + 1
            branches += token.string == "elif"
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
            if depth > MAX_NESTING or length > MAX_LINE_TOKENS or branches > MAX_LINE_TOKENS:
                return False
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return False
    return True
