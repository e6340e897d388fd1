"""Issuing tokens, listing them and taking them back, for one tenant: the caller's.

Whether the caller may do this at all was decided before; here nobody hands out more than they have.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from mcp_gateway.access.errors import NotAllowed, TenantMismatch, TokenNotFound
from mcp_gateway.access.tokens.embedded import EmbeddedIssuer, TokenOrder
from mcp_gateway.access.tokens.ports import IssuedTokenStore
from mcp_gateway.access.tokens.records import IssuedToken, Revocation
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.access.tokens.verify import SKEW_SECONDS
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller

# Begins `issued_by` of what a program got by a person's consent.
PROGRAM: Final = "program:"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedToken:
    """A token that has not expired, and whether it still holds."""

    token: IssuedToken
    revoked: bool


class TokenDesk:
    """`longest_lifetime_seconds` is that of any trusted issuer's tokens: as long must a revocation be remembered."""

    def __init__(
        self,
        issuer: EmbeddedIssuer,
        issued: IssuedTokenStore,
        revocations: Revocations,
        clock: Clock,
        *,
        longest_lifetime_seconds: float,
    ) -> None:
        self._issuer = issuer
        self._issued = issued
        self._revocations = revocations
        self._clock = clock
        self._longest = longest_lifetime_seconds + SKEW_SECONDS

    async def issue(self, caller: Caller, order: TokenOrder) -> tuple[str, IssuedToken]:
        """The token, kept nowhere, and what was written down. Raises `TokenNotIssuable`, `TenantMismatch`, `NotAllowed`."""
        if order.tenant != caller.tenant:
            raise TenantMismatch("Tokens are issued for one's own tenant.", hint="Ask an administrator of that tenant.")
        if not _has_all_of(caller, order):
            raise NotAllowed("A token may hold no role or scope that the one who issues it has not.")
        text, record = self._issuer.issue(replace(order, issued_by=caller.subject))
        await self._issued.add(record)
        return text, record

    async def issue_to_program(
        self, caller: Caller, *, scopes: frozenset[str], lifetime_seconds: float, program: str
    ) -> tuple[str, IssuedToken]:
        """A token with which a program acts as the caller, who logged in and agreed: their roles, these scopes.

        Raises `TokenNotIssuable`, and `NotAllowed` for a scope the caller has not.
        """
        order = TokenOrder(
            tenant=caller.tenant,
            subject=caller.subject,
            roles=caller.roles,
            lifetime_seconds=lifetime_seconds,
            name=caller.name,
            scopes=scopes,
            issued_by=f"{PROGRAM}{program}",
            logged_in=True,
            attributes=caller.attributes,
        )
        if not scopes or not _has_all_of(caller, order):
            raise NotAllowed("A program gets no scope that the one it acts for has not.")
        text, record = self._issuer.issue(order)
        await self._issued.add(record)
        return text, record

    async def list(self, caller: Caller) -> Sequence[ListedToken]:
        """Newest first."""
        found = await self._issued.read_of(caller.tenant, self._now())
        return [ListedToken(token=token, revoked=self._is_revoked(token)) for token in found]

    async def roles_of(self, caller: Caller, subject: str) -> tuple[frozenset[str], int]:
        """All the roles of the good tokens issued to the subject, of the caller's tenant; and how many tokens these are."""
        good = [one.token for one in await self.list(caller) if one.token.subject == subject and not one.revoked]
        return frozenset(role for one in good for role in one.roles), len(good)

    async def revoke_token(self, caller: Caller, jti: str, *, foreign: bool = False) -> Revocation:
        """`foreign`: the id is of a provider's token, so nothing is known of it. Raises `TokenNotFound` for an own one."""
        known = await self._issued.find(caller.tenant, jti)
        if known is None and not (foreign and jti):
            raise TokenNotFound
        now = self._now()
        return await self._revoke(
            Revocation(
                tenant=caller.tenant,
                kind="token",
                value=jti,
                not_before=now,
                expires_at=now + self._longest if known is None else known.expires_at + SKEW_SECONDS,
                at=now,
                by=caller.subject,
            )
        )

    async def is_of_program(self, caller: Caller) -> bool:
        """Whether the caller is a program that acts for somebody by their consent."""
        known = await self._issued.find(caller.tenant, caller.credential)
        return known is not None and known.issued_by.startswith(PROGRAM)

    async def give_back(self, caller: Caller) -> Revocation:
        """Revoke the very token a program came with. Raises `TokenNotFound` for one that no program was given by consent."""
        if not await self.is_of_program(caller):
            raise TokenNotFound
        return await self.revoke_token(caller, caller.credential)

    async def revoke_subject(self, caller: Caller, subject: str) -> Revocation:
        """All tokens of the subject issued until now, by whatever issuer. Those issued later are good."""
        now = self._now()
        # A replica whose clock runs ahead may have issued one that looks later than now.
        issued = [token.issued_at for token in await self._issued.read_of(caller.tenant, now) if token.subject == subject]
        return await self._revoke(
            Revocation(
                tenant=caller.tenant,
                kind="subject",
                value=subject,
                not_before=max([now, *issued]),
                expires_at=now + self._longest,
                at=now,
                by=caller.subject,
            )
        )

    async def _revoke(self, revocation: Revocation) -> Revocation:
        await self._revocations.add(revocation)
        return revocation

    def _is_revoked(self, token: IssuedToken) -> bool:
        return self._revocations.revoked((token.tenant, token.jti), (token.tenant, token.subject), token.issued_at)

    def _now(self) -> float:
        return self._clock.timestamp()


def _has_all_of(caller: Caller, order: TokenOrder) -> bool:
    """An administrator gives any role; who is narrowed by scopes gives none of the others."""
    roles_fit = "admin" in caller.roles or order.roles <= caller.roles
    narrowing = {scope for scope in caller.scopes or () if scope.startswith("gateway.")}
    scopes_fit = not narrowing or (order.scopes is not None and bool(order.scopes) and order.scopes <= narrowing)
    return roles_fit and scopes_fit
