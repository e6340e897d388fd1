"""Numbers as people write them: 1,200 · 10k · 1.5 million · twenty-five · a dozen · half · third.

Only the reading of numbers; what one means in a question (a limit, a threshold, a year) is decided elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

ONES: Mapping[str, int] = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
    "nineteen": 19,
}  # fmt: skip
TENS: Mapping[str, int] = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES: Mapping[str, int] = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_GROUPS: Mapping[str, int] = {"dozen": 12, "dozens": 12, "couple": 2, "pair": 2, "score": 20}
_SUFFIXES: Mapping[str, int] = {"k": 1000, "m": 10**6, "mn": 10**6, "mio": 10**6, "mil": 10**6, "b": 10**9, "bn": 10**9}
_ORDINALS: Mapping[str, int] = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17,
    "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50, "hundredth": 100,
}  # fmt: skip
_FRACTIONS: Mapping[str, float] = {"half": 0.5, "quarter": 0.25, "quarters": 0.25, "thirds": 1 / 3, "halves": 0.5}
_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+|[^\W\d_]+|[^\w\s]")
_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberMention:
    """text[start:end] as a number. `ordinal`: a place in an order (third, 3rd). `percent`: "15 %" has value 15.

    `in_words`: no digits were used; "one", "second" and "quarter" are often no numbers at all.
    """

    start: int
    end: int
    value: int | float
    ordinal: bool = False
    percent: bool = False
    in_words: bool = False


def small_number(word: str) -> int | None:
    """The value of a single word or run of digits, such as `seven` or `30`; "a" and "an" are 1. None when it is no number."""
    if word.isdecimal():
        return int(word) if len(word) < 10 else None
    if word in ("a", "an"):
        return 1
    return ONES.get(word, TENS.get(word))


def ordinal_value(word: str) -> int | None:
    """The place a word names: third, 3rd, 21st. None when it is no ordinal."""
    match = re.fullmatch(r"(\d{1,4})(?:st|nd|rd|th)", word)
    return int(match.group(1)) if match else _ORDINALS.get(word)


def find_numbers(text: str) -> tuple[NumberMention, ...]:
    """Every number in the text, in order, without overlaps. Digits inside words (`A5`, `2nd` aside) and in dates are left out."""
    tokens = [(match.group().lower(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    found: list[NumberMention] = []
    index = 0
    while index < len(tokens):
        mention, after = _read(text, tokens, index)
        if mention is not None:
            found.append(mention)
        index = max(after, index + 1)
    return tuple(found)


_Tokens = list[tuple[str, int, int]]


def _read(text: str, tokens: _Tokens, index: int) -> tuple[NumberMention | None, int]:
    word, start, end = tokens[index]
    glued = start > 0 and (text[start - 1].isalpha() or text[start - 1] == "_")
    if _DIGITS.fullmatch(word):
        if glued or _in_a_date(text, start, end):
            return None, index + 1
        return _read_digits(text, tokens, index)
    if glued:
        return None, index + 1
    if word in _ORDINALS and word != "second":
        return NumberMention(start=start, end=end, value=_ORDINALS[word], ordinal=True, in_words=True), index + 1
    if word == "second" and not (index and tokens[index - 1][0] in ("per", "a", "each", "every")):
        return NumberMention(start=start, end=end, value=2, ordinal=True, in_words=True), index + 1
    return _read_words(tokens, index)


def _read_digits(text: str, tokens: _Tokens, index: int) -> tuple[NumberMention | None, int]:
    word, start, end = tokens[index]
    digits = word.rstrip(",").replace(",", "")
    value: int | float = float(digits) if "." in digits else int(digits)
    after = index + 1
    follower, follower_start, follower_end = tokens[after] if after < len(tokens) else ("", -1, -1)
    touching = follower_start == end
    if touching and follower in ("st", "nd", "rd", "th"):
        return NumberMention(start=start, end=follower_end, value=value, ordinal=True), after + 1
    if follower == "%" or follower in ("percent", "pct"):
        return NumberMention(start=start, end=follower_end, value=value, percent=True), after + 1
    if touching and follower in _SUFFIXES:
        return NumberMention(start=start, end=follower_end, value=_scaled(value, _SUFFIXES[follower])), after + 1
    if touching and follower.isalpha():
        return None, after + 1
    if follower in _SCALES or follower in ("dozen", "mn", "mio", "bn"):
        scale = _SCALES.get(follower) or _SUFFIXES.get(follower) or 12
        return NumberMention(start=start, end=follower_end, value=_scaled(value, scale)), after + 1
    return NumberMention(start=start, end=end, value=value), after


def _read_words(tokens: _Tokens, index: int) -> tuple[NumberMention | None, int]:
    """A run of number words: twenty-five, two hundred and ten, a dozen, half a million, one and a half."""
    start, at, last = tokens[index][1], index, index
    total: float = 0
    current: float | None = None
    while at < len(tokens):
        word = tokens[at][0]
        if word in ONES or word in TENS:
            size = ONES.get(word, TENS.get(word, 0))
            if current is not None and not (current % 100 == 0 or (current % 10 == 0 and size < 10)):
                break
            current = (current or 0) + size
        elif word in _SCALES and (current is not None or _says_a(tokens, index, at)):
            if word == "hundred":
                current = (current or 1) * 100
            else:
                total, current = total + (current or 1) * _SCALES[word], 0
        elif word in _GROUPS and (current is not None or _says_a(tokens, index, at)):
            current = (current or 1) * _GROUPS[word]
        elif word in _FRACTIONS and current is None and at == index and word == "half":
            current = 0.5
        elif (word in ("and", "-", "a", "of") and at > index and at + 1 < len(tokens)) or (word == "a" and at == index):
            at += 1
            continue
        else:
            break
        last = at
        at += 1
    if current is None:
        return None, index + 1
    value = total + current
    end = tokens[last][2]
    return NumberMention(start=start, end=end, value=int(value) if value == int(value) else value, in_words=True), last + 1


def _says_a(tokens: _Tokens, index: int, at: int) -> bool:
    return at == index or (at == index + 1 and tokens[index][0] == "a")


def _scaled(value: int | float, scale: int) -> int | float:
    product = round(value * scale, 6)
    return int(product) if product == int(product) else product


def _in_a_date(text: str, start: int, end: int) -> bool:
    """Whether digits touch a slash, dash or colon with digits on its other side, as in 2024-03-05, 03/05/2024 and 10:30."""
    before = start > 1 and text[start - 1] in "/-:." and text[start - 2].isdigit()
    return before or (end + 1 < len(text) and text[end] in "/-:" and text[end + 1].isdigit())
