"""Time in questions: the cases of date_cases.txt, and what must hold for any text and any day."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.ask.engine.date_phrases import phrase_of
from mcp_gateway.ask.engine.dates import ComparisonMention, DateMention, GrainMention, find_time

CASES = [
    tuple(part.strip() for part in line.split("|"))
    for line in Path(__file__).with_name("date_cases.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
FRAGMENTS = (
    "last this next past previous the of in from to between and since before after until month months week year "
    "quarter day 3 30 2024 march may june 5 5th Q3 first second half by per each monthly vs compared with period "
    "same ago more than today yesterday ytd so far fiscal weekend friday 03/05/2024 2024-03-05 , - end start early "
    "summer sales customers decade 90s"
).split()
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


@pytest.mark.parametrize(("moment", "question", "expected"), CASES, ids=[f"{case[0][:10]} {case[1]}" for case in CASES])
def test_the_grammar_reads(moment: str, question: str, expected: str) -> None:
    now, _, fiscal = moment.partition(" fy")
    assert render(question, datetime.fromisoformat(now), int(fiscal or 1)) == expected


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=9), MOMENTS, st.integers(1, 12))
def test_any_words_on_any_day_give_ordered_ranges_in_place(words: list[str], now: datetime, fiscal: int) -> None:
    question = " ".join(words)
    found = find_time(question, now, fiscal_year_start=fiscal)
    mentions: list[DateMention | GrainMention | ComparisonMention] = [*found.dates, *found.grains, *found.comparisons]
    spans = sorted((mention.start, mention.end) for mention in mentions)
    assert all(0 <= start < end <= len(question) for start, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    for mention in found.dates:
        for each in mention.ranges:
            assert each.start is None or each.end is None or each.start.isoformat() < each.end.isoformat()
            assert each.phrase


@given(st.text(max_size=60), MOMENTS)
def test_any_text_is_read_without_a_fault(text: str, now: datetime) -> None:
    find_time(text, now)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 400), st.sampled_from(["days", "weeks", "months", "years"]))
def test_the_last_so_many_units_end_with_today(today: date, count: int, unit: str) -> None:
    (mention,) = find_time(f"sales in the last {count} {unit}", datetime(today.year, today.month, today.day, tzinfo=UTC)).dates
    assert mention.rolling
    assert mention.range.end == today + timedelta(days=1)
    assert mention.range.start is not None
    assert mention.range.start < today


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.sampled_from(["week", "month", "quarter", "year"]))
def test_last_this_and_next_touch_without_gap(today: date, unit: str) -> None:
    now = datetime(today.year, today.month, today.day, tzinfo=UTC)
    last, this, following = (find_time(f"sales {which} {unit}", now).dates[0].range for which in ("last", "this", "next"))
    assert last.end == this.start
    assert this.end == following.start
    assert this.start is not None
    assert this.end is not None
    assert this.start <= today < this.end


@given(st.dates(date(1950, 1, 1), date(2090, 1, 1)))
def test_a_day_written_in_any_plain_form_is_that_day(day: date) -> None:
    for text in (
        day.isoformat(),
        f"{day:%B} {day.day}, {day.year}",
        f"{day.day} {day:%B} {day.year}",
        f"{day.day} {day:%b} {day.year}",
    ):
        (mention,) = find_time(f"orders on {text}", NOW).dates
        assert (mention.range.start, mention.range.end) == (day, day + timedelta(days=1))


@pytest.mark.parametrize(
    ("start", "end", "phrase"),
    [
        (date(2026, 10, 1), date(2026, 11, 1), "in October 2026"),
        (date(2025, 7, 1), date(2025, 10, 1), "in Q3 2025"),
        (date(2024, 1, 1), date(2025, 1, 1), "in 2024"),
        (date(2020, 1, 1), date(2023, 1, 1), "from 2020 to 2022"),
        (date(2025, 3, 1), date(2025, 7, 1), "from March to June 2025"),
        (date(2024, 11, 1), date(2025, 3, 1), "from November 2024 to February 2025"),
        (date(2024, 3, 5), date(2024, 3, 6), "on 5 March 2024"),
        (date(2026, 11, 1), date(2026, 11, 22), "from 1 to 21 November 2026"),
        (date(2026, 10, 22), date(2026, 11, 22), "from 22 October to 21 November 2026"),
        (date(2025, 12, 20), date(2026, 1, 11), "from 20 December 2025 to 10 January 2026"),
        (date(2025, 3, 1), None, "since 1 March 2025"),
        (None, date(2020, 1, 1), "before 2020"),
        (None, None, "at any time"),
    ],
)
def test_a_range_is_said_the_short_way(start: date | None, end: date | None, phrase: str) -> None:
    assert phrase_of(start, end) == phrase


def render(question: str, now: datetime, fiscal: int) -> str:
    """What was found as the case file writes it."""
    found = find_time(question, now, fiscal_year_start=fiscal)
    items: list[tuple[int, str]] = []
    for date_mention in found.dates:
        ranges = " or ".join(f"{each.start or ''}..{each.end or ''}" for each in date_mention.ranges)
        flags = ("" if date_mention.strong else " weak") + (" rolling" if date_mention.rolling else "")
        said = question[date_mention.start : date_mention.end]
        items.append((date_mention.start, f"{said}: {ranges} {date_mention.range.grain}{flags}"))
    for grain in found.grains:
        said = question[grain.start : grain.end]
        items.append((grain.start, f"{said}: {grain.style} {grain.unit or 'time'}{'' if grain.plain else ' adjective'}"))
    for comparison in found.comparisons:
        against = f" {comparison.against.start}..{comparison.against.end}" if comparison.against else ""
        said = question[comparison.start : comparison.end]
        items.append((comparison.start, f"{said}: vs {comparison.shift or 'period'}{against}"))
    return "; ".join(text for _, text in sorted(items)) or "nothing"
