"""Whom a verified token names: subject, tenant, roles and scopes, read from the claims a configuration points to.

Nobody becomes more than the token says: a role claim is a list of texts or one text, which is one role; anything else refuses
the token instead of being read kindly. What is missing is nothing: no roles, and no narrowing by scopes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from mcp_gateway.access.audit.model import NOBODYS
from mcp_gateway.access.tokens.refusals import Reason, refused
from mcp_gateway.core.errors import Json

MAX_NAME_CHARS: Final = 200
MAX_ROLES: Final = 500
NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedByToken:
    """What the claims say, in the gateway's names. `scopes` None: nothing about scopes. `jti` "": the token has no id."""

    subject: str
    tenant: str
    roles: frozenset[str]
    scopes: frozenset[str] | None
    name: str
    jti: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimMapping:
    """Where in the claims each fact stands. A path is the claim's whole name, or names joined by dots to go into objects.

    tenant        path of the tenant; `tenant_names` says which values are served, as which tenants (None: all, as they are)
    fixed_tenant  the tenant of every token of this issuer, in place of a claim
    role_names    the gateway's role for each value of the role claim, others count for nothing (None: values are role names)
    attributes    further facts for row filters: the caller's attribute for a path; only texts and whole numbers are taken
    attribute_claim   a claim that is an object of such facts, each under the name of its attribute
    """

    subject: str = "sub"
    tenant: str | None = None
    fixed_tenant: str | None = None
    tenant_names: Mapping[str, str] | None = None
    roles: str = "roles"
    role_names: Mapping[str, str] | None = None
    scopes: str = "scope"
    name: str = "name"
    jti: str = "jti"
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_NAMES)
    attribute_claim: str = ""

    def read(self, claims: Mapping[str, Json]) -> NamedByToken:
        """Raises `TokenRefused` with reason claims or tenant."""
        tenant = self._tenant(claims)
        if tenant == NOBODYS:
            # The trail's name for strangers: whoever were of it could read of them, and be written down as little as they are.
            raise refused("tenant", claim=self.tenant or "tenant")
        return NamedByToken(
            subject=_identifier(find_claim(claims, self.subject), self.subject, "claims"),
            tenant=tenant,
            roles=self._roles(claims),
            scopes=_scopes(find_claim(claims, self.scopes), self.scopes),
            name=_shown(find_claim(claims, self.name)),
            jti=_token_id(find_claim(claims, self.jti), self.jti),
            attributes=self._attributes(claims),
        )

    def _tenant(self, claims: Mapping[str, Json]) -> str:
        if self.fixed_tenant is not None:
            return self.fixed_tenant
        path = self.tenant or "tenant"
        value = _identifier(find_claim(claims, path), path, "tenant")
        if self.tenant_names is None:
            return value
        if value not in self.tenant_names:
            raise refused("tenant", claim=path)
        return self.tenant_names[value]

    def _roles(self, claims: Mapping[str, Json]) -> frozenset[str]:
        found = read_words(find_claim(claims, self.roles), self.roles)
        if self.role_names is None:
            return found
        return frozenset(self.role_names[value] for value in found if value in self.role_names)

    def _attributes(self, claims: Mapping[str, Json]) -> Mapping[str, str]:
        whole = claims.get(self.attribute_claim) if self.attribute_claim else None
        found = dict(whole) if isinstance(whole, dict) else {}
        found |= {attribute: find_claim(claims, path) for attribute, path in self.attributes.items()}
        return MappingProxyType(
            {
                attribute: str(value)
                for attribute, value in found.items()
                if isinstance(value, str | int) and not isinstance(value, bool)
            }
        )


def find_claim(claims: Mapping[str, Json], path: str) -> Json:
    """The value at a path, None when there is none. A claim whose whole name is the path comes first, as names may hold dots."""
    if path in claims:
        return claims[path]
    found: Json = dict(claims)
    for part in path.split("."):
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return found


def read_words(value: Json, claim: str) -> frozenset[str]:
    """The texts of a claim that is a list of texts, or one text; empty when it is missing. Raises `TokenRefused`."""
    if value is None:
        return frozenset()
    words = value if isinstance(value, list) else [value]
    if len(words) > MAX_ROLES:
        raise refused("claims", claim=claim)
    return frozenset(_identifier(word, claim, "claims") for word in words)


def _scopes(value: Json, claim: str) -> frozenset[str] | None:
    """Scopes are texts joined by spaces (RFC 8693), or a list."""
    if isinstance(value, str):
        return frozenset(value.split())
    return None if value is None else read_words(value, claim)


def _identifier(value: Json, claim: str, reason: Reason) -> str:
    """A text that names something: not empty, of bounded length, printable, and not padded."""
    if isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARS and value.isprintable() and value == value.strip():
        return value
    raise refused(reason, claim=claim)


def _token_id(value: Json, claim: str) -> str:
    return "" if value is None else _identifier(value, claim, "claims")


def _shown(value: Json) -> str:
    """A name is only ever shown, so it is cleaned instead of refused."""
    return "".join(sign for sign in value[:MAX_NAME_CHARS] if sign.isprintable()) if isinstance(value, str) else ""
