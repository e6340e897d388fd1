"""A question put more plainly before it is read: the list in wordings.txt. What was found in it moves along with its words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from mcp_gateway.ask.model import DraftRequest

_MAX_CHARS = 1_000


_SOLD = re.compile(
    r"^how many (?P<thing>.+?) (?:did|have|has|do|were|was|are|is)(?: (?:we|they|you|i|it))?"
    r" (?P<verb>sell|sold|return(?:ed)?|ship(?:ped)?|buy|bought)\b",
    re.IGNORECASE,
)
_PARTICIPLES = {"sell": "sold", "return": "returned", "ship": "shipped", "buy": "bought"}


def _asked_in_units(request: DraftRequest) -> str | None:
    """ "How many T-shirts did we sell" is "units sold of T-shirts" where the glossary has such a figure."""
    match = _SOLD.match(request.question)
    if match is None:
        return None
    verb = match.group("verb").lower()
    figure = f"units {_PARTICIPLES.get(verb, verb)}"
    known = {word.casefold() for metric in request.vocabulary.metrics for word in (metric.name, *metric.aliases)}
    start, end = match.span("thing")
    spans = [(each.start, each.end) for each in request.entities if each.kind == "entity"]
    spans += [(each.start, each.end) for each in request.values]
    covered = max((stop - begin for begin, stop in spans if start <= begin and stop <= end), default=0)
    return figure if figure in known and covered >= (end - start) * 0.6 else None


def put_plainly(request: DraftRequest) -> DraftRequest:
    """The request in plainer words; the same request where there is nothing to change.

    A value or entity whose own words were changed is lost, so patterns touch none but common words.
    """
    figure = _asked_in_units(request)
    asked = ((_SOLD, rf"{figure} of \1"),) if figure is not None else ()
    return reworded(request, (*asked, *_wordings("wordings.txt")))


def put_by_role(request: DraftRequest) -> DraftRequest:
    """The request with who reports to whom put as who is whose manager."""
    return reworded(request, _wordings("role_wordings.txt"))


def reworded(request: DraftRequest, wordings: Sequence[tuple[re.Pattern[str], str]]) -> DraftRequest:
    """The request with each pattern replaced once, in order; `\\1` in a replacement is the first bracket."""
    if len(request.question) > _MAX_CHARS:
        return request
    text = _Text(request.question, tuple(range(len(request.question))))
    for pattern, plainer in wordings:
        text = text.changed(pattern, plainer)
    if text.letters == request.question:
        return request
    place = {old: new for new, old in enumerate(text.origins) if old >= 0}
    values = tuple(
        replace(match, start=place[match.start], end=place[match.end - 1] + 1)
        for match in request.values
        if match.start in place and match.end - 1 in place
    )
    entities = tuple(
        replace(each, start=place[each.start], end=place[each.end - 1] + 1)
        for each in request.entities
        if each.start in place and each.end - 1 in place
    )
    return replace(request, question=text.letters, values=values, entities=entities)


@dataclass(frozen=True, slots=True)
class _Text:
    """Letters, and where each stood in the question as asked; -1 for a letter that is new."""

    letters: str
    origins: tuple[int, ...]

    def changed(self, pattern: re.Pattern[str], plainer: str) -> "_Text":
        match = pattern.search(self.letters)
        if match is None:
            return self
        letters, origins = "", tuple[int, ...]()
        for part in re.split(r"(\\\d)", plainer):
            group = int(part[1]) if re.fullmatch(r"\\\d", part) else None
            if group is not None:
                start, end = match.span(group)
                letters, origins = letters + self.letters[start:end], (*origins, *self.origins[start:end])
            else:
                letters, origins = letters + part, (*origins, *([-1] * len(part)))
        start, end = match.span()
        return _Text(self.letters[:start] + letters + self.letters[end:], (*self.origins[:start], *origins, *self.origins[end:]))


@lru_cache(maxsize=2)
def _wordings(name: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    pairs = [line.split(" =>", 1) for line in text.splitlines() if line and not line.startswith("# ")]
    return tuple((re.compile(pattern, re.IGNORECASE), plainer.removeprefix(" ")) for pattern, plainer in pairs)
