"""Trying a configured provider step by step, each on its own as far as that goes. Every wait is bounded by `http.py`."""

from collections.abc import Sequence
from typing import Final

from mcp_gateway.access.examination.entra_faults import known_fault
from mcp_gateway.access.examination.step import Place, Step, ok, problem, unknown
from mcp_gateway.adapters.oidc.discovery import ProviderMetadata
from mcp_gateway.adapters.oidc.errors import FaultKind, ProviderUnusable
from mcp_gateway.adapters.oidc.key_set import KeySet, read_key_set
from mcp_gateway.adapters.oidc.openid import OpenIdProvider, tenants_by_directory
from mcp_gateway.core.clock import Clock

MOST_SECONDS_APART: Final = 60.0
_MACHINE: Final[Place] = "this machine"
_FILE: Final[Place] = "access file"

_ADVICE: Final[dict[FaultKind, tuple[str, Place]]] = {
    "address": ("Correct the address; https is needed but on loopback.", _FILE),
    "name": ("Check the issuer's host name, and this machine's DNS; behind a proxy write proxy: in the provider's entry.", _FILE),
    "egress": ("If the provider really is inside your network, write allow_private: true in its entry.", _FILE),
    "connect": ("Check that this machine may reach it: firewall, port, or proxy: in the provider's entry.", _MACHINE),
    "tls": ("Name the authority that signed its certificate: ca_file: PATH in the provider's entry.", _FILE),
    "timeout": ("Check the network between; a firewall that drops silently looks like this.", _MACHINE),
    "status": ("Check that the issuer's path is complete; the metadata lies below it.", _FILE),
    "redirect": ("Write the address it redirects to as the issuer, if that is what its metadata calls itself.", _FILE),
    "too_large": ("This is not a provider's answer; check the issuer.", _FILE),
    "content": ("This is not a provider's answer; a login page of a network or proxy may stand in between.", _FILE),
    "metadata": ("Check the issuer, and that the provider publishes jwks_uri.", "provider"),
    "issuer": ("Write the issuer exactly as the metadata has it, with or without the slash at its end.", _FILE),
    "keys": ("Let the provider sign with an RSA key of 2048 bits or more, or with P-256.", "provider"),
    "grant": ("Check that the application may get a token for itself.", "provider"),
}


def fault_step(name: str, fault: ProviderUnusable) -> Step:
    """A fault with its remedy; Entra's own numbers are explained."""
    known = known_fault(str(fault.data.get("error_description", "")))
    if known is not None:
        return problem(name, f"AADSTS{known.number}: {known.meaning}", known.change, known.where)
    change, where = _ADVICE[fault.kind]
    return problem(name, fault.message, change, where, **fault.data)


async def examine_provider(provider: OpenIdProvider, clock: Clock) -> tuple[Step, ...]:
    """From the configuration to what a token will turn into. Asks the provider three or four times."""
    steps = [_configuration(provider), await _address(provider)]
    metadata, found = await _metadata(provider)
    steps += found
    keys, found = await _keys(provider, metadata)
    steps += found
    steps.append(_algorithms(provider, keys, metadata))
    steps.append(_clock(metadata, clock))
    steps += [_audience(provider), _tenants(provider), _roles(provider), *await _groups(provider)]
    return tuple(steps)


def _configuration(provider: OpenIdProvider) -> Step:
    config = provider.config
    said = f"{config.name}: {'Microsoft Entra ID' if config.kind == 'entra' else 'OpenID Connect'}, issuer {config.issuer}."
    believed = [trusted.issuer for trusted in provider.trusted_issuers()]
    return ok("configuration", said, issuers_believed=[*believed[:20]], issuers=len(believed))


async def _address(provider: OpenIdProvider) -> Step:
    if provider.config.proxy:
        return unknown("address", "A proxy resolves the name.")
    try:
        found = await provider.outbound.addresses(provider.config.issuer)
    except ProviderUnusable as fault:
        return fault_step("address", fault)
    return ok("address", f"It resolves to {', '.join(found[:4])}.", addresses=[*found[:20]])


async def _metadata(provider: OpenIdProvider) -> tuple[ProviderMetadata | None, list[Step]]:
    try:
        metadata = await provider.metadata()
    except ProviderUnusable as fault:
        if fault.kind == "issuer":
            return None, [ok("connection", "It answers."), ok("metadata", "There is metadata."), _wrong_issuer(provider, fault)]
        name = "metadata" if fault.kind in ("status", "content", "metadata", "too_large", "redirect") else "connection"
        return None, [fault_step(name, fault), unknown("issuer", "Not without metadata.")]
    secure = "by TLS" if metadata.document_url.startswith("https:") else "without TLS, on this machine"
    return metadata, [
        ok("connection", f"It answers {secure}."),
        ok("metadata", f"Found at {metadata.document_url}."),
        ok("issuer", f"It calls itself {metadata.issuer}, as configured."),
    ]


