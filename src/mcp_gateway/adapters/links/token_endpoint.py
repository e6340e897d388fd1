"""Asks an authorization server for a token to call one upstream with. It goes the same way out as every other request."""

import base64
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus, urlencode

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import HttpClient, Outgoing
from mcp_gateway.core.protocol.frames import JsonObject, parse_object
from mcp_gateway.federation.errors import (
    UpstreamAnswerTooLarge,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamRefused,
    UpstreamTimedOut,
)
from mcp_gateway.registry.model import Credential, ServerLimits

LIMITS: Final = ServerLimits(timeout_seconds=10.0, connect_seconds=5.0, max_answer_bytes=256 * 1024, calls_at_once=16)
_HEAD: Final = b"content-type: application/x-www-form-urlencoded\r\naccept: application/json\r\n"
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")
_CODE: Final = re.compile(r"[a-z_]{1,60}")
# For a token of which nobody says how long it lasts.
_UNSAID_SECONDS: Final = 300.0
_LONGEST_SECONDS: Final = 24 * 3600.0
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a kind of token


@dataclass(frozen=True, kw_only=True, slots=True)
class Granted:
    token: str = field(repr=False)
    seconds: float


class TokenEndpoint:
    """`http` reaches `credential.token_url`. `faults` name the server the token is for."""

    def __init__(self, credential: Credential, http: HttpClient, faults: Faults) -> None:
        self._credential, self._http, self._faults = credential, http, faults

    async def grant(self, subject: str | None) -> Granted:
        """A token; for the holder of the token `subject`, where there is one.

        Raises `UpstreamRefused` when it is not given, and `UpstreamUnreachable`: the server itself was asked for nothing.
        """
        outgoing = Outgoing(head=_HEAD + self._basic(), body=urlencode(self._form(subject)).encode("ascii"), reads=True)
        try:
            answer = await self._http.send(outgoing)
        except (UpstreamLost, UpstreamTimedOut, UpstreamMisbehaved, UpstreamAnswerTooLarge) as error:
            raise self._faults.unreachable(f"its token endpoint gives no answer ({error.code})") from error
        if answer.body is None:
            answer.leave()
            raise self._faults.unreachable("its token endpoint gives no proper answer")
        document = _document(answer.body)
        if answer.status != 200:
            raise self._refusal(answer.status, document)
        return self._granted(document)

    async def close(self) -> None:
        await self._http.close()

    def _form(self, subject: str | None) -> dict[str, str]:
        credential = self._credential
        form = {"grant_type": "client_credentials"}
        if subject is not None:
            form = {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token": subject,
                "subject_token_type": _ACCESS_TOKEN,
                "requested_token_type": _ACCESS_TOKEN,
            }
        if credential.scope:
            form["scope"] = credential.scope
        if credential.audience:
            form["audience"] = credential.audience
        return form

    def _basic(self) -> bytes:
        """RFC 6749, 2.3.1: both are form-encoded before they are joined."""
        pair = f"{quote_plus(self._credential.client_id)}:{quote_plus(self._credential.secret)}"
        return b"authorization: Basic " + base64.b64encode(pair.encode("ascii")) + b"\r\n"

    def _refusal(self, status: int, document: JsonObject) -> Exception:
        if status >= 500 or status == 429:
            return self._faults.unreachable(f"its token endpoint answers with status {status}")
        said = document.get("error")
        code = said if isinstance(said, str) and _CODE.fullmatch(said) else "no reason given"
        message = f"The token endpoint gives no token for {self._faults.server}: {code} (status {status})."
        hint = "Check token_url, client_id, secret, scope and audience of the server's credential."
        return UpstreamRefused(message, hint=hint, server=self._faults.server, status=status)

    def _granted(self, document: JsonObject) -> Granted:
        token, kind, seconds = document.get("access_token"), document.get("token_type"), document.get("expires_in")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind).lower() != "bearer":
            raise self._faults.unreachable("its token endpoint gives no bearer token")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            return Granted(token=token, seconds=_UNSAID_SECONDS)
        return Granted(token=token, seconds=min(float(seconds), _LONGEST_SECONDS))


def _document(body: bytes) -> JsonObject:
    try:
        return parse_object(body)
    except ValueError:
        return {}
