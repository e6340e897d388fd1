"""How what waits in the session store is written down. Reading is strict: whatever does not fit is as if it were not there."""

import json
from collections.abc import Mapping

from mcp_gateway.access.oauth.model import Asked, Code, Grant, Waiting
from mcp_gateway.access.sessions.errors import SessionUnreadable
from mcp_gateway.access.sessions.model import caller_document, read_caller
from mcp_gateway.core.errors import Json


def waiting_document(waiting: Waiting) -> dict[str, Json]:
    """Short names: it travels in a cookie. Of the client only its id, which says or leads to all the rest."""
    asked = waiting.asked
    return {
        "i": waiting.request_id,
        "c": asked.client_id,
        "u": asked.redirect_uri,
        "s": [*asked.scopes],
        "r": asked.resource,
        "p": asked.challenge,
        "o": asked.issuer,
        "t": asked.state,
    }


def read_waiting(found: Mapping[str, Json]) -> Waiting:
    """Raises `SessionUnreadable`."""
    state = found.get("t")
    asked = Asked(
        client_id=_text(found, "c"),
        redirect_uri=_text(found, "u"),
        scopes=_texts(found, "s"),
        resource=_text(found, "r"),
        challenge=_text(found, "p"),
        issuer=_text(found, "o"),
        state=state if isinstance(state, str) else None,
    )
    return Waiting(request_id=_text(found, "i"), asked=asked)


def write_code(code: Code) -> str:
    return _line({"grant": _grant_document(code.grant), "redirect_uri": code.redirect_uri, "challenge": code.challenge})


def read_code(line: str) -> Code:
    """Raises `SessionUnreadable`."""
    found = _object(line)
    grant = _read_grant(found.get("grant"))
    return Code(grant=grant, redirect_uri=_text(found, "redirect_uri"), challenge=_text(found, "challenge"))


def write_grant(grant: Grant) -> str:
    return _line(_grant_document(grant))


def read_grant(line: str) -> Grant:
    """Raises `SessionUnreadable`."""
    return _read_grant(dict(_object(line)))


def write_names(names: tuple[str, ...]) -> str:
    return json.dumps([*names])


def read_names(line: str) -> tuple[str, ...]:
    """Raises `SessionUnreadable`."""
    return _texts({"names": _value(line)}, "names")


def _grant_document(grant: Grant) -> dict[str, Json]:
    return {
        "grant_id": grant.grant_id,
        "caller": caller_document(grant.caller),
        "client_id": grant.client_id,
        "client_name": grant.client_name,
        "scopes": [*sorted(grant.scopes)],
        "resource": grant.resource,
        "given_at": grant.given_at,
        "ends_at": grant.ends_at,
    }


def _read_grant(document: Json) -> Grant:
    if not isinstance(document, dict):
        raise SessionUnreadable
    return Grant(
        grant_id=_text(document, "grant_id"),
        caller=read_caller(document.get("caller")),
        client_id=_text(document, "client_id"),
        client_name=_text(document, "client_name"),
        scopes=frozenset(_texts(document, "scopes")),
        resource=_text(document, "resource"),
        given_at=_number(document, "given_at"),
        ends_at=_number(document, "ends_at"),
    )


def _line(document: dict[str, Json]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _value(line: str) -> Json:
    try:
        value: Json = json.loads(line)
    except ValueError as error:
        raise SessionUnreadable from error
    return value


def _object(line: str) -> Mapping[str, Json]:
    value = _value(line)
    if not isinstance(value, dict):
        raise SessionUnreadable
    return value


def _text(document: Mapping[str, Json], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise SessionUnreadable
    return value


def _texts(document: Mapping[str, Json], name: str) -> tuple[str, ...]:
    value = document.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise SessionUnreadable
    return tuple(str(one) for one in value)


def _number(document: Mapping[str, Json], name: str) -> float:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SessionUnreadable
    return float(value)
