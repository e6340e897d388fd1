"""A server that breaks every rule of HTTP and MCP harms its own callers alone: in bounded time, under a name, once."""

from time import monotonic

import httpx2
import pytest
from tests.faults.conftest import ANSWER_SECONDS, LARGEST_ANSWER, Misbehaving
from tests.mcp_over_http import ModernClient, OlderClient
from tests.upstreams.faulty import FAULTS

LOST, MISBEHAVED, TIMED_OUT, TOO_LARGE = "UPSTREAM_LOST", "UPSTREAM_MISBEHAVED", "UPSTREAM_TIMED_OUT", "UPSTREAM_ANSWER_TOO_LARGE"
# One of these: some faults look like another from here, depending on which bytes come first.
EXPECTED = {
    "hangs": {TIMED_OUT},
    "hangs_after_head": {TIMED_OUT},
    "drips": {TIMED_OUT},
    "drips_head": {TIMED_OUT, MISBEHAVED},
    "lies_longer": {LOST},
    "two_lengths": {MISBEHAVED},
    "length_and_chunks": {MISBEHAVED},
    "wrong_type": {MISBEHAVED},
    "no_json": {MISBEHAVED},
    "no_response": {MISBEHAVED},
    "another_id": {MISBEHAVED},
    "empty": {MISBEHAVED},
    "accepted_only": {MISBEHAVED},
    "huge": {TOO_LARGE},
    "huge_event": {TOO_LARGE},
    "endless_events": {TIMED_OUT, TOO_LARGE},
    "events_without_end": {LOST, MISBEHAVED},
    "events_cut": {LOST},
    "half_closed": {LOST, TIMED_OUT},
    "closes": {LOST},
    "resets": {LOST},
    "redirects": {MISBEHAVED},
    "bomb": {MISBEHAVED, TOO_LARGE},
    "giant_head": {MISBEHAVED},
    "many_heads": {MISBEHAVED},
    "bad_chunks": {MISBEHAVED},
    "no_http": {MISBEHAVED},
    "breaks": {LOST},
    "interim_for_ever": {MISBEHAVED, TIMED_OUT},
}
# What a busy machine needs on top.
SPARE_SECONDS = 15.0
MEGABYTES_SPARE = 150


def test_every_fault_of_the_upstream_is_tested() -> None:
    assert set(EXPECTED) == set(FAULTS) - {"well", "slow", "lies_shorter", "huge_chunks"}


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_has_a_name_and_an_end(misbehaving: Misbehaving, client: ModernClient, fault: str) -> None:
    before, begun = misbehaving.gateway.rss_megabytes(), monotonic()
    said = client.call(fault)
    assert said.code in EXPECTED[fault], said
    assert monotonic() - begun < ANSWER_SECONDS + SPARE_SECONDS
    assert misbehaving.gateway.rss_megabytes() < before + MEGABYTES_SPARE
    assert client.call("well").words == "well"


@pytest.mark.parametrize("fault", ["hangs", "lies_longer", "wrong_type", "huge_event", "endless_events", "closes"])
def test_a_client_of_an_older_revision_is_told_the_same(misbehaving: Misbehaving, fault: str) -> None:
    with OlderClient(misbehaving.url) as client:
        said = client.call(fault)
        assert said.code in EXPECTED[fault], said
        assert client.call("well").words == "well"


@pytest.mark.parametrize(
    "fault", ["lies_longer", "closes", "resets", "events_cut", "events_without_end", "half_closed", "breaks"]
)
def test_a_call_that_may_have_run_is_not_made_again(client: ModernClient, fault: str) -> None:
    before = client.call("calls").result["structuredContent"].get(fault, 0)
    client.call(fault)
    assert client.call("calls").result["structuredContent"][fault] == before + 1


def test_bytes_behind_an_answer_are_nobodys_answer(client: ModernClient) -> None:
    for _ in range(5):
        first, second = client.call("lies_shorter"), client.call("well")
        assert "forged" not in str(first) + str(second)
        assert second.words == "well"


@pytest.mark.parametrize("kind", [ModernClient, OlderClient])
def test_an_answer_that_turns_out_too_long_is_cut_off(misbehaving: Misbehaving, kind: type[ModernClient]) -> None:
    """Its length was not announced, so its beginning was passed on already: it must not look whole."""
    before = misbehaving.gateway.rss_megabytes()
    with kind(misbehaving.url) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            client.call("huge_chunks")
        assert client.call("well").words == "well"
    assert misbehaving.gateway.rss_megabytes() < before + MEGABYTES_SPARE


def test_a_server_that_hangs_keeps_nobody_else_waiting(misbehaving: Misbehaving) -> None:
    with ModernClient(misbehaving.one_endpoint) as client, ModernClient(misbehaving.url) as other:
        other.http.timeout = 0.2
        with pytest.raises(Exception, match="timed out"):
            other.call("hangs")
        begun = monotonic()
        assert client.call("echo", {"text": "hello"}).words == "hello"
        assert monotonic() - begun < ANSWER_SECONDS


def test_an_answer_below_the_bound_arrives_whole(misbehaving: Misbehaving) -> None:
    with ModernClient(misbehaving.one_endpoint) as client:
        kilobytes = LARGEST_ANSWER // 1024 - 10
        assert len(client.call("big", {"n": kilobytes}).words) == kilobytes * 1024
        assert client.call("big", {"n": kilobytes * 2}).code == TOO_LARGE
