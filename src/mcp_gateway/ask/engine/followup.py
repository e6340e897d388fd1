"""A question that leans on the one before it: the earlier form, changed as the question wishes.

`continue_from` finds out whether the question leans at all (`followup_words.py`), reads what is new in it with the engine's own
eyes, beside the thing the earlier question was about ("customers in France"), and moves conditions, groups, order or columns
from that reading into the earlier form. What it cannot do it leaves: the question then stands unanswered, never half done.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcp_gateway.ask.engine import form, scoring
from mcp_gateway.ask.engine.dates import TimeWords, find_time
from mcp_gateway.ask.engine.followup_changes import (
    Dialogue,
    add_conditions,
    add_dates,
    add_group,
    as_count,
    as_share,
    other_number,
    remove_conditions,
    reorder,
    show_more,
    showing_the_same,
    swap_measure,
    top,
    within,
)
from mcp_gateway.ask.engine.followup_words import Leaning, read_leaning
from mcp_gateway.ask.engine.form_edit import negated
from mcp_gateway.ask.engine.form_json import FormError, from_json
from mcp_gateway.ask.engine.form_walk import has_aggregate
from mcp_gateway.ask.engine.plain_names import plain, plural
from mcp_gateway.ask.engine.read_alone import Made, ReadAlone, asking
from mcp_gateway.ask.engine.schema_index import SchemaIndex
from mcp_gateway.ask.engine.wordings import reworded
from mcp_gateway.ask.model import DraftRequest


def continue_from(request: DraftRequest, index: SchemaIndex, read: ReadAlone) -> Made | None:
    """The changed form; None when the question stands alone or there is nothing to lean on."""
    previous = _previous(request)
    times = find_time(request.question, request.now)
    known = [(match.start, match.end) for match in request.values] + [
        (each.start, each.end) for each in request.entities if _one_thing(each.kind)
    ]
    leaning = read_leaning(request.question, times, known) if request.history else None
    if leaning is None:
        return None
    if previous is None:
        return Made(query=None, unexplained=(request.question,))
    return _Continuation(Dialogue(previous, index), request, leaning, times, read).changed()


def _previous(request: DraftRequest) -> form.Select | None:
    """The form of the last question that has one."""
    stored = request.history[-1].form if request.history else None
    if stored is None:
        return None
    try:
        query = from_json(stored)
    except FormError:
        return None
    return query if isinstance(query, form.Select) else None


def _one_thing(kind: str) -> bool:
    return kind in ("entity", "value", "condition", "period")


_ASKS = re.compile(
    r"\W*(?:(?:and|but|ok|okay|now|also|then)\b[\s,]*)*"
    r"(?:what|which|who|how|where|when|list|show|give|find|count|tell|provide|return|display)\b",
    re.IGNORECASE,
)
# "Except those", "they each", "this car": known to lean, not known how.
_NOT_THEM = re.compile(
    r"\b(?:except|excluding|besides|other than|apart from|outside of|not)(?: for)?(?: in)? (?:them|those|these|it)\b"
    r"|\beach\b|\bthis\b",
    re.IGNORECASE,
)
# The rows are narrowed and nothing else is asked for.
_ONLY_THEM = re.compile(
    r"\W*(?:(?:and|but|ok|okay|now|also|then)\b[\s,]*)*(?:show|list|give|find|which|what)(?: me| us)?(?: just| only)?(?: the)? "
    r"(?:those|these|ones|of them|of those|of these)\b",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"\b(?:their|its)\b", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:they|them|those|these|ones|it)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Continuation:
    dialogue: Dialogue
    request: DraftRequest
    leaning: Leaning
    times: TimeWords
    read: ReadAlone

    def changed(self) -> Made | None:
        leaning, dialogue = self.leaning, self.dialogue
        select: form.Select | None = dialogue.previous
        if self.times.comparisons:
            return self._failed()
        spoken_of = self._of_them() if leaning.wish in ("filter", "count", "show") and not leaning.added else None
        if spoken_of is not None:
            return spoken_of
        if leaning.wish == "rank":
            return self._done(top(dialogue, leaning.number or 1, descending=leaning.descending))
        if leaning.wish == "remove":
            return self._done(remove_conditions(dialogue, leaning.rest))
        for mention in self.times.dates:
            select = add_dates(dialogue.at(select), mention) if select else None
        for grain in self.times.grains:
            select = add_group(dialogue.at(select), None, grain.unit, added=True) if select else None
        if select is None:
            return self._failed()
        if leaning.wish == "share":
            return self._done(as_share(dialogue.at(select)))
        if leaning.wish == "count":
            counted = as_count(dialogue.at(select))
            return self._done(counted) if not leaning.has_rest or counted is None else self._filtered(counted)
        if not leaning.has_rest:
            return self._done(select if select != dialogue.previous else None)
        return self._with_rest(select)

    def _of_them(self) -> Made | None:
        """A question of its own but for a word that stands for what was shown: "what are their names"."""
        question = self.request.question
        if not _ASKS.match(question) or _NOT_THEM.search(question):
            return None
        thing = plural(plain(self.dialogue.previous.base.table))
        pairs = ((_POSSESSIVE, f"{thing}'s"), (_PRONOUN, thing))
        request = reworded(self.request, pairs)
        alone = self.read(replace(request, history=())) if request is not self.request else None
        if alone is None or alone.unexplained or not isinstance(alone.query, form.Select):
            return None
        merged = within(self.dialogue, alone.query)
        if merged is not None and _ONLY_THEM.match(question):
            merged = showing_the_same(self.dialogue, merged)
        return None if merged is None else Made(query=merged, confidence=min(alone.confidence, scoring.FOLLOW_UP_CONFIDENCE))

    def _with_rest(self, select: form.Select) -> Made | None:
        match self.leaning.wish:
            case "group":
                alone = self._beside("number of {} by", "")
                fresh = [each for each in alone.group_by if not isinstance(each, form.Truncation)] if alone else []
                if not fresh:
                    return self._failed()
                shown = [target.expression for target in alone.targets] if alone else []
                return self._done(add_group(self.dialogue.at(select), _shown_group(fresh, shown), None, added=self.leaning.added))
            case "sort":
                alone = self._beside("{} sorted by", "")
                return self._done(reorder(self.dialogue.at(select), self.leaning.rest, alone))
            case "show":
                alone = self._beside("", "of {}")
                return self._done(show_more(self.dialogue.at(select), alone))
            case "change":
                return self._changed_measure(select)
            case _:
                return self._filtered(select)

    def _changed_measure(self, select: form.Select) -> Made | None:
        """ "What about units sold", "and the highest", "and in France": another figure, or else another filter."""
        alone = self.read(asking(self.request, self.leaning.rest))
        query = alone.query if alone and not alone.unexplained and isinstance(alone.query, form.Select) else None
        if query and any(has_aggregate(target.expression) for target in query.targets) and not query.where:
            if query.group_by:
                return None
            return self._done(swap_measure(self.dialogue.at(select), query))
        numbered = other_number(self.dialogue.at(select), self.leaning.rest)
        if numbered is not None:
            return self._done(numbered)
        only_function = swap_measure(self.dialogue.at(select), None, self.leaning.rest)
        if only_function is not None:
            return self._done(only_function)
        if query and not query.where and _names_table(query, self.leaning.rest):
            return self._done(swap_measure(self.dialogue.at(select), query, self.leaning.rest))
        return self._filtered(select)

    def _filtered(self, select: form.Select) -> Made:
        """Conditions of the rest, read beside the thing asked about: "active customers", "customers in France"."""
        for before, after in (("{}", ""), ("", "{}"), ("{} in", ""), ("{} with", ""), ("{} for", "")):
            alone = self._beside(before, after)
            if alone is not None and alone.where and not alone.group_by and alone.limit is None:
                fresh = alone.where
                if self.leaning.wish == "exclude":
                    fresh = tuple(negated(each) for each in fresh)
                found = add_conditions(self.dialogue.at(select), fresh, alternative=self.leaning.alternative)
                if found is not None:
                    return Made(query=found, confidence=scoring.FOLLOW_UP_CONFIDENCE)
        return self._failed()

    def _beside(self, before: str, after: str) -> form.Select | None:
        """The rest read together with the plural of the earlier question's thing, when every word is explained."""
        thing = plural(plain(self.dialogue.previous.base.table))
        rest = _without_pronouns(self.leaning.rest)
        alone = self.read(asking(self.request, rest, before=before.format(thing), after=after.format(thing)))
        if alone is None or alone.unexplained or not isinstance(alone.query, form.Select):
            return None
        return alone.query

    def _done(self, query: form.Query | None) -> Made:
        return self._failed() if query is None else Made(query=query, confidence=scoring.FOLLOW_UP_CONFIDENCE)

    def _failed(self) -> Made:
        return Made(query=None, unexplained=tuple(self.leaning.rest.split()) or (self.request.question,))


