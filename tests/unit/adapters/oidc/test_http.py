"""One request to a provider, with everything that may come back."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from tests.unit.adapters.oidc.site import HOST, Answer, Site

from mcp_gateway.adapters.oidc.egress import Egress
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import MAX_BODY_BYTES, Outbound

pytestmark = pytest.mark.anyio


def outbound(seconds: float = 3.0) -> Outbound:
    return Outbound(Egress(home=HOST), seconds=seconds)


async def kind_of(site: Site, answer: Answer, *, seconds: float = 3.0) -> str:
    site.answers["/it"] = answer
    with pytest.raises(ProviderUnusable) as fault:
        await outbound(seconds).get(f"{site.url}/it")
    return fault.value.kind


async def test_a_json_object_is_read(site: Site) -> None:
    site.answers["/it"] = Answer(document={"a": [1]}, headers={"Cache-Control": "max-age=60"})
    reply = await outbound().get(f"{site.url}/it", bearer="secret")
    assert (reply.document, reply.headers["cache-control"]) == ({"a": [1]}, "max-age=60")
    assert site.requests[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=302, headers={"Location": "http://169.254.169.254/"}), "redirect"),
        (Answer(status=500, document={}), "status"),
        (Answer(document=[1]), "content"),
        (Answer(body=b"<html>"), "content"),
        (Answer(body=b'{"a": 1, "a": 2}'), "content"),
        (Answer(body=b"[" * 100_000), "content"),
        (Answer(body=b"\xff\xfe"), "content"),
        (Answer(body=b" " * (MAX_BODY_BYTES + 1)), "too_large"),
        (Answer(raw=b"SSH-2.0-OpenSSH\r\n"), "connect"),
        (Answer(raw=b""), "connect"),
        (Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"), "connect"),
    ],
)
async def test_anything_else_is_a_fault_of_a_known_kind(site: Site, answer: Answer, kind: str) -> None:
    assert await kind_of(site, answer) == kind


async def test_a_redirect_is_not_followed(site: Site) -> None:
    await kind_of(site, Answer(status=307, headers={"Location": f"{site.url}/other"}))
    assert site.paths() == ["/it"]


async def test_a_silent_provider_is_given_up(site: Site) -> None:
    assert await kind_of(site, Answer(document={}, hold=30), seconds=0.05) == "timeout"


async def test_a_provider_that_is_not_there_is_a_connect_fault(site: Site) -> None:
    await site.stop()
    with pytest.raises(ProviderUnusable) as fault:
        await outbound().get(f"{site.url}/it")
    assert fault.value.kind == "connect"


async def test_the_words_of_an_oauth_fault_are_kept(site: Site) -> None:
    site.answers["/token"] = Answer(status=400, document={"error": "invalid_target", "error_description": "AADSTS9010010: no"})
    with pytest.raises(ProviderUnusable) as fault:
        await outbound().post_form(f"{site.url}/token", {"grant_type": "client_credentials"}, basic=("id", "s"))
    assert fault.value.data["error"] == "invalid_target"
    assert site.requests[0].body == "grant_type=client_credentials"
    assert site.requests[0].headers["authorization"].startswith("Basic ")


async def test_the_address_that_was_checked_is_the_one_connected_to(site: Site) -> None:
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    site.answers["/it"] = Answer(document={})
    local = Outbound(Egress(home="localhost"), resolve=rebinding)
    await local.get(f"http://localhost:{site.port}/it")
    assert (asked, site.requests[0].headers["host"]) == (["localhost"], f"localhost:{site.port}")


async def test_the_next_address_is_tried_when_the_first_does_not_answer(site: Site) -> None:
    async def two(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    site.answers["/it"] = Answer(document={"here": True})
    reply = await Outbound(Egress(home="localhost"), resolve=two).get(f"http://localhost:{site.port}/it")
    assert reply.document == {"here": True}


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1"], ["169.254.169.254", "::1"], []])
async def test_a_name_that_leads_inside_is_not_connected_to(addresses: list[str]) -> None:
    async def inside(_host: str, _port: int) -> Sequence[str]:
        return addresses

    with pytest.raises(ProviderUnusable) as fault:
        await Outbound(Egress(home="login.example.com"), resolve=inside).get("https://login.example.com/x")
    assert fault.value.kind == "egress"


async def test_a_name_nobody_knows_is_a_fault_of_its_own() -> None:
    async def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(ProviderUnusable) as fault:
        await Outbound(Egress(home="login.example.com"), resolve=unknown).get("https://login.example.com/x")
    assert fault.value.kind == "name"


async def test_a_resolver_that_hangs_is_given_up() -> None:
    async def hangs(_host: str, _port: int) -> Sequence[str]:
        await anyio.sleep_forever()
        return []

    with pytest.raises(ProviderUnusable) as fault:
        await Outbound(Egress(home="login.example.com"), resolve=hangs, seconds=0.05).get("https://login.example.com/x")
    assert fault.value.kind == "timeout"


async def test_a_proxy_is_not_used_to_reach_inner_addresses() -> None:
    behind = Outbound(Egress(home="login.example.com"), proxy="http://127.0.0.1:9")
    with pytest.raises(ProviderUnusable) as fault:
        await behind.get("https://169.254.169.254/latest")
    assert fault.value.kind == "egress"


@pytest.mark.parametrize("url", ["https://a..b/", "https://" + "a" * 70 + ".example/", "https://xn--/", "https://[::1%25eth0]/x"])
async def test_an_odd_host_is_a_fault_and_no_crash(url: str) -> None:
    with pytest.raises(ProviderUnusable):
        await Outbound(Egress(home="login.example.com"), seconds=0.5).get(url)


@pytest.mark.parametrize("content", [None, "not PEM"])
async def test_certificates_that_cannot_be_read_are_said(site: Site, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ProviderUnusable) as fault:
        await Outbound(Egress(home=HOST), ca_file=str(file)).get(f"{site.url}/it")
    assert fault.value.kind == "tls"


async def test_a_proxy_that_is_none_is_said() -> None:
    with pytest.raises(ProviderUnusable) as fault:
        await Outbound(Egress(home=HOST), proxy="gopher://x").get("https://login.example.com/")
    assert fault.value.kind == "address"
