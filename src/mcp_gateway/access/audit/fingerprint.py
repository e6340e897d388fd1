"""What the trail keeps of a call's arguments: a keyed fingerprint always, their masked text only when it was switched on.

The fingerprint tells equal arguments apart from others. Without the key nobody can guess at arguments until one fits. Secrets are
masked before either: by the name they stand under, and by what they look like.
"""

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from mcp_gateway.core.errors import Json

MASK: Final = "***"
MAX_DEPTH: Final = 32
_FINGERPRINT_BYTES: Final = 16
_SECRET_NAME: Final = re.compile(
    r"pass(?:word|wd|phrase)|\bpwd\b|secret|token|authori[sz]ation|credential|cookie|bearer|api[-_ ]?key|access[-_ ]?key|"
    r"private[-_ ]?key|signing[-_ ]?key|connection[-_ ]?string|\bpin\b|\botp\b",
    re.IGNORECASE,
)
# Each alternative begins with something rare, so that a text without secrets costs one quick pass.
_SECRET_SHAPE: Final = re.compile(
    r"eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"  # a signed token
    r"|\b(?:[Bb]earer|[Bb]asic)\s+[\w.~+/=-]{8,}"
    r"|\b(?:sk|pk|rk)[-_][\w-]{16,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[a-z]-[\w-]{10,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|\Z)"
    r"|(?<=://)[^\s/:@]{0,200}:[^\s/@]{1,200}(?=@)"  # name and password in a URL
    r"|(?i:(?<=password=)|(?<=secret=)|(?<=token=)|(?<=pwd=)|(?<=api_key=)|(?<=apikey=))[^\s&;,]{1,500}"
    r"|(?i:(?:password|passwd|secret|token|api_key)\s*=\s*')[^']{1,500}"
)
_encode = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=str).encode


class Digester:
    """Of one installation: `key` is its own, at most 64 bytes. `keep` also gives the masked text."""

    def __init__(self, key: bytes, *, keep: bool = False) -> None:
        self._start = blake2b(key=key, digest_size=_FINGERPRINT_BYTES)
        self._keep = keep

    def __call__(self, arguments: Mapping[str, Json]) -> tuple[str, str | None]:
        """Fingerprint in hex and text; both empty when there are no arguments."""
        if not arguments:
            return "", None
        text = _encode(masked(dict(arguments)))
        digest = self._start.copy()
        digest.update(text.encode())
        return digest.hexdigest(), text if self._keep else None


def masked(value: Json, depth: int = 0) -> Json:
    """The value with every secret replaced, in copies; the original stays as it is."""
    if isinstance(value, str):
        return _SECRET_SHAPE.sub(MASK, value) if len(value) > 8 else value
    if isinstance(value, dict):
        if depth >= MAX_DEPTH:
            return MASK
        return {
            name: MASK if _is_secret(name) and item is not None else masked(item, depth + 1) for name, item in value.items()
        }
    if isinstance(value, list):
        return MASK if depth >= MAX_DEPTH else [masked(item, depth + 1) for item in value]
    return value


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None
