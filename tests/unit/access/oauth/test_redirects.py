"""Which addresses a program may have its answer sent to, over whatever anybody writes."""

from urllib.parse import urlsplit

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_gateway.access.oauth.redirects import fits, host_of, is_acceptable, is_loopback

PIECES = st.sampled_from(
    ["http", "https", "://", ":", "/", "//", "\\", "@", "#", "?", ".", "..", "127.0.0.1", "localhost", "[::1]", "evil.example",
     "program.example", "80", "0", "callback", "%2e", "%00", "\t", " ", "é", "\u202e", "javascript", "data", "a=b", "&",
     "<", '"'],
)  # fmt: skip
ANYTHING = st.lists(PIECES, max_size=8).map("".join)
HOSTS = st.sampled_from(["127.0.0.1", "localhost", "[::1]", "program.example", "127.0.0.1.evil.example", "a@127.0.0.1"])
NEARLY = st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https"]), HOSTS, st.sampled_from(["", ":80", ":0"]), ANYTHING)
ADDRESSES = ANYTHING | NEARLY
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@given(ADDRESSES)
@example("https://127.0.0.18080")
@example("https://program.example[::1]")
def test_what_is_acceptable_leads_a_browser_to_https_or_to_this_computer(uri: str) -> None:
    if not is_acceptable(uri):
        return
    as_others_read = httpx.URL(uri)
    assert as_others_read.scheme == "https" or as_others_read.host in LOOPBACK
    assert (as_others_read.userinfo, as_others_read.fragment) == (b"", "")
    assert as_others_read.host == urlsplit(uri).hostname
    assert not set(uri) & set("\\<>\"'\r\n\t ")


@given(ADDRESSES, ADDRESSES)
def test_what_fits_is_the_same_but_for_a_port_on_loopback(asked: str, known: str) -> None:
    if fits(asked, [known]) and asked != known:
        left, right = httpx.URL(asked), httpx.URL(known)
        assert left.host == right.host in LOOPBACK
        assert (left.scheme, left.raw_path) == (right.scheme, right.raw_path)


@given(ADDRESSES)
def test_an_acceptable_address_fits_itself(uri: str) -> None:
    assert fits(uri, [uri]) is is_acceptable(uri)


def test_a_host_is_told_as_people_know_it() -> None:
    assert host_of("http://127.0.0.1:8123/callback") == "this computer"
    assert host_of("https://claude.ai/api/mcp/auth_callback") == "claude.ai"
    assert not is_loopback("https://127.0.0.1/callback")
