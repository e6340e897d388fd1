"""Which names a caller may see. Another tenant's is shown as a digest, the same one throughout this process.

A store's keys are named by whoever writes them, tenants' names in any place. So of a key no more is shown than what is known to
be nobody's: the kit's own words, a few that are common everywhere, and caches that the gateway's own figures name.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice

# Series that carry no tenant's own name.
_NOBODYS = frozenset({"", "other", "all", "anonymous", "everybody"})
_SPLIT = re.compile(r"[:{}/]+")
_PART = re.compile(r"[^:{}/]+")
_WORD = re.compile(r"[^\W_]+")
# A tenant's name has no more words than this, as far as it is looked for within others.
_MOST_WORDS = 8
MAX_KEY_LETTERS = 200

FAMILIES = frozenset(
    {
        "(other)", "rate_limit", "cache", "cache_lease", "cache_tag", "cache_members", "cache_events", "breaker",
        "breaker_changes", "idempotency", "mreg", "session", "sessions", "lock", "queue", "job", "report",
    }
)  # fmt: skip
CACHES = frozenset(
    {
        "answers", "conversation", "conversations", "embeddings", "items", "list_messages", "lists", "messages", "orders",
        "products", "profiles", "responses", "search", "sessions", "users",
    }
)  # fmt: skip
NAMESPACES = frozenset({"gateway"})
_KIT_KEY = re.compile(r"cache:\{([^{}]+)\}:[0-9a-f]{1,16}:[vlt]:([^:]+):([^:]+):")


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """`own`: tenants this caller may see. `everybody`: all of them. `secret`: what digests are made with; random per process.

    `caches`: names of caches that are nobody's. `hidden`: tenants known by name that this caller may not see, wherever they are.
    """

    own: frozenset[str] = frozenset()
    everybody: bool = False
    secret: bytes = field(default=b"", repr=False)
    caches: frozenset[str] = CACHES
    hidden: frozenset[str] = field(default=frozenset(), repr=False)

    def knowing(self, *, caches: Iterable[str], tenants: Iterable[str]) -> "Names":
        """With what the gateway's figures name."""
        hidden = frozenset(name for name in tenants if not self.may_see(name))
        return replace(self, caches=self.caches | frozenset(caches) - hidden, hidden=self.hidden | hidden)

    def may_see(self, tenant: str) -> bool:
        return self.everybody or tenant in self.own or tenant in _NOBODYS

    def tenant(self, name: str) -> str:
        return name if self.may_see(name) else f"tenant~{self._digest(name)}"

    def key(self, key: str) -> str:
        """A key of the store, whole for who may see its tenant, else what it is for and a digest."""
        if self.everybody or self._is_own(key):
            return key[:MAX_KEY_LETTERS]
        parts = [part for part in _SPLIT.split(key) if part]
        return f"{parts[0] if len(parts) > 1 and parts[0] in FAMILIES else 'key'}:…~{self._digest(key)}"

    def family(self, family: str) -> str:
        """What keys are for."""
        head, colon, cache = family.partition(":")
        if self.everybody or (head in FAMILIES and not colon):
            return family
        return f"{head}:{self.cache(cache)}" if head in FAMILIES else f"family~{self._digest(family)}"

    def cache(self, name: str) -> str:
        return self.said(name) if self.everybody or name in self.caches else f"cache~{self._digest(name)}"

    def namespace(self, name: str) -> str:
        return name if self.everybody or name in NAMESPACES else f"namespace~{self._digest(name)}"

    def channel(self, channel: str) -> str:
        """The kit's name of a channel ends in a namespace."""
        head, _, namespace = channel.partition(":")
        return f"{head}:{self.namespace(namespace)}"

    def said(self, text: str) -> str:
        """Any other words: hidden tenants' names in them as digests, also within a name such as `chat.acme` or `acme-db`."""
        if not self.hidden:
            return text
        return _PART.sub(lambda part: self._part(part[0]), text)

    def label(self, label: str, value: str) -> str:
        """The value of a signal's label."""
        match label:
            case "tenant":
                return self.tenant(value)
            case "key":
                return self.key(value)
            case "prefix":
                return self.family(value)
            case "channel":
                return self.channel(value)
        return self.said(value)

    def _part(self, part: str) -> str:
        if part in self.hidden:
            return self.tenant(part)
        shown, end = "", 0
        for begin, stop in _named_in(part, self.hidden):
            shown, end = f"{shown}{part[end:begin]}{self.tenant(part[begin:stop])}", stop
        return shown + part[end:]

    def _is_own(self, key: str) -> bool:
        """Whether our tenant's name stands where a key of a known kind has its tenant's; anywhere else it may mean anything."""
        if kit := _KIT_KEY.match(key):
            return kit[1] in NAMESPACES and kit[2] in self.caches and kit[3] in self.own
        head, *rest = [part for part in _SPLIT.split(key) if part] or [""]
        if head == "cache":
            return len(rest) > 1 and rest[0] in self.caches and rest[1] in self.own
        return head in FAMILIES and bool(rest) and rest[0] in self.own

    def _digest(self, name: str) -> str:
        return hmac.new(self.secret, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:8]


@lru_cache(maxsize=8_192)
def _named_in(text: str, names: frozenset[str]) -> tuple[tuple[int, int], ...]:
    """Where whole words of a text are one of the names, the longest of those that begin at the same word."""
    words = [found.span() for found in _WORD.finditer(text)]
    places: list[tuple[int, int]] = []
    for index, (begin, _) in enumerate(words):
        if places and begin < places[-1][1]:
            continue
        stops = (stop for _, stop in reversed(words[index : index + _MOST_WORDS]))
        places.extend((begin, stop) for stop in islice((one for one in stops if text[begin:one] in names), 1))
    return tuple(places)
