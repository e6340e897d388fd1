"""Where a request to a provider may go."""

import pytest

from mcp_gateway.adapters.oidc.egress import Egress, is_loopback
from mcp_gateway.adapters.oidc.errors import ProviderUnusable

PUBLIC = Egress(home="login.example.com")
AT_HOME = Egress(home="127.0.0.1")
INNER = Egress(home="login.corp", allow_private=True)

PRIVATE = ["10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12:3456::1", "198.18.0.1", "::ffff:10.0.0.1"]
NEVER = [
    "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fec0::1", "fd00:ec2::254", "0.0.0.0", "::",
    "224.0.0.1", "ff02::1", "2002:7f00:1::", "2002:a00:1::1",
    "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2001::1", "::10.0.0.1",
    "not an address", "", "127.1",
]  # fmt: skip


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::6810:84e5", "20.190.128.1"])
def test_public_addresses_may_be_reached(address: str) -> None:
    assert PUBLIC.refusal("login.example.com", address) is None


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER, "127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_inner_addresses_may_not(address: str) -> None:
    assert PUBLIC.refusal("login.example.com", address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_may_when_the_configuration_allows_them(address: str) -> None:
    assert INNER.refusal("keys.corp", address) is None


@pytest.mark.parametrize("address", NEVER)
def test_link_local_and_wrapped_addresses_never_may(address: str) -> None:
    assert INNER.refusal("login.corp", address)


def test_a_provider_on_loopback_is_reached_there_and_no_other_name_is() -> None:
    assert AT_HOME.refusal("127.0.0.1", "127.0.0.1") is None
    assert AT_HOME.refusal("localtest.example.com", "127.0.0.1")
    assert AT_HOME.refusal("127.0.0.1", "10.0.0.1")


def test_a_public_name_that_is_the_issuers_own_may_not_lead_to_loopback() -> None:
    assert PUBLIC.refusal("login.example.com", "127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/keys", "ftp://login.example.com/", "file:///etc/passwd", "https:///keys", "https://u:p@login.example.com/",
        "https://login.example.com/#part", "https://login.example.com/a b", "https://login.example.com/\r\nx", "https://[::1", "",
        "https://login.example.com:99999/", "https://login.example.com/" + "a" * 3_000, "http://127.0.0.1/", "http://localhost:1/",
    ],
)  # fmt: skip
def test_an_address_that_is_no_plain_https_is_refused(url: str) -> None:
    with pytest.raises(ProviderUnusable) as refusal:
        PUBLIC.check_url(url)
    assert refusal.value.kind == "address"


def test_a_provider_on_loopback_may_go_without_https() -> None:
    assert AT_HOME.check_url("http://127.0.0.1:9400/keys").port == 9400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_is_known_by_its_name(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example.com", "127.0.0.1.nip.io", "10.0.0.1", ""])
def test_other_names_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)
