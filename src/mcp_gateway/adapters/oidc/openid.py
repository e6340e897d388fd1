"""One configured provider as the gateway uses it: the issuers it makes believable, its metadata, keys, groups and health."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from mcp_gateway.access.configuration.providers import ProviderConfig
from mcp_gateway.access.tokens.claims import ClaimMapping
from mcp_gateway.access.tokens.entra import EntraAuthority, read_authority
from mcp_gateway.access.tokens.model import TrustedIssuer
from mcp_gateway.adapters.oidc.discovery import ProviderMetadata, discover
from mcp_gateway.adapters.oidc.egress import Egress
from mcp_gateway.adapters.oidc.graph import MAX_GROUPS_BYTES, GraphAccess, GroupLookup
from mcp_gateway.adapters.oidc.groups import GroupRoles
from mcp_gateway.adapters.oidc.http import Outbound, Resolve, system_resolve
from mcp_gateway.adapters.oidc.keys import ProviderKeys
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.ports import Finding

DIRECTORY: Final = "{directory}"


class OpenIdProvider:
    """Asks the provider for nothing until a token, a login or a health check needs it."""

    def __init__(self, config: ProviderConfig, clock: Clock, *, resolve: Resolve = system_resolve) -> None:
        self.config = config
        self.authority = read_authority(config.issuer) if config.kind == "entra" else None
        self.outbound = _outbound(config, config.issuer, resolve)
        self.keys = ProviderKeys(config.name, self.outbound, self._discover, clock, stale_seconds=config.stale_seconds)
        self.groups = _open_groups(config, self.authority, clock, self.outbound, resolve)
        self.group_roles = GroupRoles(config.name, config.claims.groups, config.groups, self.groups) if config.groups else None

    def trusted_issuers(self) -> tuple[TrustedIssuer, ...]:
        """One for each value of `iss` that is believed. For Entra: the two of each directory, bound to its `tid`."""
        if self.authority is None:
            return (self._trusted(self.config.issuer, self._claims(self.config.tenant, self.config.tenants), {}),)
        return tuple(
            self._trusted(issuer, self._claims(tenant, None), {"tid": directory})
            for directory, tenant in tenants_by_directory(self.config, self.authority).items()
            for issuer in self.authority.issuers_of(directory)
        )

    async def metadata(self) -> ProviderMetadata:
        """At most an hour old. Raises `ProviderUnusable`."""
        return await self.keys.metadata()

    async def aclose(self) -> None:
        """End the requests under way."""
        await self.keys.aclose()
        if self.groups is not None:
            await self.groups.aclose()

    async def _discover(self) -> ProviderMetadata:
        expected = "" if self.authority is None else self.authority.metadata_issuer
        return await discover(self.outbound, self.config.issuer, expected=expected)

    def _trusted(self, issuer: str, claims: ClaimMapping, required: Mapping[str, str]) -> TrustedIssuer:
        return TrustedIssuer(
            name=self.config.name,
            issuer=issuer,
            audiences=frozenset(self.config.audience),
            algorithms=frozenset(self.config.algorithms),
            keys=self.keys,
            claims=claims,
            required=required,
            max_lifetime_seconds=self.config.max_lifetime_seconds,
            further_roles=self.group_roles,
        )

    def _claims(self, tenant: str | None, tenants: Mapping[str, str] | None) -> ClaimMapping:
        paths = self.config.claims
        return ClaimMapping(
            subject=paths.subject,
            tenant=paths.tenant,
            fixed_tenant=tenant,
            tenant_names=tenants,
            roles=paths.roles,
            role_names=self.config.roles,
            scopes=paths.scopes,
            name=paths.name,
            attributes=paths.attributes,
        )


class ProviderProbe:
    """Whether the keys are held and the provider answers. The gateway is ready without it: other issuers' tokens still work."""

    needed = False

    def __init__(self, provider: OpenIdProvider) -> None:
        self.name = f"provider_{provider.config.name}"
        self._provider = provider

    async def check(self) -> Finding:
        await self._provider.keys.warm()
        keys = self._provider.keys.facts()
        facts: dict[str, Json] = {"issuer": self._provider.config.issuer, "keys": keys.keys, "key_requests": keys.requests}
        if keys.age is not None and keys.lifetime is not None:
            facts |= {"keys_age_seconds": round(keys.age), "keys_lifetime_seconds": round(keys.lifetime)}
        if keys.ignored:
            facts["keys_ignored"] = list(keys.ignored)
        if self._provider.group_roles is not None:
            facts["tokens_without_their_groups"] = self._provider.group_roles.unresolved
        if keys.fault:
            facts["error"] = keys.fault
        if keys.age is None:
            return Finding(healthy=False, status="unreachable", facts=facts)
        if keys.fault:
            return Finding(healthy=False, status="stale keys" if keys.stale else "away, keys still valid", facts=facts)
        return Finding(healthy=True, status="answering", facts=facts)


def tenants_by_directory(config: ProviderConfig, authority: EntraAuthority) -> Mapping[str, str]:
    """The gateway's tenant for each directory that is let in."""
    if config.tenants is not None:
        return config.tenants
    return {authority.directory: config.tenant} if config.tenant is not None and not authority.shared else {}


def _outbound(config: ProviderConfig, url: str, resolve: Resolve, *, max_bytes: int | None = None) -> Outbound:
    egress = Egress(home=urlsplit(url).hostname or "", allow_private=config.allow_private)
    bound = {} if max_bytes is None else {"max_bytes": max_bytes}
    return Outbound(egress, ca_file=config.ca_file, proxy=config.proxy, resolve=resolve, **bound)


def _open_groups(
    config: ProviderConfig, authority: EntraAuthority | None, clock: Clock, tokens: Outbound, resolve: Resolve
) -> GroupLookup | None:
    if authority is None or not config.graph:
        return None
    access = GraphAccess(
        url=config.graph,
        token_url=authority.token_url(DIRECTORY),
        client_id=config.client_id,
        client_secret=config.client_secret,
    )
    graph = _outbound(config, config.graph, resolve, max_bytes=MAX_GROUPS_BYTES)
    return GroupLookup(access, tokens, graph, clock)
