"""E-mail addresses, phone numbers and payment cards in a text."""

import re
from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]

# From the sign on: looking for what comes before it at every letter would take sixty times as long.
_AT_DOMAIN: Final = re.compile(r"@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_LOCAL: Final = re.compile(r"(?:\"[^\"\r\n]{1,62}\"|[\w.%+'!#$&*/=?^`{|}~-]{1,64})$")
_CARD: Final = re.compile(r"(?<![\w.+-])(?:\d[ \-\u00a0]?){12,18}\d(?![\w-]|\.\d)")
_BRANDS: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}|35(?:2[89]|[3-8]\d)\d{12}|(?:5018|5020|5038|6304|6759|676[1-3])\d{8,15}"
)
_PHONES: Final = (
    re.compile(r"(?<![\w+])\+[1-9]\d{0,2}(?:[ \u00a0().\-/]{0,2}\d){6,12}(?!\d)"),
    re.compile(r"(?<![\w.+-])00[1-9]\d{0,2}[ \u00a0(\-/](?:[ \u00a0().\-/]{0,2}\d){6,12}(?!\d)"),
    re.compile(r"(?<![\w.+-])(?:1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}(?![\w-])"),
    re.compile(
        r"(?:\b(?:tel(?:efon|ephone)?|phone|mobile?|cell|fax|fon|handy|call|whatsapp|sms)\b[^\d\n+]{0,14})"
        r"((?:\d[ \u00a0()./\-]{0,3}){6,14}\d)",
        re.IGNORECASE,
    ),
)
_TWICE: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def emails_in(text: str) -> Iterator[Span]:
    for found in _AT_DOMAIN.finditer(text):
        start = found.start()
        local = _LOCAL.search(text, max(0, start - 64), start)
        if local is not None:
            yield local.start(), found.end()


def cards_in(text: str) -> Iterator[Span]:
    """Of a brand's form, with a check digit that is right."""
    for found in _CARD.finditer(text):
        if is_card(re.sub(r"\D", "", found.group())):
            yield found.span()


def is_card(digits: str) -> bool:
    return _BRANDS.fullmatch(digits) is not None and len(set(digits)) > 1 and _check_digit_fits(digits)


def phones_in(text: str) -> Iterator[Span]:
    """With a country's code, in the form of North America, or behind a word that announces one."""
    for pattern in _PHONES:
        for found in pattern.finditer(text):
            yield found.span(pattern.groups)


def _check_digit_fits(digits: str) -> bool:
    """Luhn's."""
    values = [int(one) for one in reversed(digits)]
    return (sum(values[::2]) + sum(_TWICE[value] for value in values[1::2])) % 10 == 0
