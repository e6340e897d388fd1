"""What the trail keeps of a call's arguments: a keyed fingerprint always, their masked text only when it was switched on.

The fingerprint tells equal arguments apart from others. Without the key nobody can guess at arguments until one fits. Secrets are
masked before either: by the name they stand under, and by what they look like.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import orjson

from mcp_gateway.core.errors import Json

MASK: Final = "***"
MAX_DEPTH: Final = 32
# Longer arguments are not looked through for secrets: they are not kept, and their fingerprint is of all of them.
MAX_SEARCHED_CHARS: Final = 16_384
_FINGERPRINT_BYTES: Final = 16
_SECRET_NAME: Final = re.compile(
    r"pass(?:word|wd|phrase)|(?:^|[^a-z])(?:pwd|pin|otp|auth)(?:[^a-z]|$)|secret|token|authori[sz]ation|credential|cookie|bearer|"
    r"(?:api|access|private|signing)[-_ ]?key|connection[-_ ]?string",
    re.IGNORECASE,
)
# Linear in the length of any text: no alternative may begin again inside a stretch that it looked through in vain.
_SECRET_SHAPE: Final = re.compile(
    r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]{5,}+(?:\.[\w-]*+)?"  # a signed token
    r"|\b(?:[Bb]earer|[Bb]asic)\s{1,9}[\w.~+/=-]{8,}+"
    r"|\b(?:sk|pk|rk)[-_][\w-]{16,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[a-z]-[\w-]{10,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*"
    r"|(?<=://)[^\s/:@]{0,200}:[^\s/@]{1,200}(?=@)"  # name and password in a URL
    r"""|(?i:(?P<name>(?:password|passwd|pwd|secret|token|api[-_]?key)["']?\s{0,9}[:=]\s{0,9}["']?)[^\s"'&;,]{1,500})"""
)
# Whatever either expression finds holds one of these, in lower case: a call without any is looked through once, quickly.
_SIGNS: Final = (
    "eyj", "bearer", "basic", "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat",
    "glpat-", "xox", "akia", "asia", "aiza", "-----begin", "://", "pass", "pwd", "pin", "otp", "auth", "secret", "token",
    "credential", "cookie", "key", "connection",
)  # fmt: skip
_SIGN: Final = re.compile("|".join(map(re.escape, _SIGNS)))
_SIGN_BYTES: Final = re.compile(_SIGN.pattern.encode())
_encode = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=str).encode


class Digester:
    """Of one installation: `key` is its own, at most 64 bytes. `keep` also gives the masked text."""

    def __init__(self, key: bytes, *, keep: bool = False) -> None:
        self._start = blake2b(key=key, digest_size=_FINGERPRINT_BYTES)
        self._keep = keep

    def __call__(self, arguments: Mapping[str, Json]) -> tuple[str, str | None]:
        """Fingerprint in hex and text; "" and None when there are no arguments."""
        if not arguments:
            return "", None
        plain = None if self._keep else _plain(arguments)
        if plain is not None:
            return self._digest(plain), None
        text, kept = _texts(arguments)
        return self._digest(text.encode()), kept if self._keep else None

    def _digest(self, content: bytes) -> str:
        digest = self._start.copy()
        digest.update(content)
        return digest.hexdigest()


def _plain(arguments: Mapping[str, Json]) -> bytes | None:
    """Canonical JSON of arguments in which nothing looks like a secret, as in most calls; None where something might."""
    try:
        content = orjson.dumps(dict(arguments), option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
    return content if len(content) <= MAX_SEARCHED_CHARS and _SIGN_BYTES.search(content.lower()) is None else None


def masked_text(arguments: Mapping[str, Json]) -> str:
    """Canonical JSON in ASCII, every secret replaced; of what is too long only its length."""
    return _texts(arguments)[1]


def _texts(arguments: Mapping[str, Json]) -> tuple[str, str]:
    """What the fingerprint is of, and what may be kept: the same, except for what is too long to look through."""
    plain = dict(arguments)
    try:
        text = _encode(plain)
    except RecursionError:
        text = _encode(masked(plain))
    if len(text) > MAX_SEARCHED_CHARS:
        return text, _encode({"too_long": len(text)})
    if _SIGN.search(text.lower()) is not None:
        text = _encode(masked(plain))
    return text, text


def masked(value: Json, depth: int = 0) -> Json:
    """The value with every secret replaced, in copies; the original stays as it is. What lies deeper than 32 is masked too."""
    if isinstance(value, str):
        return _SECRET_SHAPE.sub(_hide, value)
    if isinstance(value, dict):
        if depth >= MAX_DEPTH:
            return MASK
        return {name: MASK if _is_secret(name) and item is not None else masked(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return MASK if depth >= MAX_DEPTH else [masked(item, depth + 1) for item in value]
    return value


def _hide(found: re.Match[str]) -> str:
    return (found["name"] or "") + MASK


@lru_cache(maxsize=1_024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None
