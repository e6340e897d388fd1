"""From the name of an upstream to the address that is connected to."""

import contextlib
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.adapters.oidc.test_tls import NAME, self_signed
from tests.upstreams.reaching import addresses, http_client, until
from tests.upstreams.scripted_http import Asked, Wire, repeating, scripted

from mcp_gateway.adapters.egress import LOOPBACK, Egress, networks
from mcp_gateway.adapters.links.addresses import KEPT_SECONDS, MAX_KEPT, Addresses, place_of
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.core.clock import FixedClock, SystemClock
from mcp_gateway.federation.errors import AddressRefused, UpstreamUnreachable

pytestmark = pytest.mark.anyio

FAULTS = Faults("up")
CALL = Outgoing(head=b"", body=b"{}")


class Names:
    """A resolver that answers each time what the next entry says; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@repeating
async def fine(wire: Wire, asked: Asked) -> None:
    wire.answer(asked.headers["host"].encode())


def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.test/", "file:///etc/passwd", "a.test/mcp", "//a.test/mcp", "http://", "http:///mcp", "https://u:p@a.test/",
        "https://a.test/#x", "https://a.test/a b", "https://a.test/\r\nx: y", "https://a.test:99999/", "https://[::1", "",
        "https://a.test/" + "a" * 3_000, "https://ä.test/", "gopher://a.test", "http://a.test\x00", "https://@a.test/",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        place_of(url, FAULTS)


@pytest.mark.parametrize(
    ("url", "authority", "port", "target"),
    [
        ("http://a.test", "a.test", 80, "/"),
        ("https://A.test/mcp?x=1", "a.test", 443, "/mcp?x=1"),
        ("https://a.test:8443/", "a.test:8443", 8443, "/"),
        ("http://[::1]:80/mcp", "[::1]:80", 80, "/mcp"),
    ],
)
def test_a_plain_address_is_taken_apart(url: str, authority: str, port: int, target: str) -> None:
    place = place_of(url, FAULTS)
    assert (place.authority, place.port, place.target, place.secure) == (authority, port, target, url.startswith("https"))


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "127.0.0.1", "::1", "2002:7f00:1::", "64:ff9b::7f00:1"])
@pytest.mark.parametrize("named", [False, True], ids=["the address itself", "a name that leads there"])
async def test_an_inner_address_is_not_connected_to(address: str, *, named: bool) -> None:
    shown = "inner.test" if named else f"[{address}]" if ":" in address else address
    http = http_client(f"http://{shown}/mcp", reached=addresses(allow=(), resolve=Names([address])))
    with pytest.raises(AddressRefused) as refused:
        await http.send(CALL)
    assert refused.value.data["server"] == "up"
    await http.close()


@pytest.mark.parametrize("url", ["http://2130706433/", "http://0x7f000001/", "http://127.1/", "http://0177.0.0.1/"])
async def test_other_spellings_of_an_inner_address_lead_nowhere(url: str) -> None:
    http = http_client(url, reached=addresses(allow=()))
    with pytest.raises((AddressRefused, UpstreamUnreachable)):
        await http.send(CALL)
    await http.close()


async def test_of_a_mixed_answer_only_what_is_allowed_is_used() -> None:
    reached = addresses(resolve=Names(["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1"]))
    assert await reached.of(place_of("http://a.test/", FAULTS), FAULTS, secret=False) == ("127.0.0.1", "::1")


async def test_the_connection_goes_to_the_address_that_was_checked_without_asking_again() -> None:
    async with scripted(fine) as upstream:
        names = Names(["127.0.0.1"], ["10.0.0.1"])
        http = http_client(f"http://rebinding.test:{upstream.port}/", reached=addresses(resolve=names))
        assert (await http.send(CALL)).body == f"rebinding.test:{upstream.port}".encode()
        assert names.asked == 1
        await http.close()


async def test_a_name_that_leads_elsewhere_later_is_judged_anew() -> None:
    names, time = Names(["127.0.0.1"], ["10.0.0.1"]), clock()
    reached = addresses(resolve=names, clock=time)
    place = place_of("http://rebinding.test/", FAULTS)
    for passed in (0.0, KEPT_SECONDS - 1):
        time.advance(passed)
        assert await reached.of(place, FAULTS, secret=False) == ("127.0.0.1",)
    time.advance(2)
    with pytest.raises(AddressRefused):
        await reached.of(place, FAULTS, secret=False)
    assert names.asked == 2


async def test_what_is_kept_of_the_resolver_is_judged_by_the_rules_of_the_moment() -> None:
    rules = Egress(allow=LOOPBACK)
    reached = Addresses(lambda: rules, clock=clock(), resolve=Names(["127.0.0.1"]))
    place = place_of("http://a.test/", FAULTS)
    assert await reached.of(place, FAULTS, secret=False)
    rules = Egress()
    with pytest.raises(AddressRefused):
        await reached.of(place, FAULTS, secret=False)


async def test_no_more_names_are_kept_than_fit() -> None:
    names = Names(["127.0.0.1"])
    reached = addresses(resolve=names, clock=clock())
    for at in range(MAX_KEPT + 1):
        await reached.of(place_of(f"http://a{at}.test/", FAULTS), FAULTS, secret=False)
    await reached.of(place_of(f"http://a{MAX_KEPT}.test/", FAULTS), FAULTS, secret=False)
    assert names.asked == MAX_KEPT + 1
    await reached.of(place_of("http://a0.test/", FAULTS), FAULTS, secret=False)
    assert names.asked == MAX_KEPT + 2


async def test_a_name_nobody_knows_is_told_as_unreachable() -> None:
    async def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    http = http_client("http://nowhere.test/", reached=addresses(resolve=unknown))
    with pytest.raises(UpstreamUnreachable, match=r"nowhere\.test"):
        await http.send(CALL)
    await http.close()


async def test_kept_connections_are_given_up_when_the_rules_change() -> None:
    rules = Egress(allow=LOOPBACK)
    async with scripted(fine) as upstream:
        http = http_client(upstream.url, reached=Addresses(lambda: rules, clock=SystemClock()))
        await http.send(CALL)
        rules = Egress()
        with pytest.raises(AddressRefused):
            await http.send(CALL)
        assert len(upstream.asked) == 1
        await http.close()


@pytest.mark.parametrize(("allow", "refused"), [(["127.0.0.0/8"], False), ([], True)], ids=["an own network", "a foreign one"])
async def test_a_credential_crosses_no_foreign_network_in_the_clear(allow: list[str], *, refused: bool) -> None:
    reached = addresses(allow=networks(allow), resolve=Names(["127.0.0.1"] if allow else ["93.184.216.34"]))
    place = place_of("http://a.test/", FAULTS)
    if refused:
        assert await reached.of(place, FAULTS, secret=False)
        assert await reached.of(place_of("https://a.test/", FAULTS), FAULTS, secret=True)
        with pytest.raises(AddressRefused, match="https"):
            await reached.of(place, FAULTS, secret=True)
    else:
        assert await reached.of(place, FAULTS, secret=True)


async def test_an_address_that_is_down_costs_only_a_head_start() -> None:
    async with scripted(fine) as upstream:
        names = Names(["127.0.0.2", "127.0.0.3", "127.0.0.1"])
        http = http_client(f"http://a.test:{upstream.port}/", reached=addresses(resolve=names))
        assert (await http.send(CALL)).status == 200
        await http.close()


async def test_an_address_that_never_answers_does_not_keep_the_next_one_waiting() -> None:
    async with scripted(fine) as upstream:
        with contextlib.ExitStack() as stack:
            full = stack.enter_context(socket.create_server(("127.0.0.2", upstream.port), backlog=0))
            for _ in range(3):
                # More than wait in its queue: from now on it answers nobody.
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            names = Names(["127.0.0.2", "127.0.0.1"])
            http = http_client(f"http://a.test:{upstream.port}/", reached=addresses(resolve=names))
            assert (await http.send(CALL)).status == 200
            await http.close()


async def test_when_no_address_answers_it_is_told_why() -> None:
    async with scripted(fine) as upstream:
        port = upstream.port
    http = http_client(f"http://a.test:{port}/", reached=addresses(resolve=Names(["127.0.0.1", "127.0.0.2"])))
    with pytest.raises(UpstreamUnreachable, match=r"a\.test"):
        await http.send(CALL)
    await http.close()


# -- TLS ---------------------------------------------------------------------------------------------------------------------


def serving(folder: Path, named: list[str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(folder))
    context.sni_callback = lambda _object, name, _context: named.append(name or "")
    return context


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=(folder / "both.pem").read_text().split("-----BEGIN EC")[0])


async def test_the_name_goes_into_sni_and_must_be_proven_though_the_address_is_connected_to(tmp_path: Path) -> None:
    named = list[str]()
    async with scripted(fine, context=serving(tmp_path, named)) as upstream:
        http = http_client(
            f"https://{NAME}:{upstream.port}/", reached=addresses(resolve=Names(["127.0.0.1"])), trust=lambda: trusting(tmp_path)
        )
        assert (await http.send(CALL)).body == f"{NAME}:{upstream.port}".encode()
        assert (await http.send(CALL)).status == 200
        assert (named, upstream.connections) == ([NAME], 1)
        await http.close()


@pytest.mark.parametrize("host", ["other.corp.test", "127.0.0.1"])
async def test_a_certificate_for_another_name_is_not_accepted(tmp_path: Path, host: str) -> None:
    async with scripted(fine, context=serving(tmp_path, [])) as upstream:
        http = http_client(
            f"https://{host}:{upstream.port}/", reached=addresses(resolve=Names(["127.0.0.1"])), trust=lambda: trusting(tmp_path)
        )
        with pytest.raises(UpstreamUnreachable, match="certificate"):
            await http.send(CALL)
        assert not upstream.asked
        await http.close()


async def test_a_certificate_nobody_here_trusts_is_not_accepted(tmp_path: Path) -> None:
    async with scripted(fine, context=serving(tmp_path, [])) as upstream:
        http = http_client(f"https://{NAME}:{upstream.port}/", reached=addresses(resolve=Names(["127.0.0.1"])))
        with pytest.raises(UpstreamUnreachable, match="certificate"):
            await http.send(CALL)
        await until(lambda: http.active == 0)
        await http.close()