def _wrong_issuer(provider: OpenIdProvider, fault: ProviderUnusable) -> Step:
    named = str(fault.data.get("named", ""))
    change, where = _ADVICE["issuer"]
    if provider.authority is None and "{tenantid}" in named:
        change = "This is Entra for several directories: write kind: entra and tenants: {DIRECTORY-ID: NAME}."
    elif provider.authority is None and ("sts.windows.net" in named or "login.microsoftonline" in named):
        change = "This is Entra: write kind: entra, so that tokens of both forms, v1 and v2, are believed."
    return problem("issuer", fault.message, change, where, named=named)


async def _keys(provider: OpenIdProvider, metadata: ProviderMetadata | None) -> tuple[KeySet | None, list[Step]]:
    if metadata is None:
        return None, [unknown("keys", "Not without metadata.")]
    try:
        reply = await provider.outbound.get(metadata.jwks_uri)
        keys = read_key_set(reply.document)
    except ProviderUnusable as fault:
        return None, [fault_step("keys", fault)]
    count = len(keys.keys)
    lines = [f"{count} {'key' if count == 1 else 'keys'} can judge signatures."] + [
        f"Ignored: {one}." for one in keys.ignored[:5]
    ]
    return keys, [ok("keys", " ".join(lines), keys=count, ignored=[*keys.ignored])]


def _algorithms(provider: OpenIdProvider, keys: KeySet | None, metadata: ProviderMetadata | None) -> Step:
    allowed = set(provider.config.algorithms)
    if keys is None or metadata is None:
        return unknown("algorithms", "Not without keys.")
    usable = sorted(allowed & {algorithm for key in keys.keys for algorithm in key.algorithms})
    announced = ", ".join(metadata.algorithms[:20]) or "nothing"
    if not usable:
        return problem(
            "algorithms",
            f"No published key fits an allowed algorithm ({', '.join(sorted(allowed))}); the provider announces {announced}.",
            "Add the algorithm it signs with to `algorithms`.",
            _FILE,
        )
    return ok("algorithms", f"{', '.join(usable)} can be judged; the provider announces {announced} for its ID tokens.")


def _clock(metadata: ProviderMetadata | None, clock: Clock) -> Step:
    date = metadata.date if metadata is not None else None
    if date is None:
        return unknown("clock", "The provider does not say what time it has.")
    apart = (clock.now() - date).total_seconds()
    said = f"This machine is {abs(apart):.0f} s {'ahead of' if apart >= 0 else 'behind'} the provider."
    if abs(apart) > MOST_SECONDS_APART:
        return problem("clock", said, "Let this machine's clock be set by a time server.", _MACHINE, seconds=round(apart))
    return ok("clock", said, seconds=round(apart))


def _audience(provider: OpenIdProvider) -> Step:
    accepted = ", ".join(provider.config.audience)
    if provider.authority is None:
        return ok("audience", f"Tokens for {accepted} are accepted.")
    said = f"Tokens for {accepted} are accepted: v1 tokens carry the Application ID URI, v2 tokens the bare client id. Which of "
    said += (
        "the two forms arrives is api.requestedAccessTokenVersion in the registration's manifest (null is v1); both are believed."
    )
    return ok("audience", said)


def _tenants(provider: OpenIdProvider) -> Step:
    config = provider.config
    if provider.authority is not None:
        count = len(tenants_by_directory(config, provider.authority))
        kind = "several directories" if provider.authority.shared else "one directory"
        return ok("tenants", f"The issuer speaks for {kind}; {count} of them let in, others are refused.", directories=count)
    if config.tenant is not None:
        return ok("tenants", f"Every caller is of tenant {config.tenant}.")
    return ok("tenants", f"{len(config.tenants or {})} values of claim {config.claims.tenant} are let in; others are refused.")


def _roles(provider: OpenIdProvider) -> Step:
    config = provider.config
    if not config.roles and not config.groups:
        change = (
            "Write roles: {VALUE OF THE ROLE CLAIM: analyst}, or groups:. Without, only rules that name subjects allow anything."
        )
        return unknown("roles", "No role is given to anybody.", change, _FILE)
    given = sorted({*config.roles.values(), *config.groups.values()})
    said = f"{len(config.roles)} values of claim {config.claims.roles} and {len(config.groups)} groups give {', '.join(given)}."
    return ok("roles", said)


async def _groups(provider: OpenIdProvider) -> Sequence[Step]:
    if provider.authority is None or not provider.config.groups:
        return ()
    if provider.groups is None:
        change = "Write graph: true with client_id and client_secret, or use app roles instead of groups: they always fit."
        said = "Entra leaves groups out of a token when there are over 200; such callers come in without the roles of groups."
        return (unknown("groups", said, change, _FILE),)
    directory = next(iter(tenants_by_directory(provider.config, provider.authority)), provider.authority.directory)
    try:
        await provider.groups.check(directory)
    except ProviderUnusable as fault:
        return (fault_step("groups", fault),)
    return (
        ok("groups", "The gateway gets a token for Microsoft Graph. Whether it may read groups shows with the first overage."),
    )
