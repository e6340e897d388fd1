"""A login provider as the access file describes it. What it says of itself is found out later, by `adapters/oidc`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

ProviderKind: TypeAlias = Literal["oidc", "entra"]

NO_WORDS: Final[Mapping[str, str]] = MappingProxyType({})
DEFAULT_ALGORITHMS: Final = ("RS256", "ES256")
GRAPH: Final = "https://graph.microsoft.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimPaths:
    """Where in a token each fact stands; names joined by dots go into objects. `attributes`: a caller's attribute for a path."""

    subject: str = "sub"
    tenant: str | None = None
    roles: str = "roles"
    scopes: str = "scope"
    name: str = "name"
    groups: str = "groups"
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_WORDS)


# A person's `oid` is the same for every application of a directory, their `sub` is not.
ENTRA_CLAIMS: Final = ClaimPaths(subject="oid", tenant="tid", scopes="scp")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderConfig:
    """One entry of `providers:`; `name` goes before its subjects, `entra:3f0c…`.

    audience       whose tokens are accepted: one of these must be the token's `aud`
    tenant         the tenant of all its callers; or `tenants`, the gateway's tenant for each value of the tenant claim
    roles, groups  the gateway's role for each value of those claims; what is not named gives nothing
    graph          address of Microsoft Graph, asked for groups that did not fit into a token; "" asks nobody
    allow_private  the provider, and what its metadata names, may be at private addresses
    ca_file        further authorities for its certificates, PEM; `proxy` is an HTTP proxy to reach it by
    stale_seconds  how long its keys are used after their time while it is away
    login          whether the page offers a login at it, which needs `client_id`; `scopes` are what it asks for
    """

    name: str
    kind: ProviderKind
    issuer: str
    audience: tuple[str, ...]
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    claims: ClaimPaths = field(default_factory=ClaimPaths)
    tenant: str | None = None
    tenants: Mapping[str, str] | None = None
    roles: Mapping[str, str] = field(default_factory=lambda: NO_WORDS)
    groups: Mapping[str, str] = field(default_factory=lambda: NO_WORDS)
    graph: str = ""
    allow_private: bool = False
    ca_file: str = ""
    proxy: str = field(default="", repr=False)
    stale_seconds: float = 86_400.0
    max_lifetime_seconds: float = 86_400.0
    login: bool = False
    scopes: tuple[str, ...] = ("openid", "profile")
