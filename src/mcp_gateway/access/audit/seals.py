"""Seals: signed checkpoints of a chain. Nobody without the key can make the chain anew before one, and rows before one may go.

A seal is only put on a chain that verifies, so that none vouches for what was tampered with.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mcp_gateway.access.audit.chain import microseconds
from mcp_gateway.access.audit.model import RETENTION, Seal
from mcp_gateway.access.audit.own_lines import removal_line
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.verify import PAGE, SealVerdict, Verification, verify
from mcp_gateway.access.errors import AuditBroken

# The key also signs tokens. No token's text begins like this.
_DOMAIN: Final = b"mcp-gateway audit seal 1\0"


class Sealer:
    """Signs with the key of this installation, and checks with it and with those it had before, which are by their names.

    `name` is how seals name the key.
    """

    def __init__(self, key: Ed25519PrivateKey, name: str, retired: Mapping[str, Ed25519PublicKey] | None = None) -> None:
        self._key = key
        self.name: Final = name
        self._known: dict[str, Ed25519PublicKey] = {**(retired or {}), name: key.public_key()}

    def sign(self, *, tenant: str, sequence: int, row_hash: str, sealed_at: int, reason: str) -> Seal:
        """`sealed_at` in microseconds since 1970."""
        signature = self._key.sign(_signed_text(tenant, sequence, row_hash, sealed_at, reason, self.name)).hex()
        return Seal(
            tenant=tenant,
            sequence=sequence,
            hash=row_hash,
            sealed_at=sealed_at,
            reason=reason,
            key=self.name,
            signature=signature,
        )

    def check(self, seal: Seal) -> SealVerdict:
        """Whether a key of this installation signed exactly this."""
        known = self._known.get(seal.key)
        if known is None:
            return "of_another_key"
        text = _signed_text(seal.tenant, seal.sequence, seal.hash, seal.sealed_at, seal.reason, seal.key)
        try:
            known.verify(bytes.fromhex(seal.signature), text)
        except (InvalidSignature, ValueError):
            return "forged"
        return "good"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """How many rows were removed, and through which sequence; 0 when none was old enough."""

    tenant: str
    rows: int
    through: int


async def seal_chain(store: AuditStore, sealer: Sealer, tenant: str, *, at: float, reason: str) -> Seal | None:
    """Seal the chain where it ends now; the seal it has there already, or None for a tenant without rows.

    Looks at the rows since the last good seal. Raises `AuditBroken` when they do not verify, `Unavailable`.
    """
    good = [seal for seal in await store.seals(tenant) if sealer.check(seal) == "good"]
    found = await verify(store, tenant, sealer.check, behind=good[-1] if good else None)
    _require_sound(found)
    if good and good[-1].sequence == found.last:
        return good[-1]
    if not found.last:
        return None
    seal = sealer.sign(tenant=tenant, sequence=found.last, row_hash=found.hash, sealed_at=microseconds(at), reason=reason)
    await store.add_seal(seal)
    return seal


async def prune(store: AuditStore, sealer: Sealer, tenant: str, *, at: float, before: float) -> Pruned:
    """Remove the rows at the beginning of the chain that are older than `before`, behind a seal that verification goes on from.

    The chain says so itself, in a line at its end. Both times are in seconds since 1970. Raises `AuditBroken` when these rows do
    not verify: nothing is removed then. `Unavailable`.
    """
    last = await _last_before(store, tenant, microseconds(before))
    if last is None:
        return Pruned(tenant=tenant, rows=0, through=0)
    found = await verify(store, tenant, sealer.check, through=last)
    _require_sound(found)
    moment = microseconds(at)
    await store.add_seal(sealer.sign(tenant=tenant, sequence=last, row_hash=found.hash, sealed_at=moment, reason=RETENTION))
    rows = await store.remove_through(tenant, last)
    await store.append([removal_line(tenant, at=at, rows=rows, through=last)])
    return Pruned(tenant=tenant, rows=rows, through=last)


async def _last_before(store: AuditStore, tenant: str, moment: int) -> int | None:
    """The last of the rows that are all older than a moment: rows go from the beginning on, without holes."""
    last: int | None = None
    page = await store.read(tenant, after=0, limit=PAGE)
    while page:
        for row in page:
            at = row.columns[0]
            if not isinstance(at, int) or at >= moment:
                return last
            last = row.sequence
        page = await store.read(tenant, after=page[-1].sequence, limit=PAGE)
    return last


def _require_sound(found: Verification) -> None:
    """A seal of a key that is not known any more proves nothing either way; verification goes on naming it."""
    broken = [finding for finding in found.findings if finding.fault != "seal_of_another_key"]
    if not broken:
        return
    first = broken[0]
    raise AuditBroken(
        f"The trail of {found.tenant} does not verify: {first.fault} at {first.sequence}.",
        tenant=found.tenant,
        sequence=first.sequence,
    )


def _signed_text(tenant: str, sequence: int, row_hash: str, sealed_at: int, reason: str, key: str) -> bytes:
    return _DOMAIN + json.dumps([tenant, sequence, row_hash, sealed_at, reason, key]).encode()
