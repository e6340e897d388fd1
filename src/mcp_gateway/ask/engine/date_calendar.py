"""Calendar arithmetic for the date grammar: starts of units, steps by units, half-open ranges. Weeks begin on Monday."""

from datetime import date, datetime, timedelta
from typing import TypeAlias

from mcp_gateway.ask.engine.form import Unit

Moment: TypeAlias = date | datetime

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def start_of(unit: Unit, day: date) -> date:
    """The first day of the week, month, quarter or year `day` lies in."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return date(day.year, 1, 1) if unit == "year" else day


def step(unit: Unit, day: date, count: int) -> date:
    """`day` moved by `count` units, to the last day of the month where the month is shorter. Stays within years 1 to 9999."""
    if unit in _DAYS:
        try:
            return day + timedelta(days=_DAYS[unit] * count)
        except OverflowError:
            return date.min if count < 0 else date.max
    index = day.year * 12 + day.month - 1 + _MONTHS.get(unit, 1) * count
    if index < 12:
        return date.min
    if index >= 9999 * 12:
        return date.max
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, days_in_month(year, month + 1)))


def days_in_month(year: int, month: int) -> int:
    if month == 12:
        return 31
    return (date(year, month + 1, 1) - date(year, month, 1)).days


def day_or_none(year: int, month: int, day: int) -> date | None:
    """The day, or None when the calendar has no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def month_of(year: int, month: int) -> tuple[date, date]:
    first = date(year, month, 1)
    return first, step("month", first, 1)


def full_year(two_or_four: int) -> int:
    """25 is 2025, 87 is 1987; four digits stay."""
    if two_or_four >= 100:
        return two_or_four
    return two_or_four + (2000 if two_or_four < 70 else 1900)
