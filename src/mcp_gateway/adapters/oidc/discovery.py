"""A provider's metadata, found from its issuer URL alone (OpenID Connect Discovery 1.0, RFC 8414)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import Outbound, Reply
from mcp_gateway.core.errors import Json

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"
MAX_WORDS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderMetadata:
    """What this gateway uses of it. "" and () where the provider says nothing; `document_url` is where it stood.

    `client_methods` are the ways a client may prove its secret. `answers_with_issuer`: its redirects carry `iss` (RFC 9207).
    `date` is the reply's Date header, None without one.
    """

    issuer: str
    jwks_uri: str
    document_url: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    registration_endpoint: str = ""
    algorithms: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    challenge_methods: tuple[str, ...] = ()
    client_methods: tuple[str, ...] = ("client_secret_basic",)
    answers_with_issuer: bool = False
    accepts_client_documents: bool = False
    date: datetime | None = None


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where the metadata may stand: after the issuer (OpenID), then inserted before its path, under both names (RFC 8414)."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")

    def at(place: str) -> str:
        return urlunsplit((parts.scheme, parts.netloc, place, "", ""))

    return tuple(dict.fromkeys((at(path + OPENID), at(OAUTH + path), at(OPENID + path))))


async def discover(outbound: Outbound, issuer: str, *, expected: str = "") -> ProviderMetadata:
    """The first document found. `expected` is the `issuer` it must name, character by character; "" means the address itself.

    Raises `ProviderUnusable`. Only a 404 lets the next place be tried: whatever else is wrong is the answer.
    """
    missing: ProviderUnusable | None = None
    for url in metadata_urls(issuer):
        try:
            reply = await outbound.get(url)
        except ProviderUnusable as fault:
            if fault.kind != "status" or fault.data.get("status") != 404:
                raise
            missing = missing or fault
        else:
            return read_metadata(reply, url, expected or issuer)
    raise missing or ProviderUnusable("metadata", "There is no metadata.", issuer=issuer)


def read_metadata(reply: Reply, url: str, expected: str) -> ProviderMetadata:
    """Raises `ProviderUnusable`: another issuer than expected, or no address of keys."""
    document = reply.document
    named = _text(document, "issuer")
    if named != expected:
        raise ProviderUnusable(
            "issuer", f"The provider calls itself {named[:200]!r}, not {expected!r}.", named=named[:200], expected=expected
        )
    if not _text(document, "jwks_uri"):
        raise ProviderUnusable("metadata", "The metadata names no jwks_uri.", url=url)
    return ProviderMetadata(
        issuer=named,
        document_url=url,
        jwks_uri=_text(document, "jwks_uri"),
        authorization_endpoint=_text(document, "authorization_endpoint"),
        token_endpoint=_text(document, "token_endpoint"),
        registration_endpoint=_text(document, "registration_endpoint"),
        algorithms=_words(document, "id_token_signing_alg_values_supported"),
        scopes=_words(document, "scopes_supported"),
        challenge_methods=_words(document, "code_challenge_methods_supported"),
        client_methods=_words(document, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        answers_with_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        accepts_client_documents=document.get("client_id_metadata_document_supported") is True,
        date=read_date(reply.headers.get("date", "")),
    )


def read_date(text: str) -> datetime | None:
    """An HTTP date with its zone; None for anything else."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return date if date.tzinfo is not None else None


def _text(document: Mapping[str, Json], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _words(document: Mapping[str, Json], name: str) -> tuple[str, ...]:
    value = document.get(name)
    return tuple(word for word in value[:MAX_WORDS] if isinstance(word, str)) if isinstance(value, list) else ()
