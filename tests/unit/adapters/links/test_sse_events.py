"""Streams of events, taken apart as WHATWG HTML has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.adapters.links.sse_events import Event, EventSplitter, TooLong


def split(stream: bytes, *, cuts: list[int] | None = None, limit: int = 10_000) -> list[tuple[bytes, bytes]]:
    splitter, events, at = EventSplitter(limit), list[Event](), 0
    for cut in [*sorted(cuts or []), len(stream)]:
        events += splitter.feed(stream[at:cut])
        at = max(at, cut)
    return [(event.name, event.data) for event in events]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize(
    ("lines", "events"),
    [
        (["data: {}", ""], [(b"", b"{}")]),
        (["data:{}", ""], [(b"", b"{}")]),
        (["data:  {}", ""], [(b"", b" {}")]),
        (["event: message", "data: {}", ""], [(b"message", b"{}")]),
        (["id: 7", "retry: 10", "data: {}", ""], [(b"", b"{}")]),
        (["data: a", "data: b", "", "data: c", ""], [(b"", b"a\nb"), (b"", b"c")]),
        ([": ping", "", ":", "", "data: {}", ""], [(b"", b"{}")]),
        (["event: ping", "", "data: {}", ""], [(b"", b"{}")]),
        (["data", ""], [(b"", b"")]),
        (["other: x", "data: {}", "nonsense", ""], [(b"", b"{}")]),
        (["data: unfinished"], []),
        (["", "", ""], []),
    ],
)
def test_each_complete_event_is_given_once(lines: list[str], events: list[tuple[bytes, bytes]], end: bytes) -> None:
    stream = end.join(line.encode() for line in [*lines, ""])
    assert split(stream) == events
    assert split(b"\xef\xbb\xbf" + stream) == events


@given(
    st.lists(st.sampled_from([b"data: {}", b"data:", b"event: x", b": c", b"id: 1", b"", b"data: \xc3\xa4"]), max_size=12),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.lists(st.integers(0, 120), max_size=8),
)
def test_how_the_stream_is_cut_changes_nothing(lines: list[bytes], end: bytes, cuts: list[int]) -> None:
    stream = end.join([*lines, b"", b""])
    assert split(stream, cuts=cuts) == split(stream)


def test_data_is_passed_on_byte_by_byte() -> None:
    data = bytes(range(32, 256)) + b"\x00\x0b\x1c\xe2\x80\xa8"
    assert split(b"data: " + data + b"\n\n") == [(b"", data)]


@pytest.mark.parametrize(
    "piece", [b"x" * 100, b"data: " + b"x" * 90 + b"\n", b"data:\n"], ids=["one line", "many lines", "many empty lines"]
)
def test_an_event_longer_than_the_limit_is_given_up(piece: bytes) -> None:
    splitter = EventSplitter(1_000)
    with pytest.raises(TooLong):
        feed(splitter, piece, times=2_000)


def feed(splitter: EventSplitter, piece: bytes, *, times: int) -> None:
    for _ in range(times):
        splitter.feed(piece)


def test_many_events_within_the_limit_are_no_long_one() -> None:
    splitter = EventSplitter(100)
    for _ in range(1_000):
        assert len(splitter.feed(b": ping\n\ndata: " + b"x" * 40 + b"\n\n")) == 1
