"""The provider's signing keys: reached or not, how many, and whether the set changed. No key is judged."""

import hashlib
import json
from dataclasses import dataclass

from mcp_gateway.adapters.deployment.http import Fetched, Fetcher, shown_base
from mcp_gateway.diagnostics.signals.snapshot import Readings, reading
from mcp_gateway.diagnostics.verdict import BlindSpot

MAX_BYTES = 500_000
SECONDS = 2.5


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySetSource:
    """`url` is that of the key set itself (`jwks_uri`)."""

    url: str
    fetcher: Fetcher
    name: str = "signing keys"

    async def read(self) -> Readings:
        found = await self.fetcher.get(self.url, seconds=SECONDS, max_bytes=MAX_BYTES)
        keys = _keys(found)
        outcome = _outcome(found, keys)
        readings = [
            reading("signing_keys.up", float(outcome == "ok")),
            reading("signing_keys.probe_outcome", outcome),
            reading("signing_keys.probe_ms", round(found.milliseconds, 3)),
        ]
        if keys is None:
            blind = BlindSpot(
                what=f"signing keys at {shown_base(self.url)}", why=f"They could not be read: {found.detail or outcome}."
            )
            return Readings(readings=tuple(readings), blind_spots=(blind,))
        readings.append(reading("signing_keys.count", float(len(keys))))
        readings.append(reading("signing_keys.digest", hashlib.sha256(json.dumps(sorted(keys)).encode()).hexdigest()[:16]))
        return Readings(readings=tuple(readings))


def _keys(found: Fetched) -> list[str] | None:
    """The ids, or for a key without one what it is; None when it is no key set."""
    document = found.document
    keys = document.get("keys") if document is not None and found.status == 200 else None
    if not isinstance(keys, list):
        return None
    return [str(key.get("kid") or key.get("n") or key.get("x") or "")[:200] for key in keys if isinstance(key, dict)]


def _outcome(found: Fetched, keys: list[str] | None) -> str:
    if found.outcome != "ok":
        return "garbage" if found.outcome == "too_large" else found.outcome
    if found.status >= 400:
        return "http_error"
    return "garbage" if keys is None else "ok"
