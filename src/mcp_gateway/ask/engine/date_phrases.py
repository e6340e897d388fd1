"""A range of time in words: "in March 2025", "from 22 October to 21 November 2026", "since 1 March 2025", "before 2020"."""

from datetime import date, datetime, timedelta

from mcp_gateway.ask.engine.date_calendar import Moment, step

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def phrase_of(start: Moment | None, end: Moment | None) -> str:
    """The half-open range in words, with its preposition; "at any time" when both sides are open."""
    if start is None and end is None:
        return "at any time"
    if start is None:
        return f"before {_edge(end)}"
    if end is None:
        return f"since {_edge(start)}"
    if isinstance(start, datetime) or isinstance(end, datetime):
        return f"from {_edge(start)} to {_edge(end)}"
    return _days(start, end)


def read_moment(text: str) -> Moment:
    """An ISO day or moment as stored in a form."""
    return datetime.fromisoformat(text) if "T" in text or " " in text else date.fromisoformat(text)


def _days(start: date, end: date) -> str:
    last = end - timedelta(days=1)
    if last <= start:
        return f"on {_day(start)}"
    if start.day == 1 and end.day == 1:
        return _months(start, end, last)
    if start.year != last.year:
        return f"from {_day(start)} to {_day(last)}"
    if start.month != last.month:
        return f"from {start.day} {_MONTHS[start.month - 1]} to {_day(last)}"
    return f"from {start.day} to {_day(last)}"


def _months(start: date, end: date, last: date) -> str:
    if start.month == 1 and end.month == 1:
        return f"in {start.year}" if last.year == start.year else f"from {start.year} to {last.year}"
    if end == step("month", start, 1):
        return f"in {_MONTHS[start.month - 1]} {start.year}"
    if end == step("quarter", start, 1) and start.month % 3 == 1:
        return f"in Q{start.month // 3 + 1} {start.year}"
    first = _MONTHS[start.month - 1] if start.year == last.year else f"{_MONTHS[start.month - 1]} {start.year}"
    return f"from {first} to {_MONTHS[last.month - 1]} {last.year}"


def _edge(moment: Moment | None) -> str:
    if isinstance(moment, datetime):
        return f"{_day(moment)} {moment:%H:%M}"
    if moment is None:
        return ""
    return str(moment.year) if (moment.month, moment.day) == (1, 1) else _day(moment)


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
