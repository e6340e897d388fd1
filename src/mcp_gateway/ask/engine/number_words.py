"""Words that are numbers or places in an order: twelve, fifty, third, 21st. Numbers in digits are `text.tokenize`'s."""

import re
from collections.abc import Mapping

ONES: Mapping[str, int] = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
    "nineteen": 19,
}  # fmt: skip
TENS: Mapping[str, int] = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_ORDINALS: Mapping[str, int] = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17,
    "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50, "hundredth": 100,
}  # fmt: skip


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
