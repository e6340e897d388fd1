"""Whom the claims of a verified token name, and what is refused instead of being read kindly."""

import pytest
from tests.minting import claims_of

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.tokens.claims import MAX_NAME_CHARS, MAX_ROLES, ClaimMapping, NamedByToken
from mcp_gateway.core.errors import Json

BY_TID = ClaimMapping(tenant="tid")


def read(mapping: ClaimMapping = BY_TID, **changed: object) -> NamedByToken:
    claims: dict[str, Json] = claims_of(**changed)  # type: ignore[assignment]  # tests put anything into claims
    return mapping.read(claims)


def refusal(mapping: ClaimMapping = BY_TID, **changed: object) -> tuple[object, object]:
    """Reason and claim."""
    with pytest.raises(TokenRefused) as caught:
        read(mapping, **changed)
    return caught.value.data["reason"], caught.value.data["claim"]


def test_a_plain_token_names_subject_tenant_and_roles() -> None:
    named = read(name="Alice A.", scope="gateway.read openid")
    assert (named.subject, named.tenant, named.roles, named.name, named.jti) == (
        "alice",
        "acme",
        frozenset({"analyst"}),
        "Alice A.",
        "token-1",
    )
    assert named.scopes == frozenset({"gateway.read", "openid"})


def test_what_is_missing_is_nothing() -> None:
    named = read(roles=..., jti=...)
    assert (named.roles, named.scopes, named.name, named.jti, dict(named.attributes)) == (frozenset(), None, "", "", {})


@pytest.mark.parametrize("value", ["analyst", ["analyst"], ["analyst", "analyst"]])
def test_a_role_claim_is_a_list_or_one_text(value: object) -> None:
    assert read(roles=value).roles == {"analyst"}


def test_a_text_with_blanks_is_one_role_and_not_several() -> None:
    assert read(roles="viewer admin").roles == {"viewer admin"}
    assert read(roles="viewer,admin").roles == {"viewer,admin"}


@pytest.mark.parametrize(
    "garbage",
    [
        1,
        0,
        True,
        False,
        1.5,
        {},
        {"admin": True},
        {"role": "admin"},
        ["admin", 1],
        [["admin"]],
        [{"name": "admin"}],
        [None],
        "",
        [""],
        " admin",
        "admin\n",
        "admin\x00",
        "adm\u200bin",
        "admin\u202e",
        "x" * (MAX_NAME_CHARS + 1),
        [f"role-{number}" for number in range(MAX_ROLES + 1)],
    ],
)
def test_a_role_claim_of_another_shape_refuses_the_token(garbage: object) -> None:
    assert refusal(roles=garbage) == ("claims", "roles")
    assert refusal(ClaimMapping(tenant="tid", role_names={"admin": "admin"}), roles=garbage) == ("claims", "roles")


def test_roles_are_named_by_the_configuration_when_it_names_any() -> None:
    mapping = ClaimMapping(tenant="tid", role_names={"Data.Read": "analyst"})
    assert read(mapping, roles=["Data.Read", "admin", "data.read"]).roles == {"analyst"}
    assert read(ClaimMapping(tenant="tid", role_names={}), roles=["admin"]).roles == frozenset()


def test_paths_go_into_objects() -> None:
    mapping = ClaimMapping(tenant="org.tenant.id", roles="resource_access.gateway.roles")
    named = read(mapping, org={"tenant": {"id": "acme"}}, resource_access={"gateway": {"roles": ["viewer"]}})
    assert (named.tenant, named.roles) == ("acme", frozenset({"viewer"}))


def test_a_claim_whose_whole_name_is_the_path_comes_first() -> None:
    mapping = ClaimMapping(tenant="tid", roles="https://acme.example/roles")
    assert read(mapping, **{"https://acme.example/roles": ["viewer"]}).roles == {"viewer"}
    assert read(ClaimMapping(tenant="tid", roles="a.b"), **{"a.b": "viewer", "a": {"b": "admin"}}).roles == {"viewer"}


@pytest.mark.parametrize("between", ["text", ["roles"], 1, None, True])
def test_a_path_through_what_is_no_object_finds_nothing(between: object) -> None:
    assert read(ClaimMapping(tenant="tid", roles="realm_access.roles"), realm_access=between).roles == frozenset()


@pytest.mark.parametrize("subject", [..., "", None, 1, ["alice"], {"sub": "alice"}, " alice", "al\nice", "al\x00ice", "a" * 201])
def test_a_token_without_a_usable_subject_is_refused(subject: object) -> None:
    assert refusal(sub=subject) == ("claims", "sub")


@pytest.mark.parametrize("tenant", [..., "", None, 1, ["acme"], "acme\n", "\u202eacme", "t" * 201])
def test_a_token_without_a_usable_tenant_is_refused(tenant: object) -> None:
    assert refusal(tid=tenant) == ("tenant", "tid")


def test_only_the_tenants_of_the_configuration_are_served() -> None:
    mapping = ClaimMapping(tenant="tid", tenant_names={"acme": "the-acme"})
    assert read(mapping).tenant == "the-acme"
    for other in ("the-acme", "ACME", "acme ", "globex"):
        assert refusal(mapping, tid=other) == ("tenant", "tid")


def test_a_fixed_tenant_is_the_tenant_whatever_the_token_says() -> None:
    assert read(ClaimMapping(fixed_tenant="acme"), tid="globex", tenant="globex").tenant == "acme"


@pytest.mark.parametrize(("value", "scopes"), [("", set()), ("a  b", {"a", "b"}), (["a", "b"], {"a", "b"}), ([], set())])
def test_scopes_are_words_or_a_list(value: object, scopes: set[str]) -> None:
    assert read(scope=value).scopes == frozenset(scopes)


@pytest.mark.parametrize("value", [1, True, {"a": 1}, ["a", 1], [["a"]]])
def test_scopes_of_another_shape_refuse_the_token(value: object) -> None:
    assert refusal(scope=value) == ("claims", "scope")


@pytest.mark.parametrize(("value", "shown"), [("A\x1b[31mlice\n", "A[31mlice"), ("x" * 300, "x" * 200), (1, ""), (["Alice"], "")])
def test_a_name_is_cleaned_as_it_is_only_shown(value: object, shown: str) -> None:
    assert read(name=value).name == shown


def test_a_token_id_of_another_shape_refuses_the_token() -> None:
    assert refusal(jti=["token-1"]) == ("claims", "jti")


def test_attributes_are_texts_and_whole_numbers() -> None:
    mapping = ClaimMapping(tenant="tid", attributes={"region": "org.region", "desk": "desk", "x": "x", "y": "y", "z": "z"})
    named = read(mapping, org={"region": "EU"}, desk=7, x=True, y=["EU", "US"], z=1.5)
    assert dict(named.attributes) == {"region": "EU", "desk": "7"}


def test_no_token_is_of_the_tenant_that_the_trail_keeps_strangers_under() -> None:
    assert refusal(tid="-") == ("tenant", "tid")
    assert refusal(ClaimMapping(tenant="tid", tenant_names={"t1": "-"}), tid="t1") == ("tenant", "tid")
    assert refusal(ClaimMapping(fixed_tenant="-"))[0] == "tenant"
