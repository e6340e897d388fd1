"""From codes and refresh tokens to access tokens, and back. Programs are public here: PKCE and rotation stand for a secret."""

from collections.abc import Mapping
from typing import Final, Protocol

from mcp_gateway.access.errors import NotAllowed, TokenNotFound, TokenNotIssuable, TokenRefused
from mcp_gateway.access.governor import Note
from mcp_gateway.access.oauth.errors import OAuthError, OAuthRefused
from mcp_gateway.access.oauth.grants import Grants
from mcp_gateway.access.oauth.model import Grant, Tokens
from mcp_gateway.access.oauth.requests import Place, read_resource, verifier_fits
from mcp_gateway.access.oauth.scopes import read_scopes
from mcp_gateway.access.tokens.authenticate import Authenticate
from mcp_gateway.access.tokens.desk import TokenDesk
from mcp_gateway.access.tokens.embedded import MIN_LIFETIME_SECONDS
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import Caller

ACCESS_SECONDS: Final = 3_600.0


class Writing(Protocol):
    """The audit trail. Raises `AuditUnavailable`."""

    async def note(self, caller: Caller, note: Note, /) -> None: ...

    async def note_refused_login(self, error: GatewayError, *, correlation_id: str = ...) -> None: ...


class Exchange:
    """Every method raises `OAuthRefused`, `SessionsAway` and `AuditUnavailable`."""

    def __init__(
        self,
        grants: Grants,
        tokens: TokenDesk,
        authenticate: Authenticate,
        revocations: Revocations,
        trail: Writing,
        clock: Clock,
    ) -> None:
        self._grants, self._tokens, self._authenticate = grants, tokens, authenticate
        self._revocations, self._trail, self._clock = revocations, trail, clock

    async def give(self, form: Mapping[str, str], place: Place, correlation_id: str) -> Tokens:
        """What POST /oauth/token answers."""
        ways = {"authorization_code": self._by_code, "refresh_token": self._by_refresh}
        way = ways.get(form.get("grant_type", ""))
        if way is None:
            raise OAuthRefused("unsupported_grant_type", "grant_type must be authorization_code or refresh_token.")
        if not form.get("client_id"):
            raise OAuthRefused("invalid_request", "client_id is missing.")
        try:
            return await way(form, place, correlation_id)
        except OAuthRefused as refusal:
            await self._trail.note_refused_login(refusal, correlation_id=correlation_id)
            raise

    async def revoke(self, form: Mapping[str, str], correlation_id: str) -> None:
        """RFC 7009: the grant of a refresh token, or an access token of a program. What is not known is gone already."""
        token = form.get("token", "")
        if not token:
            raise OAuthRefused("invalid_request", "token is missing.")
        grant = await self._grants.grant_of(token)
        if grant is not None:
            if grant.client_id == form.get("client_id"):
                await self._end(grant, "revoked_by_program", correlation_id, allowed=True)
            return
        try:
            caller = await self._authenticate(token)
            await self._tokens.give_back(caller)
        except (TokenRefused, TokenNotFound):
            return
        await self._trail.note(
            caller, Note(action="revoke_program", allowed=True, reason="given_back", correlation_id=correlation_id)
        )

    async def _by_code(self, form: Mapping[str, str], place: Place, correlation_id: str) -> Tokens:
        text = form.get("code", "")
        code = await self._grants.take_code(text)
        if code is None:
            used = await self._grants.used_for(text)
            if used is not None:
                await self._end(used, "code_replayed", correlation_id)
            raise OAuthRefused("invalid_grant", "The code is not known, was used, or its minute is over.")
        grant = code.grant
        same = grant.client_id == form.get("client_id") and code.redirect_uri == form.get("redirect_uri")
        if not same or not verifier_fits(code.challenge, form.get("code_verifier", "")):
            raise OAuthRefused("invalid_grant", "The code is not for this client_id, redirect_uri and code_verifier.")
        self._check_resource(grant, form, place)
        self._check_holds(grant)
        if not await self._grants.open(grant):
            raise OAuthRefused("invalid_grant", "The code was used.")
        return await self._issue(grant, grant.scopes, "issue_to_program", correlation_id)

    async def _by_refresh(self, form: Mapping[str, str], place: Place, correlation_id: str) -> Tokens:
        text = form.get("refresh_token", "")
        grant = await self._grants.grant_of(text)
        if grant is None or grant.client_id != form.get("client_id"):
            raise OAuthRefused("invalid_grant", "The refresh token is not known, or its login is over.")
        self._check_resource(grant, form, place)
        scopes = frozenset(read_scopes(form["scope"])) if form.get("scope") else grant.scopes
        if not scopes <= grant.scopes:
            raise OAuthRefused("invalid_scope", "A refresh gives no scope that was not agreed to.")
        if not await self._grants.take_refresh(text):
            await self._end(grant, "refresh_replayed", correlation_id)
            raise OAuthRefused("invalid_grant", "The refresh token was used before, so its login is over.")
        self._check_holds(grant)
        return await self._issue(grant, scopes, "refresh_to_program", correlation_id)

    async def _issue(self, grant: Grant, scopes: frozenset[str], action: str, correlation_id: str) -> Tokens:
        left = grant.ends_at - self._clock.timestamp()
        if left < MIN_LIFETIME_SECONDS:
            raise OAuthRefused("invalid_grant", "The login is over.")
        try:
            access, record = await self._tokens.issue_to_program(
                grant.caller, scopes=scopes, lifetime_seconds=min(ACCESS_SECONDS, left), program=grant.client_name
            )
        except (TokenNotIssuable, NotAllowed) as error:
            raise OAuthRefused("invalid_grant", error.message) from error
        await self._grants.note_token(grant, record.jti)
        refresh = await self._grants.give_refresh(grant)
        arguments: dict[str, Json] = {"client_id": grant.client_id, "jti": record.jti, "scopes": [*sorted(scopes)]}
        note = Note(action=action, tool=grant.client_name, allowed=True, arguments=arguments, correlation_id=correlation_id)
        await self._trail.note(grant.caller, note)
        return Tokens(access=access, refresh=refresh, expires_in=int(record.expires_at - record.issued_at), scopes=scopes)

    def _check_resource(self, grant: Grant, form: Mapping[str, str], place: Place) -> None:
        if "resource" in form and read_resource(form["resource"], place) != grant.resource:
            raise OAuthRefused("invalid_target", "The login was for another resource.")

    def _check_holds(self, grant: Grant) -> None:
        """Whoever was signed out, or whose own credential was revoked, is acted for no longer."""
        caller = grant.caller
        if self._revocations.stale(self._clock.monotonic()):
            raise _over("invalid_grant")
        token, subject = (caller.tenant, caller.credential), (caller.tenant, caller.subject)
        if self._revocations.revoked(token, subject, grant.given_at):
            raise _over("invalid_grant")

    async def _end(self, grant: Grant, reason: str, correlation_id: str, *, allowed: bool = False) -> None:
        for jti in await self._grants.end(grant):
            await self._tokens.revoke_token(grant.caller, jti, foreign=True)
        note = Note(
            action="revoke_program", tool=grant.client_name, allowed=allowed, reason=reason, correlation_id=correlation_id
        )
        await self._trail.note(grant.caller, note)


def _over(error: OAuthError) -> OAuthRefused:
    return OAuthRefused(error, "The login is over.")
