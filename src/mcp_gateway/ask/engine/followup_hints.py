"""A question that hints at the one before it without leaning on it openly: "what is his grade", "how many of them have friends".

The last resort after `followup.py`: what the hint stands for is put in its place, the whole is read as a question of its own,
and asked of the rows the earlier question was about. Never sure of itself.
"""

import re
from dataclasses import replace

from mcp_gateway.ask.engine import form, scoring
from mcp_gateway.ask.engine.followup_changes import Dialogue, show_more, within
from mcp_gateway.ask.engine.form_json import FormError, from_json
from mcp_gateway.ask.engine.form_walk import has_aggregate
from mcp_gateway.ask.engine.plain_names import plain, plural, singular
from mcp_gateway.ask.engine.read_alone import Made, ReadAlone, StandAlone
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.engine.wordings import reworded
from mcp_gateway.ask.model import DraftRequest

_HINT = re.compile(
    r"\b(?:theirs|hers|he|she|they|them|those|these|(?:which|what|each|that|largest|smallest|last|first) one|ones|it"
    r"|also|too|as well|each(?! (?:of the )?\w{3})|both"
    r"|(?<!and )(?<!with )(?<!or )(?<!by )(?:their|its|his|her)"
    r"|(?:at|in|of|for|from|with|by|on|is|are|about) (?:that|this)|that (?:list|one|year)|the (?:list|results?))\b",
    re.IGNORECASE,
)
_BESIDES = re.compile(r"\b(?:also|too|as well|add|include)\b", re.IGNORECASE)
_POSSESSIVE = re.compile(r"\b(?:their|its|his|her)\b(?! (?:own)\b)", re.IGNORECASE)
_WHICH = re.compile(r"\b(which|what) (?:ones?|of (?:them|those|these))\b", re.IGNORECASE)
_EACH = re.compile(r"\b(?:for |in )?each(?: (?:one|of (?:them|those|these)))?(?=\W*$|\W*,)", re.IGNORECASE)
_POINTED = re.compile(
    r"\b(?:those|these|this|that) (?=\w{3})(?!(?:are|were|have|had|has|with|who|did|from|that|which) )", re.IGNORECASE
)
_PRONOUN = re.compile(r"\b(?:he|she|they|them|those|these|ones|it|that one)\b", re.IGNORECASE)


def hints_back(question: str) -> bool:
    """Whether a word of the question may stand for something said before."""
    return _HINT.search(question) is not None


def continue_from_hints(request: DraftRequest, index: SchemaIndex, read: ReadAlone) -> Made | None:
    """The question with its hints filled in; None when that gives no reading."""
    previous = _last_form(request)
    if previous is None or not hints_back(request.question):
        return None
    dialogue = Dialogue(previous, index)
    alone = read(replace(_filled_in(request, previous), history=()))
    if alone is None or not isinstance(alone.query, form.Select):
        return None
    merged = _together(dialogue, request, alone.query)
    return None if merged is None else Made(query=merged, confidence=_likely(alone), unexplained=alone.unexplained)


def _likely(alone: StandAlone) -> float:
    return min(alone.confidence, scoring.HINTED_CONFIDENCE)


def _last_form(request: DraftRequest) -> form.Select | None:
    """The newest earlier question with a form."""
    for turn in reversed(request.history):
        try:
            query = from_json(turn.form) if turn.form is not None else None
        except FormError:
            query = None
        if isinstance(query, form.Select):
            return query
    return None


def _filled_in(request: DraftRequest, previous: form.Select) -> DraftRequest:
    things = plural(plain(previous.base.table))
    thing = singular(plain(previous.base.table))
    pairs = (
        (_BESIDES, ""),
        (_WHICH, rf"\1 {things}"),
        (_EACH, f"for each {thing}"),
        (_POINTED, "the "),
        (_POSSESSIVE, f"{things}'s"),
        (_PRONOUN, things),
    )
    return reworded(request, pairs)


def _together(dialogue: Dialogue, request: DraftRequest, query: form.Select) -> form.Select | None:
    lists = not query.where and not any(has_aggregate(target.expression) for target in query.targets)
    if lists and _BESIDES.search(request.question):
        return show_more(dialogue, query)
    return within(dialogue, query) or _of_the_groups(dialogue, query)


def _of_the_groups(dialogue: Dialogue, query: form.Select) -> form.Select | None:
    """Of only those groups that the earlier question found: "the most common breed code", "what is its name"."""
    previous = dialogue.previous
    keys = [key for key in previous.group_by if isinstance(key, form.ColumnRef)]
    if len(keys) != 1 or len(previous.group_by) != 1 or not (previous.limit or previous.having):
        return None
    key = keys[0]
    if key.table not in {query.base.table, *(join.table.table for join in query.joins)}:
        return None
    found = form.InQuery(key, replace(previous, targets=(form.Target(key),), distinct=False))
    return dialogue.joined(replace(query, where=(found, *query.where)))
