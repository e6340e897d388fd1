"""What is kept about tokens, for as long as the process lives. One replica; expired entries go when others come."""

from mcp_gateway.access.tokens.records import IssuedToken, Revocation


class MemoryRevocations:
    """Implements `access.tokens.ports.RevocationStore`."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], Revocation] = {}

    async def add(self, revocation: Revocation) -> None:
        self._kept = {key: kept for key, kept in self._kept.items() if kept.expires_at > revocation.at}
        key = (revocation.tenant, revocation.kind, revocation.value)
        before = self._kept.get(key, revocation)
        self._kept[key] = Revocation(
            tenant=revocation.tenant,
            kind=revocation.kind,
            value=revocation.value,
            not_before=max(revocation.not_before, before.not_before),
            expires_at=max(revocation.expires_at, before.expires_at),
            at=revocation.at,
            by=revocation.by,
        )

    async def read_current(self, now: float) -> tuple[Revocation, ...]:
        return tuple(kept for kept in self._kept.values() if kept.expires_at > now)


class MemoryIssuedTokens:
    """Implements `access.tokens.ports.IssuedTokenStore`."""

    def __init__(self) -> None:
        self._kept: dict[str, IssuedToken] = {}

    async def add(self, token: IssuedToken) -> None:
        self._kept = {jti: kept for jti, kept in self._kept.items() if kept.expires_at > token.issued_at}
        self._kept[token.jti] = token

    async def read_of(self, tenant: str, now: float) -> tuple[IssuedToken, ...]:
        mine = (kept for kept in self._kept.values() if kept.tenant == tenant and kept.expires_at > now)
        return tuple(sorted(mine, key=lambda token: (token.issued_at, token.jti), reverse=True))

    async def find(self, tenant: str, jti: str) -> IssuedToken | None:
        kept = self._kept.get(jti)
        return kept if kept is not None and kept.tenant == tenant else None
