"""The `providers:` of the access file. A fault is noted for whatever would let in more than was written."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast
from urllib.parse import urlsplit

from mcp_gateway.access.configuration.providers import (
    DEFAULT_ALGORITHMS,
    ENTRA_CLAIMS,
    GRAPH,
    ClaimPaths,
    ProviderConfig,
    ProviderKind,
)
from mcp_gateway.access.tokens.algorithms import ALGORITHMS
from mcp_gateway.access.tokens.entra import EntraAuthority, audiences_of, is_directory, read_authority
from mcp_gateway.core.configuration.nodes import check_text, read_scalar
from mcp_gateway.core.configuration.section import Section

MAX_PROVIDERS: Final = 20
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
# Clients that hear of changes at once (continuous access evaluation) get tokens of up to 28 hours from Entra.
_LONGEST_TOKENS: Final[Mapping[str, float]] = {"oidc": 86_400.0, "entra": 30 * 3_600.0}
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def read_providers(root: Section) -> tuple[ProviderConfig, ...]:
    """The entries without a fault; whoever reads the file refuses it when any was noted."""
    sections = root.sections("providers")
    if len(sections) > MAX_PROVIDERS:
        root.faults.note(root.value("providers"), root.child("providers"), f"has over {MAX_PROVIDERS} entries", "Remove some.")
        return ()
    read = [one for one in map(_read_provider, sections) if one is not None]
    _note_duplicates(sections)
    return tuple(read)


def _read_provider(section: Section) -> ProviderConfig | None:
    before = len(section.faults.found)
    section.missing("name", "Write a short name, such as entra; it becomes part of its callers' names.")
    section.missing("issuer", "Write the issuer URL exactly as the provider's metadata has it.")
    name = section.text("name", longest=32) or ""
    if name and not _NAME.fullmatch(name):
        _note(section, "name", "is not a usable name", "Use lower-case letters, digits and -, beginning with a letter.")
    kind = cast(ProviderKind, section.choice("kind", {"oidc": "oidc", "entra": "entra"}) or "oidc")
    issuer = section.text("issuer") or ""
    if issuer:
        _check_url(section, "issuer", issuer)
    authority = read_authority(issuer) if kind == "entra" else None
    if kind == "entra" and issuer and authority is None:
        fix = "Write https://login.microsoftonline.com/DIRECTORY-ID/v2.0; organizations in place of the id for several."
        _note(section, "issuer", "is not an issuer of Entra", fix)
    config = _read_known(section, name, kind, issuer)
    _check_tenants(section, config, authority)
    _check_audience(section, config)
    _check_algorithms(section, config.algorithms)
    _check_graph(section, config)
    if config.login and not config.client_id:
        _note(section, "login", "needs a client_id", "Register the gateway at the provider and write its client_id.")
    section.refuse_unknown_keys()
    return config if len(section.faults.found) == before else None


def _read_known(section: Section, name: str, kind: ProviderKind, issuer: str) -> ProviderConfig:
    audience, client_id = section.texts("audience"), section.text("client_id", longest=200) or ""
    default = ProviderConfig(name=name, kind=kind, issuer=issuer, audience=audience)
    return ProviderConfig(
        name=name,
        kind=kind,
        issuer=issuer,
        audience=tuple(sorted(audiences_of(audience, client_id))) if kind == "entra" else audience,
        algorithms=section.texts("algorithms") or (("RS256",) if kind == "entra" else DEFAULT_ALGORITHMS),
        client_id=client_id,
        client_secret=section.text("client_secret") or "",
        claims=_read_claims(section.section("claims"), ENTRA_CLAIMS if kind == "entra" else ClaimPaths()),
        tenant=section.text("tenant", longest=200),
        tenants=_read_words(section, "tenants") if section.value("tenants") is not None else None,
        roles=_read_words(section, "roles"),
        groups=_read_words(section, "groups"),
        graph=_read_graph(section),
        allow_private=bool(section.flag("allow_private")),
        ca_file=section.text("ca_file") or "",
        proxy=section.text("proxy") or "",
        stale_seconds=_or(section.number("stale_seconds", 0, 7 * 86_400), default.stale_seconds),
        max_lifetime_seconds=section.number("max_lifetime_seconds", 60, 30 * 86_400) or _LONGEST_TOKENS[kind],
        login=_or_flag(section.flag("login"), bool(client_id)),
        scopes=section.texts("scopes") or default.scopes,
    )


def _read_claims(section: Section | None, default: ClaimPaths) -> ClaimPaths:
    if section is None:
        return default
    read = ClaimPaths(
        subject=section.text("subject") or default.subject,
        tenant=section.text("tenant") or default.tenant,
        roles=section.text("roles") or default.roles,
        scopes=section.text("scopes") or default.scopes,
        name=section.text("name") or default.name,
        groups=section.text("groups") or default.groups,
        attributes=_read_words(section, "attributes"),
    )
    section.refuse_unknown_keys()
    return read


def _read_words(section: Section, key: str) -> Mapping[str, str]:
    """A mapping of texts to texts; numbers count as text, as ids may look like them."""
    pairs = section.section(key)
    read: dict[str, str] = {}
    for name in pairs.entries if pairs is not None else ():
        value = pairs.value(name) if pairs is not None else None
        path = f"{section.child(key)}.{name}"
        scalar = None if value is None else read_scalar(value, path, section.faults)
        text = None if scalar is None else check_text(scalar, path, section.faults, strict=False, longest=200)
        if text:
            read[name] = text
        elif value is None:
            section.faults.note(section.value(key), path, "has no value", "Write one after the colon, or remove the line.")
    return read


def _read_graph(section: Section) -> str:
    text = (section.scalar_text("graph") or "").lower()
    if text in ("", "false", "no", "off"):
        return ""
    if text in ("true", "yes", "on"):
        return GRAPH
    url = section.text("graph") or ""
    _check_url(section, "graph", url)
    return url.rstrip("/")


def _check_tenants(section: Section, config: ProviderConfig, authority: EntraAuthority | None) -> None:
    if (config.tenant is None) == (config.tenants is None):
        fix = "Write tenant: NAME when all its callers are of one tenant, or tenants: {VALUE OF THE CLAIM: NAME}."
        _note(section, "tenants", "or tenant must stand here, one of the two", fix)
        return
    if config.tenants is not None and not config.tenants:
        _note(
            section,
            "tenants",
            "is empty",
            "Nobody could log in: name a value of the tenant claim, with the tenant it stands for.",
        )
    if config.tenants is not None and config.kind == "oidc" and config.claims.tenant is None:
        _note(section, "tenants", "needs to know the claim", "Write claims: {tenant: NAME OF THE CLAIM}.")
    if authority is None:
        return
    if authority.shared and config.tenants is None:
        fix = "Write tenants: {DIRECTORY-ID: NAME}: an issuer for several directories would let everybody's in."
        _note(section, "tenant", "cannot be used with this issuer", fix)
    for directory in config.tenants or ():
        if not is_directory(directory):
            _note(section, "tenants", "has a key that is no directory id", "Write the GUID in lower case (Overview, Tenant ID).")
        elif not authority.shared and directory != authority.directory:
            _note(section, "tenants", "names a directory the issuer does not speak for", "Use the issuer …/organizations/v2.0.")


def _check_audience(section: Section, config: ProviderConfig) -> None:
    if not config.audience:
        fix = (
            "Write audience: [...] with what the provider puts into `aud` for this gateway; others' tokens must not be accepted."
        )
        _note(section, "audience", "is missing", fix)


def _check_algorithms(section: Section, algorithms: Sequence[str]) -> None:
    unusable = [one for one in algorithms if one not in ALGORITHMS]
    if unusable:
        _note(section, "algorithms", "has one that is never accepted", f"Use some of {', '.join(sorted(ALGORITHMS))}.")


def _check_graph(section: Section, config: ProviderConfig) -> None:
    if config.graph and (config.kind != "entra" or not (config.client_id and config.client_secret)):
        fix = "It needs kind: entra, client_id and client_secret; docs/access/entra.md names the permissions."
        _note(section, "graph", "cannot be used here", fix)


def _check_url(section: Section, key: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.username is not None or parts.query or parts.fragment or not url.isascii():
        _note(section, key, "is not an address of a provider", "Write https://HOST/PATH, without user name, ? and #.")
    elif parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        _note(section, key, "does not begin with https://", "Only a provider on this machine may go without.")


def _note_duplicates(sections: Sequence[Section]) -> None:
    for field, fix in (("name", "Give each provider its own name."), ("issuer", "Write one entry for an issuer.")):
        seen: set[str] = set()
        for section in sections:
            value = section.scalar_text(field)
            if value is not None and value in seen:
                _note(section, field, "stands in an earlier entry too", fix)
            seen |= {value} if value else set()


def _note(section: Section, key: str, problem: str, fix: str) -> None:
    section.faults.note(section.value(key) or section.node, section.child(key), problem, fix)


def _or_flag(value: bool | None, default: bool) -> bool:  # noqa: FBT001  # two values of one kind
    return default if value is None else value


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
