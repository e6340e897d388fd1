"""What a token says, read without believing any of it: what a person needs to see, and nothing that could be used to call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mcp_gateway.access.errors import TokenRefused
from mcp_gateway.access.examination.step import Step, ok, problem
from mcp_gateway.access.tokens.entra import has_overage, is_app_only, version_of
from mcp_gateway.access.tokens.envelope import Envelope, open_envelope
from mcp_gateway.core.errors import Json

MAX_SHOWN: Final = 200
_SHOWN_CLAIMS: Final = ("iss", "aud", "tid", "ver", "idtyp", "azp", "appid", "client_id", "scp", "scope", "roles", "typ")
_TIMES: Final = ("iat", "nbf", "exp")
_GRAPH: Final = ("00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com", "https://graph.windows.net")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadToken:
    """The parts of a token that can be taken apart; `step` says so, or why not."""

    envelope: Envelope | None
    step: Step

    def claim(self, name: str) -> Json:
        return None if self.envelope is None else self.envelope.claims.get(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """The claim's texts, whether it is one or a list."""
        value = self.claim(name)
        found = value if isinstance(value, list) else [value]
        return tuple(one for one in found if isinstance(one, str))


def read_token(token: str) -> ReadToken:
    try:
        envelope = open_envelope(token.strip())
    except TokenRefused as refusal:
        change = "Paste the whole access token, three parts with dots. An opaque token cannot be examined: ask for a JWT, which "
        change += "providers give only for a registered resource (audience)."
        return ReadToken(envelope=None, step=problem("token", refusal.message, change, "client"))
    return ReadToken(envelope=envelope, step=ok("token", _kind(envelope.claims), **facts_of(envelope)))


def facts_of(envelope: Envelope) -> dict[str, Json]:
    """Header and claims that explain a verdict, cut; names of people, token ids and everything unknown are left out."""
    claims = envelope.claims
    facts: dict[str, Json] = {f"header_{name}": _cut(envelope.header.get(name)) for name in ("alg", "kid", "typ")}
    facts |= {name: _cut(claims[name]) for name in _SHOWN_CLAIMS if name in claims}
    facts |= {name: _moment(claims[name]) for name in _TIMES if name in claims}
    groups = claims.get("groups")
    if isinstance(groups, list):
        facts["groups"] = len(groups)
    if has_overage(claims):
        facts["groups_overage"] = True
    facts["claims"] = [*sorted(_plain(name) for name in claims)[:100]]
    return facts


def judge_audience(token: ReadToken, accepted: frozenset[str]) -> Step:
    named = token.texts("aud")
    shown = ", ".join(_plain(one) for one in named) or "nobody"
    if accepted.intersection(named):
        return ok("token audience", f"It was issued for {shown}, which is accepted.")
    if any(one.rstrip("/") in _GRAPH for one in named):
        return problem(
            "token audience",
            "It was issued for Microsoft Graph: no scope of the gateway's was asked for, or one without prefix (AADSTS650053).",
            "Ask for the whole scope, api://CLIENT-ID/gateway.ask.",
            "client",
        )
    return problem(
        "token audience",
        f"It was issued for {shown}; accepted is {', '.join(sorted(accepted))}.",
        "Ask the provider for a token for this gateway; if that is what it calls the gateway, add it to `audience`.",
        "access file",
    )


def _kind(claims: Mapping[str, Json]) -> str:
    said = ["A signed token"]
    version = version_of(claims)
    if version is not None and "tid" in claims:
        said.append(f"of Entra's form v{version}")
        said.append("of a program" if is_app_only(claims) else "of a person")
    return " ".join(said) + "; nothing in it is believed yet."


def _moment(value: Json) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "no time"
    try:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return "no time"


def _cut(value: Json) -> Json:
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, list):
        return [_cut(one) for one in value[:20] if not isinstance(one, dict | list)]
    return value if value is None or isinstance(value, bool | int | float) else "(an object)"


def _plain(text: str) -> str:
    """Fit for a terminal: without control characters, and cut."""
    return "".join(one if one.isprintable() else "·" for one in text[:MAX_SHOWN])
