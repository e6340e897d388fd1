"""Repairs on the text of SQL that cannot be parsed.

Misspelt keywords, unbalanced brackets and quotes, stray commas, keywords as names. The only place where text is
changed; everything that parses is repaired on its tree.
"""

from collections.abc import Iterator
from itertools import islice, pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from mcp_gateway.ask.keywords import near_keyword
from mcp_gateway.ask.names import find_name_faults
from mcp_gateway.ask.recovery.patient import Patient, Proposal
from mcp_gateway.ask.scopes import LIBRARY_FAULTS, selects
from mcp_gateway.ask.structure import find_structure_faults
from mcp_gateway.core.sql.errors import QueryRefused, QuerySyntaxError
from mcp_gateway.core.sql.parsing import parse_bounded

_MOST_TOKENS = 2_000
# How many texts one idea may try to parse.
_MOST_CANDIDATES = 80
_CALLS = tuple(
    "COUNT SUM AVG MIN MAX ROUND UPPER LOWER LENGTH COALESCE CAST SUBSTR TRIM ABS REPLACE NULLIF STRFTIME DATE_TRUNC EXTRACT "
    "IN EXISTS".split()
)
_NEVER_LAST = frozenset(
    {
        TokenType.DOT, TokenType.COMMA, TokenType.SELECT, TokenType.FROM, TokenType.WHERE, TokenType.AND, TokenType.OR,
        TokenType.DISTINCT, TokenType.EQ, TokenType.GT, TokenType.LT, TokenType.SLASH, TokenType.PLUS, TokenType.DASH,
        TokenType.JOIN, TokenType.ON, TokenType.ALIAS,
    }
)  # fmt: skip
_BEFORE_NAMES = frozenset({TokenType.FROM, TokenType.JOIN, TokenType.COMMA, TokenType.DOT, TokenType.SELECT})


def repair_text(patient: Patient) -> Iterator[Proposal]:
    """Each idea alone, then keywords with each other idea."""
    yield from repair_keywords(patient)
    yield from _best(patient, _close_quotes(patient.sql))
    yield from _best(patient, _balance(patient))
    yield from _best(patient, _drop_commas(patient))
    yield from _best(patient, _quote_names(patient))


def repair_keywords(patient: Patient) -> Iterator[Proposal]:
    """`SELCT * FORM sales`: words that are nearly a keyword and no name of the schema, all at once, then one by one."""
    tokens = tokenize(patient.sql, patient.dialect)
    slips = [(token, keyword) for token in tokens if (keyword := _slip(token, patient))]
    changes = [slips, *([slip] for slip in slips)] if len(slips) > 1 else [slips] if slips else []
    for change in changes:
        sql = _replace(patient.sql, [(token.start, token.end + 1, keyword) for token, keyword in change])
        if parses(sql, patient.dialect):
            yield Proposal(sql=sql, repair=", ".join(f"read {token.text} as {keyword}" for token, keyword in change))


def _slip(token: Token, patient: Patient) -> str | None:
    if token.token_type != TokenType.VAR:
        return None
    keyword = near_keyword(token.text)
    if keyword is None or patient.names.schema.table(token.text):
        return None
    known = any(table.column(token.text) for table in patient.names.schema.tables)
    return None if known else keyword


def tokenize(sql: str, dialect: str) -> list[Token]:
    """The tokens; none when even that fails or there are too many to try things on."""
    try:
        tokens = list(sqlglot.tokenize(sql, read=dialect))
    except SqlglotError:
        return []
    return tokens if len(tokens) <= _MOST_TOKENS else []


def parses(sql: str, dialect: str) -> bool:
    """Whether it is one query of the dialect."""
    return parse(sql, dialect) is not None


def parse(sql: str, dialect: str) -> exp.Query | None:
    """The one query in the text; None when it is not one."""
    try:
        trees = parse_bounded(sql, dialect)
    except (QueryRefused, QuerySyntaxError, *LIBRARY_FAULTS):
        return None
    tree = trees[0] if len(trees) == 1 else None
    return tree if isinstance(tree, exp.Query) else None


def _best(patient: Patient, candidates: Iterator[Proposal]) -> Iterator[Proposal]:
    """Those that parse, the ones with only known names first, alike trees once; the guess is as good as the order."""
    seen: set[str] = set()
    good: list[Proposal] = []
    doubtful: list[Proposal] = []
    for proposal in islice(candidates, _MOST_CANDIDATES):
        tree = parse(proposal.sql, patient.dialect)
        if tree is None or (printed := tree.sql()) in seen:
            continue
        seen.add(printed)
        (doubtful if _is_doubtful(tree, patient) else good).append(proposal)
    yield from good
    yield from doubtful


def _is_doubtful(tree: exp.Query, patient: Patient) -> bool:
    """Unknown names, functions nobody knows, and totals of totals say that the guess was wrong."""
    found = selects(tree, patient.names.schema)
    return (
        bool(find_name_faults(found, patient.names) or find_structure_faults(found, patient.dialect))
        or tree.find(exp.Anonymous) is not None
        or any(
            total.find_ancestor(exp.AggFunc)
            for total in tree.find_all(exp.AggFunc)
            if not total.find_ancestor(exp.Subquery, exp.Window)
        )
    )


