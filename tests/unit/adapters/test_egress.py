"""Where a request to an upstream may go."""

import pytest

from mcp_gateway.adapters.egress import LOOPBACK, Egress, networks

PUBLIC = ["93.184.216.34", "2606:4700::6810:84e5", "20.190.128.1", "::ffff:93.184.216.34"]
PRIVATE = [
    "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12:3456::1", "198.18.0.1", "::ffff:10.0.0.1",
    "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "240.0.0.1", "192.0.0.8", "2001:db8::1", "3fff::1", "4000::1", "1::1",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fec0::1", "fd00:ec2::254", "0.0.0.0", "0.1.2.3",
    "::", "224.0.0.1", "ff02::1", "255.255.255.255", "2002:7f00:1::", "2002:a00:1::1", "64:ff9b::a00:1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "2001::1", "::10.0.0.1", "::ffff:0:127.0.0.1", "168.63.129.16",
]  # fmt: skip
NO_ADDRESS = ["", "not an address", "127.1", "2130706433", "0x7f000001", "127.0.0.1:80", "[::1]", "1.2.3.4 ", "１２７.0.0.1"]
EVERYTHING = Egress(allow=networks(["0.0.0.0/0", "::/0"]))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert Egress().refusal(address) is None


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER, *NO_ADDRESS])
def test_all_others_may_not(address: str) -> None:
    assert Egress().refusal(address)


@pytest.mark.parametrize("address", [*PRIVATE, *PUBLIC])
def test_a_named_network_may_be_reached(address: str) -> None:
    assert EVERYTHING.refusal(address) is None


@pytest.mark.parametrize("address", [*NEVER, *NO_ADDRESS])
def test_a_wide_network_opens_no_metadata_link_local_or_wrapped_address(address: str) -> None:
    assert EVERYTHING.refusal(address)


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("169.254.10.0/24", "169.254.10.1"),
        ("fe80::/10", "fe80::1"),
        ("64:ff9b::/96", "64:ff9b::a00:1"),
        ("224.0.0.1/32", "224.0.0.1"),
    ],
)
def test_such_an_address_is_opened_only_by_a_network_that_lies_within_its_own(network: str, address: str) -> None:
    assert Egress(allow=networks([network])).refusal(address) is None


def test_one_network_opens_no_other() -> None:
    egress = Egress(allow=LOOPBACK)
    assert egress.refusal("127.0.0.1") is None
    assert egress.refusal("10.0.0.1")
    assert Egress(allow=networks(["10.1.0.0/16"])).refusal("10.2.0.1")


def test_what_a_named_network_holds_is_inner() -> None:
    egress = Egress(allow=networks(["10.1.0.0/16", "::1/128"]))
    assert [egress.inner(address) for address in ("10.1.2.3", "::1", "10.2.0.1", "93.184.216.34", "nowhere")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_what_is_no_network_is_refused_when_it_is_read() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        networks(["10.0.0.1/8"])