def _without_pronouns(rest: str) -> str:
    """Pronouns for the thing blanked out, so that places stay."""
    blanked = rest
    for word in (
        "their",
        "theirs",
        "its",
        "them",
        "those",
        "these",
        "ones",
        "one",
        "they",
        "are",
        "is",
        "were",
        "was",
        "live",
        "come",
    ):
        blanked = _blank_word(blanked, word)
    return blanked


def _blank_word(text: str, word: str) -> str:
    parts, start = [], 0
    low = text.lower()
    while (at := low.find(word, start)) >= 0:
        end = at + len(word)
        whole = (at == 0 or not text[at - 1].isalnum()) and (end == len(text) or not text[end].isalnum())
        parts.append(text[start:at] + (" " * len(word) if whole else text[at:end]))
        start = end
    return "".join([*parts, text[start:]])


def _shown_group(groups: Sequence[form.Expression], shown: Sequence[form.Expression]) -> tuple[form.Expression, ...]:
    """The group keys, those that are shown first."""
    return tuple(sorted(groups, key=lambda each: each not in shown))


def _names_table(query: form.Select, rest: str) -> bool:
    words = {word.strip("?.!,").lower() for word in rest.split()}
    return bool(words & {plural(plain(query.base.table)), plain(query.base.table)})
