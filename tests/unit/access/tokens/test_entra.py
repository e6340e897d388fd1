"""What Entra's issuers, audiences and claims mean."""

import pytest

from mcp_gateway.access.tokens.entra import audiences_of, has_overage, is_app_only, read_authority, version_of
from mcp_gateway.core.errors import Json

A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
APP = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize("issuer", [f"https://login.microsoftonline.com/{A}/v2.0", f"https://sts.windows.net/{A}/"])
def test_a_directory_issues_under_two_names(issuer: str) -> None:
    authority = read_authority(issuer)
    assert authority
    assert (authority.shared, authority.metadata_issuer) == (False, issuer)
    assert authority.issuers_of(A) == (f"https://login.microsoftonline.com/{A}/v2.0", f"https://sts.windows.net/{A}/")
    assert authority.token_url(A) == f"https://login.microsoftonline.com/{A}/oauth2/v2.0/token"


@pytest.mark.parametrize("word", ["organizations", "common"])
def test_an_issuer_for_several_directories_has_a_placeholder_in_its_metadata(word: str) -> None:
    authority = read_authority(f"https://login.microsoftonline.com/{word}/v2.0")
    assert authority
    assert authority.shared
    assert authority.metadata_issuer == "https://login.microsoftonline.com/{tenantid}/v2.0"
    assert authority.issuers_of(B)[0] == f"https://login.microsoftonline.com/{B}/v2.0"


def test_national_clouds_keep_to_themselves() -> None:
    china = read_authority(f"https://login.partner.microsoftonline.cn/{A}/v2.0")
    assert china
    assert china.issuers_of(A)[1] == f"https://sts.chinacloudapi.cn/{A}/"


@pytest.mark.parametrize(
    "issuer",
    [
        f"https://login.microsoftonline.com/{A}/v2.0/", f"https://sts.windows.net/{A}", f"https://login.microsoftonline.com/{A}/v2.0?x",
        f"https://login.microsoftonline.com/{A.upper()}/v2.0", "https://login.microsoftonline.com/contoso.com/v2.0",
        "https://login.microsoftonline.com/consumers/v2.0", "https://sts.windows.net/organizations/", "https://login.microsoftonline.com",
        "https://login.microsoftonline.com/{tenantid}/v2.0", "",
    ],
)  # fmt: skip
def test_what_is_almost_an_issuer_is_none(issuer: str) -> None:
    assert read_authority(issuer) is None


@pytest.mark.parametrize("written", [(APP, ""), (f"api://{APP}", ""), ("", APP)])
def test_an_application_is_known_under_both_its_audiences(written: tuple[str, str]) -> None:
    audience, client_id = written
    assert audiences_of([audience] if audience else [], client_id) == {APP, f"api://{APP}"}


def test_an_audience_of_ones_own_is_taken_as_it_is() -> None:
    assert audiences_of(["https://gateway.example.com/mcp"], "") == {"https://gateway.example.com/mcp"}


@pytest.mark.parametrize(
    ("claims", "overage"),
    [
        ({"_claim_names": {"groups": "src1"}}, True),
        ({"hasgroups": True}, True),
        ({"hasgroups": "true"}, True),
        ({"groups": ["g"]}, False),
        ({"_claim_names": {"other": "src1"}}, False),
        ({"_claim_names": ["groups"]}, False),
        ({"hasgroups": "false"}, False),
        ({}, False),
    ],
)
def test_groups_that_did_not_fit_are_noticed(claims: dict[str, Json], overage: bool) -> None:  # noqa: FBT001  # a column
    assert has_overage(claims) is overage


def test_a_program_of_its_own_is_known() -> None:
    assert is_app_only({"idtyp": "app", "roles": ["r"]})
    assert is_app_only({"roles": ["r"]})
    assert not is_app_only({"scp": "access_as_user"})
    assert not is_app_only({"idtyp": "user"})


@pytest.mark.parametrize(("said", "version"), [("1.0", 1), ("2.0", 2), (2, None), (None, None)])
def test_the_form_of_a_token_is_what_it_says(said: Json, version: int | None) -> None:
    assert version_of({"ver": said}) == version
