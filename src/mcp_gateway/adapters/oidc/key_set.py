"""A published set of keys (RFC 7517), reduced to those that can judge a signature. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from mcp_gateway.access.tokens.algorithms import ALGORITHMS, fits
from mcp_gateway.access.tokens.ports import PublicKey
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.core.errors import Json

MAX_KEYS = 64
MAX_KID_CHARS = 256
_PUBLIC_FIELDS = ("kty", "n", "e", "crv", "x", "y")
_KINDS = ("RSA", "EC", "OKP")
_OTHER_NAMES = {"Ed25519": "EdDSA"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """`kid` is "" for a key without a name. `algorithms`: the signatures it may judge, one when the key itself says which."""

    kid: str
    algorithms: frozenset[str]
    key: PublicKey


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySet:
    """`ignored`: why entries of the published set are not used, one line each."""

    keys: tuple[SigningKey, ...]
    ignored: tuple[str, ...] = ()

    def find(self, kid: str | None, algorithm: str) -> SigningKey | None:
        """The key of that name which fits the algorithm. A token that names none gets the only one that fits, if there is one.

        A name that stands for several fitting keys stands for the first: nobody else can have published them.
        """
        fitting = [key for key in self.keys if algorithm in key.algorithms and kid in (None, key.kid)]
        if not fitting or (kid is None and len(fitting) > 1):
            return None
        return fitting[0]


def read_key_set(document: Mapping[str, Json]) -> KeySet:
    """Raises `ProviderUnusable` when no key is left that can judge a signature."""
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise ProviderUnusable("keys", "The published keys have no list `keys`.")
    read = [_read_key(entry) for entry in entries[:MAX_KEYS]]
    keys = tuple(one for one in read if isinstance(one, SigningKey))
    ignored = [one for one in read if isinstance(one, str)]
    if len(entries) > MAX_KEYS:
        ignored.append(f"{len(entries) - MAX_KEYS} keys after the first {MAX_KEYS}")
    ignored += _doubled(keys)
    if not keys:
        raise ProviderUnusable("keys", "None of the published keys can judge a signature.", ignored=list(ignored))
    return KeySet(keys=keys, ignored=tuple(ignored))


def _read_key(entry: Json) -> SigningKey | str:
    """The key, or why it is none."""
    if not isinstance(entry, dict):
        return "an entry that is no key"
    kid = entry.get("kid", "")
    if not isinstance(kid, str) or len(kid) > MAX_KID_CHARS:
        return "a key with an unusable kid"
    unfit = _unfit(entry)
    if unfit:
        return f"key {kid[:40]!r}: {unfit}"
    try:
        # The algorithm only chooses how the numbers are read; what the key may judge is decided below, by the key itself.
        key = PyJWK({name: value for name, value in entry.items() if name in _PUBLIC_FIELDS}).key
    except (PyJWTError, ValueError, TypeError, KeyError) as error:
        return f"key {kid[:40]!r}: its numbers cannot be read ({type(error).__name__})"
    if not isinstance(key, PublicKey):
        return f"key {kid[:40]!r}: no public key of a key pair"
    stated = _OTHER_NAMES.get(str(entry.get("alg")), entry.get("alg"))
    allowed = frozenset(one for one in ALGORITHMS if stated in (None, one) and fits(key, one))
    if not allowed:
        return f"key {kid[:40]!r}: weak, or no accepted algorithm fits it"
    return SigningKey(kid=kid, algorithms=allowed, key=key)


def _unfit(entry: Mapping[str, Json]) -> str:
    if entry.get("kty") not in _KINDS:
        return "no public key of a key pair"
    if "d" in entry:
        return "a private key, published: whoever reads it can sign"
    if entry.get("use", "sig") != "sig":
        return "not for signatures"
    operations = entry.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return "not for verifying"
    return ""


def _doubled(keys: Sequence[SigningKey]) -> list[str]:
    seen: set[tuple[str, str]] = set()
    doubled = []
    for key in keys:
        names = {(key.kid, algorithm) for algorithm in key.algorithms}
        if names & seen:
            doubled.append(f"key {key.kid[:40]!r}: the name stands twice, the first is used")
        seen |= names
    return doubled
