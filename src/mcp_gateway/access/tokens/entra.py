"""Microsoft Entra ID: what its issuers are called and what its claims mean. Pure; asks nobody.

One directory (tenant) issues under two names, of which an application registration chooses one: v1 from sts.windows.net, v2 from
login.microsoftonline.com. Both are the same authority. A registration for several directories has metadata with `{tenantid}` in
place of the directory; here each directory that is served becomes an issuer of its own, so nothing is matched by a pattern.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from mcp_gateway.core.errors import Json

Version: TypeAlias = Literal[1, 2]

SHARED: Final = ("organizations", "common")
PLACEHOLDER: Final = "{tenantid}"
_V1_HOSTS: Final = {"login.microsoftonline.com": "sts.windows.net", "login.microsoftonline.us": "sts.windows.net",
                    "login.partner.microsoftonline.cn": "sts.chinacloudapi.cn"}  # fmt: skip
_V2_HOSTS: Final = {"sts.windows.net": "login.microsoftonline.com", "sts.chinacloudapi.cn": "login.partner.microsoftonline.cn"}
_GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class EntraAuthority:
    """A configured issuer, understood. `directory` is a directory's id, or one of `SHARED`; `base` ends before it."""

    base: str
    directory: str
    version: Version

    @property
    def shared(self) -> bool:
        return self.directory in SHARED

    @property
    def metadata_issuer(self) -> str:
        """What its metadata must call itself."""
        return self._issuer(PLACEHOLDER if self.shared else self.directory, self.version)

    def issuers_of(self, directory: str) -> tuple[str, str]:
        """The two values of `iss` in tokens of that directory, v2 first."""
        return self._issuer(directory, 2), self._issuer(directory, 1)

    def token_url(self, directory: str) -> str:
        """Where programs get tokens of that directory."""
        return f"{self._base_of(2)}/{directory}/oauth2/v2.0/token"

    def _issuer(self, directory: str, version: Version) -> str:
        base = self._base_of(version)
        return f"{base}/{directory}/v2.0" if version == 2 else f"{base}/{directory}/"

    def _base_of(self, version: Version) -> str:
        parts = urlsplit(self.base)
        other = (_V2_HOSTS if version == 2 else _V1_HOSTS).get(parts.netloc, parts.netloc)
        return f"{parts.scheme}://{other}"


def read_authority(issuer: str) -> EntraAuthority | None:
    """None: not an issuer as Entra writes them, character by character (v2 without, v1 with a slash at the end)."""
    parts = urlsplit(issuer)
    base = f"{parts.scheme}://{parts.netloc}"
    v2 = re.fullmatch(r"/([a-z0-9-]{1,64})/v2\.0", parts.path, re.ASCII)
    v1 = re.fullmatch(r"/([a-z0-9-]{1,64})/", parts.path, re.ASCII)
    found = v2 or v1
    if found is None or parts.query or parts.fragment or not (is_directory(found[1]) or (v2 and found[1] in SHARED)):
        return None
    return EntraAuthority(base=base, directory=found[1], version=2 if v2 else 1)


def is_directory(text: str) -> bool:
    """Whether this is a directory's id: a GUID in lower case. Domain names are not, as tokens never carry them."""
    return _GUID.fullmatch(text) is not None


def audiences_of(configured: Iterable[str], client_id: str) -> frozenset[str]:
    """Every spelling of the same application: v1 tokens carry its identifier URI, v2 tokens its bare id."""
    named = {*configured, *([client_id] if client_id else [])}
    bare = {word.removeprefix("api://") for word in named}
    ids = {word for word in bare if _GUID.fullmatch(word)}
    return frozenset(named | ids | {f"api://{word}" for word in ids})


def version_of(claims: Mapping[str, Json]) -> Version | None:
    """Which of its two forms a token has; None when it does not say."""
    match claims.get("ver"):
        case "1.0":
            return 1
        case "2.0":
            return 2
    return None


def is_app_only(claims: Mapping[str, Json]) -> bool:
    """Whether a program got it for itself. Without the claim `idtyp`, which is optional, lack of `scp` tells."""
    kind = claims.get("idtyp")
    return kind == "app" if kind is not None else "scp" not in claims


def has_overage(claims: Mapping[str, Json]) -> bool:
    """Whether groups were left out because there are too many: then the token says where to ask, or, cut shorter, only that."""
    names = claims.get("_claim_names")
    return (isinstance(names, dict) and "groups" in names) or claims.get("hasgroups") in (True, "true")
