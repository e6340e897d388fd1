"""Parsing within bounds: sqlglot works recursively, and on some texts for a time that doubles with every word.

What is in the text and its tokens is bounded before the parser sees them; what the statement does is `read_only.py`.
"""

import re
from collections.abc import Sequence, Set
from typing import Final

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from mcp_gateway.core.sql.errors import QueryRefused, QuerySyntaxError

_MAX_CHARACTERS: Final = 100_000
# The parser and the printer work recursively; honest generated SQL stays far below these.
_MAX_TOKENS: Final = 10_000
_MAX_NESTING: Final = 60
# After a word that may be a type the parser tries a bracket twice, so nesting those doubles its time each time; likewise x[1][1].
_MAX_TYPE_NESTING: Final = 5
_MAX_SUBSCRIPTS: Final = 8
# After a join without ON or USING the parser looks for one twice, so each of them doubles its time.
_MAX_BARE_JOINS: Final = 8
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_OPENING: Final = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE})
_CLOSING: Final = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END})
_JOINS: Final = frozenset({TokenType.JOIN, TokenType.STRAIGHT_JOIN})
_JOIN_ENDS: Final = frozenset({TokenType.ON, TokenType.USING})
# Joins that have no ON, or need none.
_WHOLE_JOINS: Final = frozenset({TokenType.CROSS, TokenType.NATURAL})
_PREFIXES: Final = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE})


def parse_bounded(sql: str, dialect: str) -> list[exp.Expr]:
    """The statements in the text as trees, whatever they do; a text that could keep the parser busy for long is refused before.

    Raises `QuerySyntaxError` and `QueryRefused`.
    """
    _check_text(sql)
    reader = Dialect.get_or_raise(dialect)
    try:
        tokens = reader.tokenize(sql)
        _check_tokens(tokens, reader.parser_class.TYPE_TOKENS)
        return [tree for tree in reader.parser().parse(tokens, sql) if tree is not None]
    except ParseError as error:
        raise _syntax_error(error, sql) from error
    except SqlglotError as error:
        raise QuerySyntaxError(str(error)) from error
    except RecursionError as error:
        raise too_deep() from error


def _check_text(sql: str) -> None:
    if not sql.strip():
        raise QueryRefused("There is no statement.", reason="empty")
    if len(sql) > _MAX_CHARACTERS:
        raise QueryRefused(f"The statement is longer than {_MAX_CHARACTERS} characters.", reason="too_long")
    if _CONTROL.search(sql):
        raise QueryRefused("The statement holds control characters.", reason="control_characters")


def _check_tokens(tokens: Sequence[Token], type_words: Set[TokenType]) -> None:
    """Bounds on what the parser is given, and no comment that a server would run (`/*! ... */`, `/*+ ... */`)."""
    if len(tokens) > _MAX_TOKENS:
        raise QueryRefused(f"The statement has more than {_MAX_TOKENS} parts.", reason="too_long")
    opened: list[bool] = []
    joins = [0]
    typed = prefixes = subscripts = bare = 0
    before: TokenType | None = None
    for token in tokens:
        if any(comment.lstrip().startswith(("!", "M!", "+")) for comment in token.comments):
            raise QueryRefused("Comments that the server would carry out are not allowed.", reason="comment")
        kind = token.token_type
        if kind in _OPENING:
            opened.append(before in type_words)
            joins.append(0)
            typed += opened[-1]
            subscripts += before == TokenType.R_BRACKET
        elif kind in _CLOSING and opened:
            typed -= opened.pop()
            joins.pop()
        elif kind in _JOINS and before not in _WHOLE_JOINS:
            joins[-1] += 1
            bare += 1
        elif kind in _JOIN_ENDS and before != TokenType.DISTINCT and joins[-1]:
            joins[-1] -= 1
            bare -= 1
        prefixes = prefixes + 1 if kind in _PREFIXES else 0
        if (
            len(opened) + prefixes > _MAX_NESTING
            or typed > _MAX_TYPE_NESTING
            or subscripts > _MAX_SUBSCRIPTS
            or bare > _MAX_BARE_JOINS
        ):
            raise too_deep()
        before = kind


def too_deep() -> QueryRefused:
    return QueryRefused("The statement is nested too deeply.", reason="too_deep")


def _syntax_error(error: ParseError, sql: str) -> QuerySyntaxError:
    first = error.errors[0] if error.errors else {}
    line, column, highlight = first.get("line"), first.get("col"), str(first.get("highlight") or "")
    position = None
    if isinstance(line, int) and isinstance(column, int):
        starts = [0, *(found.end() for found in re.finditer("\n", sql))]
        position = max(0, min(len(sql), starts[min(line, len(starts)) - 1] + column - len(highlight)))
    words = str(first.get("description") or error).strip()
    message = f"{words} near '{highlight}'" if highlight else words
    return QuerySyntaxError(message, name=highlight or None, position=position)
