"""A rule about a resource holds however its URI is written."""

import pytest

from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.decide import decide
from mcp_gateway.access.policy.model import ACTIONS, Action, Rule, Target
from mcp_gateway.access.policy.uris import writings
from mcp_gateway.core.identity import Caller

ANN = Caller(tenant="acme", subject="ann", roles=frozenset({"operator"}))
BOB = Caller(tenant="acme", subject="bob")


def may(uri: str, rule: Rule, *, caller: Caller = ANN, action: Action = "read_resource") -> bool:
    return decide(build_policy(Statements(rules=(rule,))), caller, action, Target(server="files", tool=uri)).allowed


def denying(pattern: str) -> Rule:
    return Rule(id="no", effect="deny", actions=frozenset(ACTIONS), tools=(pattern,))


def allowing(pattern: str) -> Rule:
    return Rule(id="yes", effect="allow", actions=frozenset({"read_resource"}), tools=(pattern,))


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("https://hr.example/*", "HTTPS://HR.Example/pay"),
        ("HTTPS://HR.Example/*", "https://hr.example/pay"),
        ("https://*.secret.example/*", "https://a.SECRET.example/x"),
        ("*Secret*", "https://secret.example/"),
        ("https://hr.example/*", "https://hr.example:443/pay"),
        ("https://hr.example/*", "https://hr.example:/pay"),
        ("file:///etc/*", "file:///%65tc/passwd"),
        ("file:///%65tc/*", "file:///etc/passwd"),
        ("file:///etc/*", "FILE:///etc/passwd"),
        ("file:///etc/*", "file:/etc/passwd"),
        ("file:///etc/*", "file://localhost/etc/passwd"),
        ("file:///etc/*", "file:///srv/../etc/passwd"),
        ("file:///etc/*", "file:///srv/%2e%2e/etc/passwd"),
        ("file:///etc/*", "file:///etc%2Fpasswd"),
        ("file:///etc/*", "file:///srv%2F..%2Fetc/passwd"),
        ("file:///etc/*", "file:////etc/passwd"),
        ("file:///a%2fb", "file:///a%2Fb"),
        ("mail:*", "MAIL:inbox"),
        ("notes://a?b", "NOTES://a-b"),
    ],
)
def test_a_deny_is_not_passed_by_another_writing(pattern: str, uri: str) -> None:
    assert not may(uri, denying(pattern))


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("file:///etc/*", "file:///Etc/hosts"),
        ("https://hr.example/*", "https://hr.example.org/pay"),
        ("notes://private/*", "notes://public/private"),
        ("file:///etc/*", "file:///srv/etc/x"),
    ],
)
def test_a_deny_hits_nothing_else(pattern: str, uri: str) -> None:
    assert may(uri, denying(pattern))


@pytest.mark.parametrize(
    ("pattern", "uri", "allowed"),
    [
        ("docs://public/*", "docs://public/a%20b", True),
        ("docs://public/a%20b", "docs://public/a%20b", True),
        ("docs://public/*", "docs://public/a/../b", True),
        ("DOCS://Public/*", "docs://public/a", True),
        ("docs://public/*", "docs://public/", True),
        ("docs://public", "docs://public", True),
        ("docs:*", "docs:a//b/", True),
        ("docs://x//*", "docs://x//y", True),
        ("docs://public/*", "docs://public/../private", True),
        ("docs://all/public/*", "docs://all/public/../private", False),
        ("docs://all/public/*", "docs://all/public/%2e%2e/private", False),
        ("docs://all/public/*", "docs://all/public/..%2Fprivate", False),
        ("docs://public/*", "docs://private/a", False),
    ],
)
def test_an_allow_covers_what_every_writing_says(pattern: str, uri: str, *, allowed: bool) -> None:
    assert may(uri, allowing(pattern), caller=BOB) == allowed


def test_names_of_tools_are_compared_as_written() -> None:
    assert may("FILE:x", denying("file:*"), action="call_tool")
    assert not may("file:x", denying("file:*"), action="call_tool")


@pytest.mark.parametrize(
    "uri", ["", ":", "//", "%", "%zz", "a:%00", "x" * 10_000, "file:///" + "../" * 2_000, "\n", "http://[::1]:80/é"]
)
def test_whatever_is_sent_has_writings(uri: str) -> None:
    assert writings(uri).same[0] == uri
