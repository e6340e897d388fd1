"""Whatever bytes come, and however they are cut: a connection gives one answer or one error of ours, and nothing else."""

import asyncio
from itertools import pairwise
from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.depth import examples

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_connection import Bounds, Connection, Unanswered
from mcp_gateway.core.errors import GatewayError

BOUNDS = Bounds(seconds=1_000.0, max_bytes=1_000)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.0 404 No\r\n", b"HTTP/1.1 204 None\r\n",
        b"\r\n", b"\n", b"\r", b"\0", b"content-length: 2\r\n", b"content-length: 5000\r\n", b"transfer-encoding: chunked\r\n",
        b"connection: close\r\n", b"a: b\r\n", b"content-type: text/event-stream\r\n", b"content-encoding: gzip\r\n",
        b"content-type: application/json\r\n", b"keep-alive: timeout=5\r\n", b" folded\r\n", b"2\r\n{}\r\n", b"0\r\n\r\n",
        b"0\r\na: b\r\n\r\n", b"{}", b"data: {}\n\n", b"x" * 700,
    ]
)  # fmt: skip


class Wire:
    """A transport and an owner that remember what was done with them."""

    def __init__(self) -> None:
        self.closed = False
        self.ends: list[bool] = []

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, _name: str) -> "Wire":
        return self

    def fileno(self) -> int:
        return 0

    def ended(self, connection: Connection, *, reusable: bool) -> None:
        assert not connection.busy
        self.ends.append(reusable)

    def lost(self, connection: Connection) -> None: ...


async def outcome(pieces: list[bytes]) -> tuple[int, bytes] | str:
    """The status and body, or the name of the error; as if the server closed at the end."""
    wire = Wire()
    connection = Connection(asyncio.get_running_loop(), wire, Faults("up"))
    connection.connection_made(cast("Any", wire))
    asked = connection.ask(b"GET / HTTP/1.1\r\n\r\n", BOUNDS, asyncio.get_running_loop().time() + 1_000)
    for piece in pieces:
        if not wire.closed:
            connection.data_received(piece)
    wire.closed = True
    connection.connection_lost(None)
    try:
        answer: Answer = asked.result()
        body = answer.body if answer.body is not None else await whole(answer)
        said: tuple[int, bytes] | str = (answer.status, body)
    except (GatewayError, Unanswered) as error:
        said = type(error).__name__
    assert len(wire.ends) == 1
    return said


async def whole(answer: Answer) -> bytes:
    assert answer.source is not None
    body = b""
    while piece := await answer.source.read():
        body += piece
    return body


def run(pieces: list[bytes]) -> tuple[int, bytes] | str:
    return asyncio.run(outcome(pieces))


@settings(max_examples=examples(100))
@given(st.lists(PIECES, max_size=9))
@example([b"HTTP/1.1 200 OK\r\n", b"\r\n", b"{}"])
def test_any_bytes_end_in_one_answer_or_one_error(pieces: list[bytes]) -> None:
    said = run(pieces)
    assert isinstance(said, str) or 200 <= said[0] <= 999


@settings(max_examples=examples(50))
@given(
    st.sampled_from(
        [
            HEAD + b"content-length: 2\r\n\r\n{}",
            HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\nx: y\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"content-length: 2\r\n\r\n{}",
            HEAD + b"\r\n{}",
        ]
    ),
    st.lists(st.integers(0, 160), max_size=10),
)
def test_how_an_answer_is_cut_changes_nothing(data: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    assert run([data[start:end] for start, end in pairwise(edges)]) == (200, b"{}")


@settings(max_examples=examples(50))
@given(st.integers(1, 75))
def test_no_beginning_of_an_answer_is_taken_for_all_of_it(length: int) -> None:
    data = HEAD + b"content-length: 2\r\n\r\n{}"
    assert run([data[: min(length, len(data) - 1)]]) == "UpstreamLost"
    assert run([]) == "Unanswered"
