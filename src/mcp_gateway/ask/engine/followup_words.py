"""Whether a question leans on the one before it, and what it wants changed. Looks at words only.

"And for last year?", "only the north", "by month", "top 5" are nothing by themselves. A complete question stands alone, also
behind an "and". In doubt a question stands alone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mcp_gateway.ask.engine.dates import TimeWords
from mcp_gateway.ask.engine.number_words import small_number

Wish = Literal["change", "filter", "exclude", "group", "rank", "sort", "show", "count", "share", "remove"]

_COURTESY = re.compile(
    r"(?:ok|okay|please|well|great|thanks|thank you|hmm|right|good|yes|no|now|then|so)\b[\s,.!]*", re.IGNORECASE
)
_OPENER = re.compile(r"(?:and(?: then)?|or|but)\b[\s,]*", re.IGNORECASE)
_BESIDES = re.compile(r"(?:also|plus)\b[\s,]*", re.IGNORECASE)
_ABOUT = re.compile(
    r"(?:what about|how about|what if it was|(?:do |show )?(?:the )?same (?:thing |again )?(?:for|in|with|but)?"
    r"|likewise (?:for|in)?|repeat (?:that|it|this) (?:for|in|with)|again (?:for|in))(?!\w)[\s,]*",
    re.IGNORECASE,
)
# The first pattern that fits where the question proper begins says what is wished; (it) is a word for what was shown.
_PATTERNS: tuple[tuple[Wish, str], ...] = (
    ("remove", r"(?:remove|drop|clear|forget|ignore|undo|lift|take away|get rid of) (?:the |all |that |this |any )*"),
    ("remove", r"without (?:the |that |this |any )*(?=(?:\w+ ){0,2}(?:filters?|conditions?|restrictions?|limits?)\b)"),
    ("count", r"how many(?: (?:are|were|is) (?:there|they|that)| of (?:them|those|these)| in total| altogether)?(?=\s*[?.!]*$)"),
    ("count", r"(?:count (it)|how many (?:of (it)|were|are)) *(?:are|were|is|come|live)?\b"),
    ("share", r"(?:show (it) )?(?:as|in) (?:a |the )?(?:shares?|percentages?|percent|%)(?: of (?:the )?(?:total|whole|sum))?"),
    ("sort", r"(?:sort|order|rank)(?:ed)?(?: (it))?(?: (?:by|in|from|according to))?\b"),
    ("sort", r"(?=(?:the )?(?:highest|lowest|largest|smallest|biggest|newest|oldest|latest|earliest) first)"),
    ("sort", r"(?=(?:as|des)cending|reversed?\b|the other way (?:a)?round)"),
    ("group", r"(?:(?:show|split|break|group)(?:ed)? ?(it)?(?: down| up)? )?(?:broken down by|split by|grouped by|by|per)\b"),
    ("group", r"(?:for|in) (?:each|every)\b|(?:each|every)\b"),
    ("exclude", r"(?:without|except(?: for)?|excluding|exclude|not|leave out|leaving out|minus|other than|apart from)\b"),
    ("filter", r"(?:only|just|but only|limit(?:ed)? (?:(it) )?to|restrict(?:ed)? (?:(it) )?to|narrow (?:(it) )?down to)\b"),
    ("filter", r"(?:filter (?:(it) )?(?:by|for|on|to)|which of (it)|those|the ones|ones)\b"),
    ("show", r"(?:show|add|include|give|list|display|provide|return|with)(?: me| us)?(?: also)? (?=(?:their|its|the|all)\b)"),
    ("show", r"(?:show|add|include|give|list|display|provide|return)(?: me| us)?(?: also)? "),
)
_IT = r"(?:it|them|that|this|those|these|the (?:list|results?))"
_WISHES = tuple((wish, re.compile(pattern.replace("(it)", _IT), re.IGNORECASE)) for wish, pattern in _PATTERNS)
_RANK = re.compile(
    r"(?:(?:show |give )?(?:me |us )?)?(?:just |only )?(?:the )?(top|bottom|first|last|best|worst|lowest|highest) ([\w-]+)"
    r"(?: (?:ones?|of (?:them|those)|only|instead|rows?|results?))?\s*[?.!]*$",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s,]*(?:too|as well|also|instead|only|please|now|then|again|for me)?[\s?.!]*$", re.IGNORECASE)
_COMPLETE = re.compile(
    r"(?:how (?:many|much)|what(?:'s| is| are| was| were| did| do| does)?|which|who(?: is| are| was)?|whose|when|where|list|show"
    r"|give|find|count|compare|tell|display|get|is|are|do|does|did|has|have)\b"
    r"(?: (?:me|us|all|the|of|a|an|our|is|are|was|were|did|do|does))*\s*",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:they|them|those|these|their|theirs|its|ones|of it|that one|the same)\b", re.IGNORECASE)
_THIS = re.compile(
    r"\b(?:this|(?:than|above|below|over|under|of|for|to) that)\b(?! (?:day|week|month|quarter|year|time)\b)", re.IGNORECASE
)
_PREPOSITIONS = frozenset("in for from at of on with by to during since before after between about".split())
_EMPTY = frozenset(
    "in for from at of on the a an and or with to during over ones one that this it them those these only just please instead "
    "too also as well now then again is are was were year month week quarter same but what about how".split()
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaning:
    """What a leaning question wants. `rest` is the question with everything understood blanked out, so places stay.

    `number` and `descending` belong to "rank" ("top 5"). `added`: besides what is there ("also", "too"). `alternative`: in
    place of something of its kind ("what about", "and").
    """

    wish: Wish
    rest: str
    number: int | None = None
    descending: bool = True
    added: bool = False
    alternative: bool = False
    dated: bool = False

    @property
    def has_rest(self) -> bool:
        return any(word not in _EMPTY for word in re.findall(r"[^\W_]+", self.rest.lower()))


def read_leaning(question: str, times: TimeWords, known: Iterable[tuple[int, int]] = ()) -> Leaning | None:
    """What the question wants of the one before; None when it stands alone.

    `known` are the stretches that are stored values or business words for one thing: a question of nothing else leans.
    """
    start, opened, about, besides = _opening(question)
    remainder = question[start:]
    pronoun = bool(_PRONOUN.search(remainder)) or _points_back(question, times)
    rank = _RANK.match(remainder)
    if rank and _rank_number(rank) is not None:
        blank = _blanked(question, [(0, len(question))])
        down = rank.group(1).lower() in ("top", "first", "best", "highest")
        return Leaning(wish="rank", rest=blank, number=_rank_number(rank), descending=down)
    tail = _TAIL.search(remainder)
    tail_word = tail.group().lower() if tail else ""
    spans = [(0, start)] + ([(start + tail.start(), len(question))] if tail else [])
    wish, taken = _wish(remainder)
    times_said = [(each.start, each.end) for each in times.dates] + [(each.start, each.end) for each in times.grains]
    spans += times_said
    if wish is not None:
        spans.append((start, start + taken))
        spans = [span for span in spans if span not in times_said or wish != "sort"]
    left = _words_left(question, spans, known)
    if wish is None and not (about or (opened and not _is_complete(remainder)) or not left):
        wish = "filter" if (pronoun and not _is_complete(remainder)) or "only" in tail_word else None
        if wish is None:
            return None
    added = besides or any(word in tail_word for word in ("too", "also", "as well"))
    if wish in ("filter", "exclude") and _is_complete(remainder[taken:].strip()) and not pronoun and not (opened or about):
        return None
    if wish == "show" and not (pronoun or added):
        return None
    return Leaning(
        wish=wish or ("filter" if "only" in tail_word else "change"),
        rest=_blanked(question, spans),
        added=added,
        alternative=(opened or about or "instead" in tail_word) and "only" not in tail_word,
        dated=bool(times.dates),
    )


def _points_back(question: str, times: TimeWords) -> bool:
    """Whether a "this" is about what was shown and not about a time ("this month")."""
    spans = [(each.start, each.end) for each in times.dates] + [(each.start, each.end) for each in times.comparisons]
    return any(not any(start <= match.start() < end for start, end in spans) for match in _THIS.finditer(question))


def _opening(question: str) -> tuple[int, bool, bool, bool]:
    """Where the question proper begins; whether an "and", a "what about", an "also" stands before it."""
    start = len(question) - len(question.lstrip(" ,.…-"))
    opened = about = besides = False
    for _ in range(4):
        asked = _ABOUT.match(question, start)
        opener = None if asked else _OPENER.match(question, start)
        also = None if asked else _BESIDES.match(question, start)
        found = asked or opener or also or _COURTESY.match(question, start)
        if found is None or found.end() == start:
            break
        opened, about, besides = opened or opener is not None, about or asked is not None, besides or also is not None
        start = found.end()
    return start, opened, about, besides


def _wish(remainder: str) -> tuple[Wish | None, int]:
    for wish, pattern in _WISHES:
        match = pattern.match(remainder)
        if match:
            return wish, match.end()
    return None, 0


def _is_complete(text: str) -> bool:
    """Whether it begins like a question of its own and goes on with something to ask about."""
    match = _COMPLETE.match(text)
    if match is None:
        return False
    following = re.findall(r"[^\W_]+", text[match.end() :].lower())
    return bool(following) and following[0] not in _PREPOSITIONS and not _PRONOUN.search(text) and not _THIS.search(text)


def _words_left(question: str, spans: Iterable[tuple[int, int]], known: Iterable[tuple[int, int]]) -> bool:
    """Whether anything of substance is neither understood nor known."""
    rest = _blanked(question, [*spans, *known])
    return any(word not in _EMPTY for word in re.findall(r"[^\W_]+", rest.lower()))


def _blanked(question: str, spans: Iterable[tuple[int, int]]) -> str:
    letters = list(question)
    for start, end in spans:
        letters[start:end] = " " * (end - start)
    return "".join(letters)


def _rank_number(match: re.Match[str]) -> int | None:
    word = match.group(2).lower()
    return None if word in ("a", "an") else small_number(word)
