"""The shortest way to a provider: three settings in place of a file."""

import pytest

from mcp_gateway.access.errors import PolicyInvalid
from mcp_gateway.settings import InvalidSettings, load_settings
from mcp_gateway.wiring.access_file import read_written_access

ISSUER = "https://login.example.com"


def test_one_provider_is_described_by_its_settings() -> None:
    settings = load_settings({"oidc_issuer": ISSUER, "oidc_audience": ("gateway",), "oidc_tenant": "acme"})
    [provider] = read_written_access(settings).configuration.providers
    assert (provider.name, provider.kind, provider.issuer) == ("oidc", "oidc", ISSUER)
    assert (provider.audience, provider.tenant, provider.roles["analyst"]) == (("gateway",), "acme", "analyst")


def test_entra_is_known_by_its_host() -> None:
    issuer = "https://login.microsoftonline.com/aaaaaaaa-0000-4000-8000-000000000001/v2.0"
    settings = load_settings({"oidc_issuer": issuer, "oidc_audience": ("api://gateway",), "oidc_tenant": "acme"})
    [provider] = read_written_access(settings).configuration.providers
    assert (provider.kind, provider.claims.subject) == ("entra", "oid")


@pytest.mark.parametrize("missing", ["oidc_audience", "oidc_tenant"])
def test_without_audience_or_tenant_nobody_is_let_in(missing: str) -> None:
    known = {"oidc_issuer": ISSUER, "oidc_audience": ("gateway",), "oidc_tenant": "acme"}
    settings = load_settings({name: value for name, value in known.items() if name != missing})
    with pytest.raises(PolicyInvalid):
        read_written_access(settings)


def test_the_settings_and_a_file_are_not_mixed(tmp_path: object) -> None:
    settings = load_settings({"oidc_issuer": ISSUER, "access_file": f"{tmp_path}/access.yaml"})
    with pytest.raises(InvalidSettings):
        read_written_access(settings)
