"""What the doctor says about providers that are broken in one way each."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from tests.unit.adapters.oidc.site import Answer, Site, public_jwk

from mcp_gateway.access.configuration.providers import ENTRA_CLAIMS, ProviderConfig
from mcp_gateway.access.examination.registration import ProviderOffer, registration_steps
from mcp_gateway.access.examination.step import Step
from mcp_gateway.adapters.oidc.examine_gateway import examine_gateway
from mcp_gateway.adapters.oidc.examine_provider import examine_provider
from mcp_gateway.adapters.oidc.openid import OpenIdProvider
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
A = "aaaaaaaa-0000-4000-8000-000000000001"
METADATA = "/.well-known/openid-configuration"


def plain(issuer: str, **changed: Json) -> ProviderConfig:
    facts: dict[str, Json] = {"name": "corp", "kind": "oidc", "audience": ["gateway"], "tenant": "acme", "roles": {"a": "admin"}}
    return ProviderConfig(issuer=issuer, **{**facts, **changed})  # type: ignore[arg-type]  # a table of fields


async def examined(config: ProviderConfig) -> dict[str, Step]:
    provider = OpenIdProvider(config, FixedClock(NOON))
    steps = await examine_provider(provider, FixedClock(NOON))
    await provider.aclose()
    return {step.name: step for step in steps}


async def test_a_sound_provider_has_no_problem(site: Site, rsa_key: RSAPrivateKey) -> None:
    issuer = site.serve_provider(public_jwk(rsa_key, "k"), id_token_signing_alg_values_supported=["RS256"])
    site.answers[METADATA].headers["Date"] = format_datetime(NOON, usegmt=True)
    steps = await examined(plain(issuer))
    assert {name: step.verdict for name, step in steps.items() if step.verdict != "ok"} == {}


def broken_metadata(site: Site) -> None:
    site.answers[METADATA] = Answer(body=b"<html>Sign in to the hotel</html>")


def other_issuer(site: Site) -> None:
    site.answers[METADATA] = Answer(document={"issuer": "https://elsewhere.example.com", "jwks_uri": "https://x"})


def entra_of_many(site: Site) -> None:
    site.answers[METADATA] = Answer(
        document={"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0", "jwks_uri": "https://x"}
    )


def redirecting(site: Site) -> None:
    site.answers[METADATA] = Answer(status=301, headers={"location": "https://elsewhere.example.com"})


def without_metadata(site: Site) -> None:
    site.answers.clear()


def keys_inside(site: Site) -> None:
    site.serve_provider(jwks_uri="https://10.0.0.1/keys")


def no_keys(site: Site) -> None:
    site.answers["/jwks"] = Answer(document={"keys": [{"kty": "oct", "k": "AA"}]})


def keys_away(site: Site) -> None:
    site.answers["/jwks"] = Answer(status=503, document={})


def clock_apart(site: Site) -> None:
    site.answers[METADATA].headers["Date"] = "Sat, 21 Nov 2026 11:55:00 GMT"


@pytest.mark.parametrize(
    ("break_it", "step", "change"),
    [
        (broken_metadata, "metadata", "login page"),
        (other_issuer, "issuer", "exactly as the metadata"),
        (entra_of_many, "issuer", "kind: entra"),
        (redirecting, "metadata", "redirects to"),
        (without_metadata, "metadata", "path is complete"),
        (keys_inside, "keys", "allow_private"),
        (no_keys, "keys", "2048 bits"),
        (keys_away, "keys", "path is complete"),
        (clock_apart, "clock", "time server"),
    ],
)
async def test_each_fault_is_found_where_it_is_and_has_a_remedy(
    site: Site, rsa_key: RSAPrivateKey, break_it: Callable[[Site], None], step: str, change: str
) -> None:
    issuer = site.serve_provider(public_jwk(rsa_key, "k"))
    break_it(site)
    steps = await examined(plain(issuer))
    problems = [name for name, found in steps.items() if found.verdict == "problem"]
    assert problems == [step]
    assert change in steps[step].change
    assert steps[step].where


async def test_an_algorithm_nobody_allowed_is_said(site: Site, rsa_key: RSAPrivateKey) -> None:
    issuer = site.serve_provider(public_jwk(rsa_key, "k", alg="PS256"))
    steps = await examined(plain(issuer))
    assert (steps["algorithms"].verdict, "Add the algorithm" in steps["algorithms"].change) == ("problem", True)


async def test_wrong_credentials_for_groups_are_explained_by_their_number(site: Site, rsa_key: RSAPrivateKey) -> None:
    issuer = site.serve_provider(public_jwk(rsa_key, "k"), path=f"/{A}/v2.0")
    site.answers[f"/{A}/oauth2/v2.0/token"] = Answer(
        status=401, document={"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
    )
    config = ProviderConfig(
        name="entra",
        kind="entra",
        issuer=issuer,
        audience=("api://x",),
        client_id="x",
        client_secret="s3cret",
        claims=ENTRA_CLAIMS,
        tenant="acme",
        groups={"g": "analyst"},
        graph=site.url,
    )
    steps = await examined(config)
    assert "copied in place of its value" in steps["groups"].said
    assert not [step for step in steps.values() if "s3cret" in str(step.to_dict())]


async def test_without_roles_it_is_said_that_nobody_may_do_anything(site: Site, rsa_key: RSAPrivateKey) -> None:
    issuer = site.serve_provider(public_jwk(rsa_key, "k"))
    steps = await examined(plain(issuer, roles={}))
    assert (steps["roles"].verdict, steps["roles"].said) == ("unknown", "No role is given to anybody.")


# --- the gateway itself and what has to be registered -------------------------------------------------------------------


async def told(site: Site, document: Json) -> dict[str, Step]:
    site.answers["/.well-known/oauth-protected-resource/mcp"] = Answer(document=document)
    return {step.name: step for step in await examine_gateway(site.url, ["https://login.example.com"])}


async def test_a_gateway_that_tells_the_truth_is_well(site: Site) -> None:
    steps = await told(site, {"resource": f"{site.url}/mcp", "authorization_servers": ["https://login.example.com"]})
    assert [step.verdict for step in steps.values()] == ["ok", "ok"]


async def test_a_gateway_that_calls_itself_otherwise_is_told_to_set_its_address(site: Site) -> None:
    steps = await told(site, {"resource": "http://localhost:8000/mcp"})
    assert f"PUBLIC_URL to {site.url}" in steps["gateway"].change
    assert steps["gateway providers"].verdict == "problem"


async def test_a_gateway_that_does_not_run_is_said(site: Site) -> None:
    assert [step.verdict for step in await examine_gateway(site.url, [])] == ["problem"]


@pytest.mark.parametrize(
    ("offer", "verdict"),
    [
        (ProviderOffer(authorizes=True, challenges=True, registers_clients=True, accepts_client_documents=False), "ok"),
        (ProviderOffer(authorizes=True, challenges=True, registers_clients=False, accepts_client_documents=True), "ok"),
        (ProviderOffer(authorizes=True, challenges=True, registers_clients=False, accepts_client_documents=False), "unknown"),
        (None, "unknown"),
    ],
)
def test_whether_clients_can_register_is_said(offer: ProviderOffer | None, verdict: str) -> None:
    steps = {step.name: step for step in registration_steps(plain("https://login.example.com"), offer, "https://gw.example.com")}
    assert steps["clients"].verdict == verdict


@pytest.mark.parametrize(("audience", "verdict"), [("https://gw.example.com/mcp", "ok"), ("gateway", "unknown")])
def test_the_resource_mcp_clients_ask_for_should_be_an_audience(audience: str, verdict: str) -> None:
    config = plain("https://login.example.com", audience=[audience])
    steps = {step.name: step for step in registration_steps(config, None, "https://gw.example.com")}
    assert steps["resource"].verdict == verdict
