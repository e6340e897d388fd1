"""The `providers:` of the access file: what is read, and what is refused because it would let in too much."""

import pytest

from mcp_gateway.access.configuration.providers import GRAPH, ProviderConfig
from mcp_gateway.access.configuration.read_providers import read_providers
from mcp_gateway.core.configuration.nodes import Faults, compose
from mcp_gateway.core.configuration.section import Section

A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
APP = "11111111-2222-4333-8444-555555555555"

OIDC = "providers:\n  - {name: corp, issuer: https://login.example.com, audience: [gateway], tenant: acme%s}\n"
ENTRA = (
    "providers:\n  - {name: entra, kind: entra, issuer: https://login.microsoftonline.com/%s/v2.0, client_id: " + APP + "%s}\n"
)


def read(text: str, **environment: str) -> tuple[tuple[ProviderConfig, ...], list[str]]:
    faults = Faults("access.yaml", environment)
    node = compose(text, faults)
    assert node
    return read_providers(Section(node, "", faults)), [str(fault) for fault in faults.found]


def one(text: str, **environment: str) -> ProviderConfig:
    found, faults = read(text, **environment)
    assert faults == []
    return found[0]


def fault_of(text: str) -> str:
    found, faults = read(text)
    assert found == ()
    return " | ".join(faults)


def test_a_provider_needs_little() -> None:
    config = one(OIDC % "")
    assert (config.name, config.kind, config.issuer, config.tenant) == ("corp", "oidc", "https://login.example.com", "acme")
    assert (config.audience, config.claims.subject, config.claims.scopes, config.login) == (("gateway",), "sub", "scope", False)
    assert config.roles == {}


def test_entra_has_its_own_claims_and_both_audiences() -> None:
    config = one(ENTRA % (A, ", tenant: acme, roles: {Admin: admin}"))
    assert (config.claims.subject, config.claims.tenant, config.claims.scopes) == ("oid", "tid", "scp")
    assert config.audience == (APP, f"api://{APP}")
    assert (config.algorithms, config.roles, config.login) == (("RS256",), {"Admin": "admin"}, True)


def test_secrets_come_from_the_environment_and_are_not_shown() -> None:
    config = one(ENTRA % (A, ", tenant: acme, client_secret: '${SECRET}', graph: true"), SECRET="s3cret")
    assert (config.client_secret, config.graph) == ("s3cret", GRAPH)
    assert "s3cret" not in repr(config)


def test_several_directories_are_named_one_by_one() -> None:
    config = one(ENTRA % ("organizations", f", tenants: {{{A}: acme, {B}: globex}}"))
    assert config.tenants == {A: "acme", B: "globex"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRA % ("organizations", ", tenant: acme"), "would let everybody's in"),
        (ENTRA % ("organizations", ", tenants: {contoso.com: acme}"), "no directory id"),
        (ENTRA % (A, f", tenants: {{{B}: acme}}"), "does not speak for"),
        (ENTRA % ("contoso.com", ", tenant: acme"), "not an issuer of Entra"),
        (ENTRA % (A, ", tenant: acme, graph: true"), "cannot be used here"),
        (ENTRA % (A, ", tenant: acme, tenants: {}"), "one of the two"),
        (OIDC.replace(", tenant: acme", "") % "", "one of the two"),
        (OIDC.replace("tenant: acme", "tenants: {a: acme}") % "", "needs to know the claim"),
        (OIDC.replace("tenant: acme", "claims: {tenant: org}, tenants: {}") % "", "is empty"),
        (OIDC.replace(", audience: [gateway]", "") % "", "audience: is missing"),
        (OIDC.replace("https://login", "http://login") % "", "https://"),
        (OIDC.replace("https://login.example.com", "https://u:p@login.example.com") % "", "not an address"),
        (OIDC.replace("https://login.example.com", "'https://login.example.com/?a'") % "", "not an address"),
        (OIDC.replace("corp", "Corp Login") % "", "not a usable name"),
        (OIDC % ", algorithms: [HS256]", "never accepted"),
        (OIDC % ", algorithms: [none]", "never accepted"),
        (OIDC % ", login: true", "needs a client_id"),
        (OIDC % ", role: {a: b}", "Did you mean roles?"),
        (OIDC % ", claims: {sub: x}", "is not a known key"),
        (OIDC % ", client_secret: '${UNSET_SECRET}'", "not set"),
        (OIDC % ", roles: {a: }", "has no value"),
    ],
)
def test_what_would_let_in_too_much_or_cannot_work_is_refused(text: str, said: str) -> None:
    assert said in fault_of(text)


@pytest.mark.parametrize("host", ["localhost:9400", "127.0.0.1:9400"])
def test_a_provider_on_this_machine_may_go_without_https(host: str) -> None:
    assert one(OIDC.replace("https://login.example.com", f"http://{host}") % "").issuer == f"http://{host}"


def test_two_providers_have_different_names_and_issuers() -> None:
    _, faults = read(OIDC % "" + (OIDC % "").removeprefix("providers:\n"))
    assert [fault.split(": ")[1] for fault in faults] == ["providers[1].name", "providers[1].issuer"]


def test_no_providers_are_fine() -> None:
    assert read("rules: []") == ((), [])
