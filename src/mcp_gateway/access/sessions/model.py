"""A login and the owner of an MCP session as values, and how they are written down."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mcp_gateway.access.sessions.errors import SessionUnreadable
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One login at the page. `csrf_hash` is what the value of X-CSRF-Token must hash to."""

    caller: Caller
    csrf_hash: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedSession:
    """A session that was just made. `session_id` goes into the cookie and nowhere else; neither is ever stored."""

    session_id: str
    csrf: str
    session: Session


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthContext:
    """Whose an MCP session is: enough to know its owner again behind another face or in another replica."""

    tenant: str
    subject: str
    issuer: str
    roles: frozenset[str] = frozenset()

    def is_of(self, caller: Caller) -> bool:
        """Whether the caller is the owner; a refreshed token, or changed roles, make no other."""
        return (self.tenant, self.subject, self.issuer) == (caller.tenant, caller.subject, caller.issuer)


def context_of(caller: Caller) -> AuthContext:
    """What is kept of the caller who opened an MCP session."""
    return AuthContext(tenant=caller.tenant, subject=caller.subject, issuer=caller.issuer, roles=caller.roles)


def write_session(session: Session) -> str:
    """One line of JSON."""
    return _line(
        {
            "caller": caller_document(session.caller),
            "csrf_hash": session.csrf_hash,
            "created_at": session.created_at.timestamp(),
            "expires_at": session.expires_at.timestamp(),
        }
    )


def read_session(line: str) -> Session:
    """Raises `SessionUnreadable`."""
    document = _object(line)
    return Session(
        caller=read_caller(document.get("caller")),
        csrf_hash=_text(document, "csrf_hash"),
        created_at=_moment(document, "created_at"),
        expires_at=_moment(document, "expires_at"),
    )


def write_context(context: AuthContext) -> str:
    """One line of JSON."""
    roles: list[Json] = [*sorted(context.roles)]
    return _line({"tenant": context.tenant, "subject": context.subject, "issuer": context.issuer, "roles": roles})


def read_context(line: str) -> AuthContext:
    """Raises `SessionUnreadable`."""
    document = _object(line)
    return AuthContext(
        tenant=_text(document, "tenant"),
        subject=_text(document, "subject"),
        issuer=_text(document, "issuer"),
        roles=_names(document, "roles"),
    )


def caller_document(caller: Caller) -> dict[str, Json]:
    """A caller as JSON values."""
    return {
        "tenant": caller.tenant,
        "subject": caller.subject,
        "roles": [*sorted(caller.roles)],
        "scopes": None if caller.scopes is None else [*sorted(caller.scopes)],
        "name": caller.name,
        "issuer": caller.issuer,
        "credential": caller.credential,
        "attributes": dict(caller.attributes),
    }


def read_caller(document: Json) -> Caller:
    """Raises `SessionUnreadable`; nothing missing is filled in."""
    if not isinstance(document, dict):
        raise SessionUnreadable
    attributes = document.get("attributes")
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise SessionUnreadable
    return Caller(
        tenant=_text(document, "tenant"),
        subject=_text(document, "subject"),
        roles=_names(document, "roles"),
        scopes=None if document.get("scopes", "") is None else _names(document, "scopes"),
        name=_text(document, "name"),
        issuer=_text(document, "issuer"),
        credential=_text(document, "credential"),
        attributes={name: str(value) for name, value in attributes.items()},
    )


def _line(document: Mapping[str, Json]) -> str:
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"))


def _object(line: str) -> dict[str, Json]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SessionUnreadable from error
    if not isinstance(document, dict):
        raise SessionUnreadable
    return document


def _text(document: Mapping[str, Json], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise SessionUnreadable
    return value


def _names(document: Mapping[str, Json], name: str) -> frozenset[str]:
    values = document.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SessionUnreadable
    return frozenset(str(value) for value in values)


def _moment(document: Mapping[str, Json], name: str) -> datetime:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SessionUnreadable
    return datetime.fromtimestamp(value, tz=UTC)
