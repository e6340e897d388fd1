"""What becomes of one token: who issued it, whether it is believed, and which tenant and roles it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.examination.step import Step, ok, problem
from mcp_gateway.access.examination.token import ReadToken, judge_audience
from mcp_gateway.access.overage import ATTRIBUTE
from mcp_gateway.access.tokens.claims import ClaimMapping
from mcp_gateway.access.tokens.model import TrustedIssuer, VerifiedToken
from mcp_gateway.access.tokens.verify import TokenVerifier
from mcp_gateway.adapters.oidc.openid import OpenIdProvider
from mcp_gateway.core.clock import Clock

_SIGNATURE: Final = ("unknown_key", "signature", "issuer_unreachable", "algorithm", "header", "unsigned")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Match:
    provider: OpenIdProvider
    trusted: TrustedIssuer


async def examine_token(token: str, read: ReadToken, providers: Sequence[OpenIdProvider], clock: Clock) -> tuple[Step, ...]:
    """`read` is the same token taken apart. The token goes nowhere: only keys are asked for."""
    if read.envelope is None:
        return (read.step,)
    match = _match(read, providers)
    if match is None:
        return read.step, _foreign(read, providers)
    steps = [read.step, ok("token issuer", f"{match.trusted.issuer} is believed, as provider {match.trusted.name}.")]
    steps.append(judge_audience(read, match.trusted.audiences))
    try:
        verified = await TokenVerifier([match.trusted], clock).verify(token.strip())
    except TokenRefused as refusal:
        return (*steps, _refusal(refusal))
    steps.append(ok("token belief", "Signature, times and required claims hold."))
    return (*steps, *await _outcome(match, verified))


def _match(read: ReadToken, providers: Sequence[OpenIdProvider]) -> _Match | None:
    named = read.claim("iss")
    pairs = (_Match(provider=one, trusted=trusted) for one in providers for trusted in one.trusted_issuers())
    return next((pair for pair in pairs if pair.trusted.issuer == named), None)


def _foreign(read: ReadToken, providers: Sequence[OpenIdProvider]) -> Step:
    """Not one of the issuers believed; when it is nearly one, what keeps it from being one."""
    named = read.texts("iss")
    issuer = named[0][:200] if named else ""
    for provider in providers:
        configured = provider.config.issuer
        if issuer.rstrip("/") == configured.rstrip("/"):
            change = f"Write the issuer of {provider.config.name} as the token has it; the slash at the end counts."
            return problem("token issuer", f"The token has {issuer}, the file {configured}.", change, "access file")
        directory = read.claim("tid")
        if provider.authority is not None and isinstance(directory, str):
            change = f"If {directory[:40]} may come in, add it to `tenants` of {provider.config.name}, whose issuer must then be "
            change += "…/organizations/v2.0."
            return problem("token issuer", f"Directory {directory[:40]} is not let in.", change, "access file")
        if provider.authority is None and directory is not None and "microsoft" in configured:
            change = (
                f"Write kind: entra for {provider.config.name}: this token has Entra's other form (v1 and v2 differ in issuer)."
            )
            return problem("token issuer", f"The token has {issuer}, the file {configured}.", change, "access file")
    change = "Add a provider with this issuer, or get the token from one that is configured."
    return problem("token issuer", f"Nobody believes {issuer or 'a token without issuer'}.", change, "access file")


def _refusal(refusal: TokenRefused) -> Step:
    reason = str(refusal.data.get("reason"))
    name = "token signature" if reason in _SIGNATURE else "token belief"
    return problem(
        name, refusal.message, refusal.hint, "client" if reason in ("expired", "audience") else "provider", **refusal.data
    )


async def _outcome(match: _Match, verified: VerifiedToken) -> list[Step]:
    try:
        named = match.trusted.claims.read(verified.claims)
    except TokenRefused as refusal:
        return [problem("token claims", refusal.message, refusal.hint, "access file", **refusal.data)]
    steps = [ok("token claims", f"{match.trusted.name}:{named.subject} of tenant {named.tenant}.", subject=named.subject)]
    roles, found = named.roles, []
    if match.provider.group_roles is not None:
        try:
            further = await match.provider.group_roles.roles_of(verified.claims)
        except TokenRefused as refusal:
            return [*steps, problem("token groups", refusal.message, refusal.hint, "provider", **refusal.data)]
        roles |= further.roles
        found = [_groups(further.attributes.get(ATTRIBUTE, ""), further.roles)]
    return [*steps, _roles(roles, _unmapped(verified, match.trusted.claims)), *found, _scopes(named.scopes)]


def _groups(overage: str, roles: frozenset[str]) -> Step:
    given = ", ".join(sorted(roles)) or "no role"
    if overage == "unresolved":
        change = "Write graph: true with client_id and client_secret, or give app roles instead of groups."
        return problem(
            "token groups", "There are too many groups for the token, and nobody is asked for them.", change, "access file"
        )
    if overage == "unreachable":
        change = "Grant the application permissions GroupMember.Read.All and User.Read.All, with admin consent."
        return problem(
            "token groups", "There are too many groups for the token, and Graph does not say them.", change, "provider"
        )
    source = "Graph says the groups that did not fit" if overage == "resolved" else "The groups in the token"
    return ok("token groups", f"{source}: {given}.")


def _roles(roles: frozenset[str], unmapped: Sequence[str]) -> Step:
    if roles:
        return ok("token roles", f"It gives {', '.join(sorted(roles))}.", unmapped=[*unmapped])
    left = f" The token has {', '.join(unmapped)}, which the file gives no role." if unmapped else " The token has none."
    change = "Assign an app role to the person or program, and name its value under roles: of the provider."
    return problem("token roles", f"No role comes of it, so nearly everything is refused.{left}", change, "access file")


def _unmapped(verified: VerifiedToken, claims: ClaimMapping) -> list[str]:
    value = verified.claims.get(claims.roles)
    texts = value if isinstance(value, list) else [value]
    return [one[:100] for one in texts[:50] if isinstance(one, str) and one not in (claims.role_names or {})]


def _scopes(scopes: frozenset[str] | None) -> Step:
    narrowing = sorted(one for one in scopes or () if one.startswith("gateway."))
    if narrowing:
        return ok("token scopes", f"It is narrowed to {', '.join(narrowing)}.")
    return ok("token scopes", "No scope of it begins with gateway., so roles alone decide.")