def _close_quotes(sql: str) -> Iterator[Proposal]:
    for quote in ("'", '"', "`"):
        if sql.count(quote) % 2:
            start = sql.rfind(quote)
            ends = [index for index in range(start + 2, len(sql) + 1) if index == len(sql) or sql[index] in " ,)\n"]
            for end in reversed(ends):
                yield Proposal(sql=f"{sql[:end]}{quote}{sql[end:]}", repair=f"closed the quote {quote}")


def _balance(patient: Patient) -> Iterator[Proposal]:
    sql = patient.sql
    tokens = tokenize(sql, patient.dialect)
    opening = [token for token in tokens if token.token_type == TokenType.L_PAREN]
    closing = [token for token in tokens if token.token_type == TokenType.R_PAREN]
    if len(opening) == len(closing) + 1:
        yield from (
            Proposal(sql=f"{sql[: token.end + 1]}){sql[token.end + 1 :]}", repair="closed a bracket")
            for token in _likely_ends(tokens)
        )
        yield from (Proposal(sql=_cut(sql, token), repair="removed a bracket too many") for token in opening)
    elif len(closing) == len(opening) + 1:
        yield from _split_calls(sql, tokens)
        yield from (Proposal(sql=_cut(sql, token), repair="removed a bracket too many") for token in reversed(closing))
        yield from (Proposal(sql=f"{sql[: token.start]}({sql[token.start :]}", repair="opened a bracket") for token in tokens)


def _split_calls(sql: str, tokens: list[Token]) -> Iterator[Proposal]:
    """`SUMamount)`: a function and its argument run into one word."""
    for token in tokens:
        name = next((name for name in _CALLS if token.text.upper().startswith(name) and len(token.text) >= len(name)), None)
        if name is not None and (len(token.text) > len(name) or not sql[token.end + 1 :].lstrip().startswith("(")):
            at = token.start + len(name)
            yield Proposal(sql=f"{sql[:at]}({sql[at:]}", repair=f"opened the bracket after {name}")


def _likely_ends(tokens: list[Token]) -> list[Token]:
    """Where the missing bracket may go: a call is closed as soon as it can be, a subquery as late as it can be."""
    ends: list[Token] = []
    for start in reversed(_unclosed(tokens)):
        after = [token for token, following in pairwise([*tokens[start + 1 :], None]) if token and _may_end(token, following)]
        holds_query = bool(tokens[start + 1 :]) and tokens[start + 1].token_type in {TokenType.SELECT, TokenType.WITH}
        ends.extend(reversed(after) if holds_query else after)
    return list({token.end: token for token in ends}.values())


def _unclosed(tokens: list[Token]) -> list[int]:
    """Every opening bracket that may be the one without an end: all that are open where the statement or a clause ends."""
    open_at: list[int] = []
    for index, token in enumerate(tokens):
        if token.token_type == TokenType.L_PAREN:
            open_at.append(index)
        elif token.token_type == TokenType.R_PAREN and open_at:
            open_at.pop()
    calls = [index for index, token in enumerate(tokens) if token.token_type == TokenType.L_PAREN and index not in open_at]
    return [*calls, *open_at]


def _may_end(token: Token, following: Token | None) -> bool:
    """A bracket closes behind a name, value, star or bracket, and never before a dot."""
    if token.token_type in _NEVER_LAST or (following is not None and following.token_type == TokenType.DOT):
        return False
    return token.token_type != TokenType.L_PAREN


def _drop_commas(patient: Patient) -> Iterator[Proposal]:
    tokens = tokenize(patient.sql, patient.dialect)
    for token in reversed([token for token in tokens if token.token_type == TokenType.COMMA]):
        yield Proposal(sql=_cut(patient.sql, token), repair="removed a comma too many")


def _quote_names(patient: Patient) -> Iterator[Proposal]:
    """`SELECT * FROM order`: keywords that are also names here, quoted where a name may stand."""
    known = {table.name.casefold() for table in patient.names.schema.tables}
    known |= {column.name.casefold() for table in patient.names.schema.tables for column in table.columns}
    tokens = tokenize(patient.sql, patient.dialect)
    quoted = [
        token
        for before, token in pairwise(tokens)
        if token.token_type not in {TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING}
        and token.text.casefold() in known
        and (before.token_type in _BEFORE_NAMES or not before.text.isalnum())
    ]
    if quoted:
        changes = [
            (token.start, token.end + 1, exp.to_identifier(token.text, quoted=True).sql(patient.dialect)) for token in quoted
        ]
        names = ", ".join(token.text for token in quoted)
        yield Proposal(sql=_replace(patient.sql, changes), repair=f"put {names} in quotes, because it is a keyword")


def _replace(sql: str, changes: list[tuple[int, int, str]]) -> str:
    for start, end, text in sorted(changes, reverse=True):
        sql = f"{sql[:start]}{text}{sql[end:]}"
    return sql


def _cut(sql: str, token: Token) -> str:
    return sql[: token.start] + sql[token.end + 1 :]
