"""Which names a caller may see. Another tenant's is shown as a digest, the same one throughout this process."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field

# Series that carry no tenant's own name.
_NOBODYS = frozenset({"", "other", "all", "anonymous", "everybody"})
_SPLIT = re.compile(r"[:{}/]+")
MAX_KEY_LETTERS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """`own`: tenants this caller may see. `everybody`: all of them. `secret`: what digests are made with; random per process."""

    own: frozenset[str] = frozenset()
    everybody: bool = False
    secret: bytes = field(default=b"", repr=False)

    def may_see(self, tenant: str) -> bool:
        return self.everybody or tenant in self.own or tenant in _NOBODYS

    def tenant(self, name: str) -> str:
        return name if self.may_see(name) else f"tenant~{self._digest(name)}"

    def key(self, key: str) -> str:
        """A key of the store, whole for who may see its tenant, else its family and a digest."""
        parts = [part for part in _SPLIT.split(key) if part]
        if self.everybody or any(part in self.own for part in parts):
            return key[:MAX_KEY_LETTERS]
        return f"{parts[0] if len(parts) > 1 else 'key'}:…~{self._digest(key)}"

    def _digest(self, name: str) -> str:
        return hmac.new(self.secret, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:8]
