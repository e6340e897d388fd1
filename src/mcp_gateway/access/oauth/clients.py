"""Which program is asking. Known by its own document (preferred), or by a registration that it carries in its id.

A document's address is the program's id, so its host vouches for the name and for where answers go. A registration vouches for
nothing but that the same addresses were named; it is sealed into the id and kept nowhere (RFC 7591, appendix A.5.2).
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from mcp_gateway.access.oauth.errors import OAuthError, OAuthRefused
from mcp_gateway.access.oauth.model import Client
from mcp_gateway.access.oauth.redirects import host_of, is_acceptable
from mcp_gateway.access.oauth.seals import Seals
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Json

MAX_NAME_CHARS: Final = 80
MAX_REDIRECTS: Final = 10
MAX_ID_CHARS: Final = 1_400
MAX_DOCUMENT_ADDRESS_CHARS: Final = 500
MAX_DOCUMENTS: Final = 500
MAX_FETCHES: Final = 8
SHORTEST_SECONDS: Final = 60.0
LONGEST_SECONDS: Final = 3_600.0
FAULT_SECONDS: Final = 30.0
REGISTRATION_SECONDS: Final = 365 * 86_400.0
_METHODS: Final = (None, "", "none")


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedDocument:
    """`fresh_seconds`: how long its host says it is good; None when it does not say."""

    document: Mapping[str, Json]
    fresh_seconds: float | None


class ClientDocuments(Protocol):
    """Fetches what stands at an address that a stranger named."""

    async def fetch(self, url: str) -> FetchedDocument:
        """Reaches public addresses alone, follows no redirect, is bounded in time and size. Raises `GatewayError`."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    client: Client | OAuthRefused
    until: float


class Clients:
    """`find` and `register` raise `OAuthRefused`."""

    def __init__(self, documents: ClientDocuments, seals: Seals, clock: Clock) -> None:
        self._documents, self._seals, self._clock = documents, seals, clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._fetching = 0

    async def find(self, client_id: str) -> Client:
        if client_id.startswith("https://"):
            return await self._by_document(client_id)
        found = self._seals.open("client", client_id) if len(client_id) <= MAX_ID_CHARS else None
        if found is None:
            raise OAuthRefused("invalid_client", "This program is not registered here, or no longer.")
        return Client(client_id=client_id, kind="registered", name=str(found.get("n")), redirect_uris=_texts(found.get("r")))

    def register(self, document: Mapping[str, Json]) -> Client:
        """Addresses that are not acceptable are left out, as RFC 7591 allows; the answer says which remained."""
        _refuse_secrets(document, "invalid_client_metadata", known_methods=False)
        uris = _redirects(document, "invalid_redirect_uri")
        name = shown_name(document.get("client_name"))
        client_id = self._seals.seal("client", {"n": name, "r": [*uris]}, lasts_seconds=REGISTRATION_SECONDS)
        if len(client_id) > MAX_ID_CHARS:
            raise OAuthRefused("invalid_redirect_uri", "The redirect URIs are too long together.")
        return Client(client_id=client_id, kind="registered", name=name, redirect_uris=uris)

    async def _by_document(self, url: str) -> Client:
        check_document_address(url)
        kept = self._kept.get(url)
        if kept is None or self._clock.monotonic() >= kept.until:
            kept = await self._look(url)
        if isinstance(kept.client, OAuthRefused):
            raise OAuthRefused(kept.client.error, kept.client.message)
        return kept.client

    async def _look(self, url: str) -> _Kept:
        if self._fetching >= MAX_FETCHES:
            raise OAuthRefused("invalid_client", "Too many programs' documents are being read just now; try again.")
        self._fetching += 1
        try:
            fetched = await self._documents.fetch(url)
            client: Client | OAuthRefused = read_document(url, fetched.document)
            seconds = min(max(fetched.fresh_seconds or 0.0, SHORTEST_SECONDS), LONGEST_SECONDS)
        except OAuthRefused as refusal:
            client, seconds = refusal, FAULT_SECONDS
        except GatewayError:
            # Not what was wrong: a stranger must not learn what can be reached from here.
            client, seconds = OAuthRefused("invalid_client", "The program's document cannot be read."), FAULT_SECONDS
        finally:
            self._fetching -= 1
        kept = self._kept[url] = _Kept(client, self._clock.monotonic() + seconds)
        self._kept.move_to_end(url)
        if len(self._kept) > MAX_DOCUMENTS:
            self._kept.popitem(last=False)
        return kept


def check_document_address(url: str) -> None:
    """Raises `OAuthRefused` unless it can be the id of a program: https, a path, one spelling."""
    plain = len(url) <= MAX_DOCUMENT_ADDRESS_CHARS and is_acceptable(url)
    parts = urlsplit(url) if plain else None
    dotted = parts is not None and any(part in (".", "..") for part in parts.path.lower().replace("%2e", ".").split("/"))
    if parts is None or parts.path in ("", "/") or dotted or parts.scheme != "https":
        raise OAuthRefused("invalid_client", "The address of a program's document is https, with a path.")


def read_document(url: str, document: Mapping[str, Json]) -> Client:
    """Raises `OAuthRefused`."""
    if document.get("client_id") != url:
        raise OAuthRefused("invalid_client", "The program's document is of another program.")
    _refuse_secrets(document, "invalid_client", known_methods=True)
    host = urlsplit(url).hostname or ""
    name = shown_name(document.get("client_name")) or host
    return Client(client_id=url, kind="document", name=name, redirect_uris=_redirects(document, "invalid_client"))


def host_of_client(client: Client, redirect_uri: str) -> str:
    """Who vouches for the program, for people to read: its document's host, or else only where its answer goes."""
    return (urlsplit(client.client_id).hostname or "") if client.kind == "document" else host_of(redirect_uri)


def shown_name(value: Json) -> str:
    """Cut, and without what could make a line look like another."""
    text = value if isinstance(value, str) else ""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text[:400]).split())[:MAX_NAME_CHARS]


def _refuse_secrets(document: Mapping[str, Json], error: OAuthError, *, known_methods: bool) -> None:
    """A program that proves itself with a key must not be taken at its word; one that registers is told it needs no secret."""
    method = document.get("token_endpoint_auth_method")
    if (known_methods and method not in _METHODS) or method == "private_key_jwt":
        raise OAuthRefused(error, "Only public programs are served here: token_endpoint_auth_method none.")


def _redirects(document: Mapping[str, Json], error: OAuthError) -> tuple[str, ...]:
    named = document.get("redirect_uris")
    uris = _texts(named)[:MAX_REDIRECTS] if isinstance(named, list) else ()
    acceptable = tuple(dict.fromkeys(uri for uri in uris if is_acceptable(uri)))
    if not acceptable:
        raise OAuthRefused(error, "A redirect URI is https, or http on 127.0.0.1, [::1] or localhost, without a fragment.")
    return acceptable


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
