"""Hides from what a server answers the very credential it was sent: servers that echo their requests would hand it to clients.

Only what was sent is looked for, as it is and as JSON writes it. A server that writes it otherwise (base64, backwards, in parts)
gives it away; one that means to has other ways.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from mcp_gateway.adapters.links.answers import Answer, Source

# What is shorter may be a word like any other.
_SHORTEST: Final = 8
_HIDDEN: Final = b"[secret]"
# Of a scheme and what follows it, what follows is the secret (RFC 9110, 11.4).
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_ANYWHERE: Final = re.compile(r"[^/+<>&'=\"\\]+")
# Writers of JSON differ in which of these they escape; each of them escapes all of one kind.
_ESCAPES: Final[Sequence[Mapping[str, tuple[str, ...]]]] = (
    {"/": ("/", "\\/", "\\u002F", "\\u002f")},
    {"+": ("+", "\\u002B", "\\u002b")},
    {one: (one, f"\\u{ord(one):04X}", f"\\u{ord(one):04x}") for one in "<>&'="},
)
_MUST: Final = str.maketrans({'"': '\\"', "\\": "\\\\"})
_SECRET_WORDS: Final = frozenset({"token", "key", "apikey", "secret", "password", "passwd", "pwd", "pat", "credential"})


class Discretion:
    """`secrets` are struck out wherever they stand. What is all digits becomes other digits, for it may be a number."""

    def __init__(self, secrets: Iterable[str]) -> None:
        long = sorted({one for one in secrets if len(one) >= _SHORTEST}, key=len, reverse=True)
        self._needles: dict[bytes, tuple[bytes, ...]] = {}
        for one in long:
            forms = (form.encode() for form in _written(one))
            plain = _plain(one)
            self._needles[plain] = tuple(dict.fromkeys((*self._needles.get(plain, ()), *forms)))

    def __bool__(self) -> bool:
        return bool(self._needles)

    def of(self, answer: Answer) -> Answer:
        if answer.body is not None:
            answer.body = self.whole(answer.body)
        elif answer.source is not None:
            answer.source = _Discreet(answer.source, self)
        return answer

    def whole(self, data: bytes) -> bytes:
        """The same bytes where nothing is found, after one search for each secret."""
        for plain, needles in self._needles.items():
            if plain in data:
                for needle in needles:
                    data = data.replace(needle, b"1" * len(needle) if needle.isdigit() else _HIDDEN)
        return data

    def unsure(self, data: bytes) -> int:
        """How many bytes at the end may be the beginning of a secret."""
        most = 0
        for needle in itertools.chain.from_iterable(self._needles.values()):
            at = max(len(data) - len(needle) + 1, 0)
            while (at := data.find(needle[:1], at)) >= 0:
                if needle.startswith(data[at:]):
                    most = max(most, len(data) - at)
                    break
                at += 1
        return most


class _Discreet:
    """Holds back no more than what may be the beginning of a secret."""

    __slots__ = ("_ended", "_hidden", "_rest", "_source")

    def __init__(self, source: Source, hidden: Discretion) -> None:
        self._source, self._hidden, self._rest, self._ended = source, hidden, b"", False

    async def read(self) -> bytes:
        while not self._ended:
            piece = await self._source.read()
            self._ended = not piece
            data = self._hidden.whole(self._rest + piece)
            kept = 0 if self._ended else self._hidden.unsure(data)
            self._rest = data[len(data) - kept :]
            if kept < len(data):
                return data[: len(data) - kept]
        return b""

    def leave(self) -> None:
        self._source.leave()

    def release(self) -> None:
        self._source.release()


def secrets_in_address(url: str) -> tuple[str, ...]:
    """What parameters of it hold that are called like secrets, as written and as read."""
    written = (part.partition("=") for part in urlsplit(url).query.split("&"))
    named = [value for name, _, value in written if _is_secret(name)]
    return tuple(dict.fromkeys([*named, *map(unquote, named)]))


def secrets_in_environment(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Of variables that are called like secrets: what others hold are words of every day."""
    return tuple(value for name, value in environment.items() if _is_secret(name))


def _is_secret(name: str) -> bool:
    return name.lower().replace("-", "_").replace("access", "").rpartition("_")[2] in _SECRET_WORDS


def _plain(secret: str) -> bytes:
    """The longest part of it that is written in one way alone."""
    return max(_ANYWHERE.findall(secret), key=len, default="").encode()


def secret_in_header(value: str) -> str:
    """What of it is the secret: all, or what follows a scheme."""
    scheme, space, rest = value.partition(" ")
    return rest if space and " " not in rest and _SCHEME.match(scheme) else value


def _written(secret: str) -> Iterable[str]:
    """As it is, and every way JSON may have it."""
    yield secret
    ways = [kind for kind in _ESCAPES if any(one in secret for one in kind)]
    must = secret.translate(_MUST)
    for which in itertools.product(range(4), repeat=len(ways)):
        table: dict[str, str | int | None] = {}
        for kind, at in zip(ways, which, strict=True):
            table |= {one: forms[min(at, len(forms) - 1)] for one, forms in kind.items()}
        yield must.translate(str.maketrans(table))
