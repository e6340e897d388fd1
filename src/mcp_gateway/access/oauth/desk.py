"""The use cases: a program asks, a person decides, the program gets tokens, gets others, gives them back.

The tokens are this gateway's own, with the person's roles and no more than the scopes they agreed to. What a login provider gave
never leaves the gateway.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from mcp_gateway.access.governor import Note
from mcp_gateway.access.oauth.clients import Clients, host_of_client
from mcp_gateway.access.oauth.consents import Consents
from mcp_gateway.access.oauth.errors import ConsentOver, OAuthRefused
from mcp_gateway.access.oauth.exchange import Exchange
from mcp_gateway.access.oauth.grants import Grants
from mcp_gateway.access.oauth.model import Asked, Client, Code, Grant, Waiting
from mcp_gateway.access.oauth.redirects import fits, is_loopback
from mcp_gateway.access.oauth.requests import Place, answer_address, read_asked, read_state
from mcp_gateway.access.oauth.scopes import grantable
from mcp_gateway.access.policy.model import Policy
from mcp_gateway.access.sessions.model import Session
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller

MAX_CLIENT_ID_CHARS: Final = 2_000


class Noting(Protocol):
    """Writes down what was decided. Raises `AuditUnavailable`."""

    async def note(self, caller: Caller, note: Note, /) -> None: ...


class AnswerRefused(OAuthRefused):
    """A program's request is refused, and the program is known, so it can be told: `address` is where the browser would go."""

    def __init__(self, refusal: OAuthRefused, redirect_uri: str, address: str) -> None:
        super().__init__(refusal.error, refusal.message)
        self.address = address
        # Without anybody having looked at the program, a browser is sent on by itself to this machine alone.
        self.goes_by_itself = is_loopback(redirect_uri)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a person is asked. `vouched`: the host stands for the program's name; otherwise the name is only what it says."""

    waiting: Waiting
    client: Client
    host: str
    vouched: bool
    scopes: tuple[str, ...]


class OAuthDesk:
    """`lasts_seconds`: how long a program may act for somebody before they have to log in again."""

    def __init__(
        self,
        clients: Clients,
        consents: Consents,
        grants: Grants,
        exchange: Exchange,
        noting: Noting,
        clock: Clock,
        *,
        policy: Callable[[], Policy],
        lasts_seconds: float,
    ) -> None:
        self.clients, self.exchange = clients, exchange
        self._consents, self._grants, self._noting, self._clock = consents, grants, noting, clock
        self._policy, self._lasts = policy, lasts_seconds

    async def begin(self, parameters: Mapping[str, str], place: Place) -> str:
        """What the browser holds until somebody has decided. Raises `OAuthRefused`, or `AnswerRefused` once it is known whose."""
        client_id, redirect_uri = parameters.get("client_id", ""), parameters.get("redirect_uri", "")
        if not 0 < len(client_id) <= MAX_CLIENT_ID_CHARS:
            raise OAuthRefused("invalid_client", "The request names no program.")
        client = await self.clients.find(client_id)
        if not fits(redirect_uri, client.redirect_uris):
            raise OAuthRefused("invalid_redirect_uri", "The program did not name this redirect URI before.")
        try:
            asked = read_asked(parameters, place, client_id=client_id, redirect_uri=redirect_uri)
            return self._consents.keep(Waiting(request_id=self._grants.new_id(), asked=asked))
        except OAuthRefused as refusal:
            raise _told(refusal, redirect_uri, place, parameters) from refusal

    async def question(self, sealed: str, caller: Caller) -> Question:
        """What this person is to decide. Raises `ConsentOver`, `OAuthRefused`."""
        waiting = self._consents.waiting(sealed)
        client = await self.clients.find(waiting.asked.client_id)
        if not fits(waiting.asked.redirect_uri, client.redirect_uris):
            raise OAuthRefused("invalid_redirect_uri", "The program no longer names this redirect URI.")
        return Question(
            waiting=waiting,
            client=client,
            host=host_of_client(client, waiting.asked.redirect_uri),
            vouched=client.kind == "document",
            scopes=grantable(self._policy(), caller, waiting.asked.scopes),
        )

    async def is_settled(self, question: Question, session_id: str) -> bool:
        """Whether the same was agreed to before, in this login."""
        return bool(question.scopes) and await self._consents.remembered(question.waiting.asked, session_id)

    async def agree(self, question: Question, session_id: str, session: Session, correlation_id: str) -> str:
        """Where the browser goes with a code. Raises `ConsentOver` if there is nothing to give, and what the stores raise."""
        if not question.scopes:
            raise ConsentOver("You may do nothing of what the program asks for.", hint="Ask an administrator for a role.")
        asked, now = question.waiting.asked, self._clock.timestamp()
        grant = Grant(
            grant_id=self._grants.new_id(),
            caller=session.caller,
            client_id=asked.client_id,
            client_name=question.client.name or question.host,
            scopes=frozenset(question.scopes),
            resource=asked.resource,
            given_at=now,
            ends_at=self._ends_at(session, now),
        )
        await self._noting.note(session.caller, _note(question, allowed=True, correlation_id=correlation_id))
        code = await self._grants.give_code(Code(grant=grant, redirect_uri=asked.redirect_uri, challenge=asked.challenge))
        await self._consents.remember(asked, session_id, session)
        return answer_address(asked.redirect_uri, asked.issuer, asked.state, code=code)

    def _ends_at(self, session: Session, now: float) -> float:
        """A login that ends sooner than others, with the token it was begun with, gives a program nothing that outlasts it."""
        until = session.expires_at.timestamp()
        cut_short = until - session.created_at.timestamp() < self._lasts
        return min(now + self._lasts, until) if cut_short else now + self._lasts

    async def decline(self, question: Question, caller: Caller, correlation_id: str) -> str:
        """Where the browser goes to tell the program. Raises `AuditUnavailable`."""
        asked = question.waiting.asked
        await self._noting.note(caller, _note(question, allowed=False, correlation_id=correlation_id))
        return answer_address(asked.redirect_uri, asked.issuer, asked.state, error="access_denied")


def matching(question: Question, request_id: str) -> Question:
    """The question, if it is the one that was shown. Raises `ConsentOver`: another request has taken its place since."""
    if question.waiting.request_id != request_id:
        raise ConsentOver
    return question


def _told(refusal: OAuthRefused, redirect_uri: str, place: Place, parameters: Mapping[str, str]) -> AnswerRefused:
    try:
        state = read_state(parameters)
    except OAuthRefused:
        state = None
    said = {"error": refusal.error, "error_description": refusal.message}
    return AnswerRefused(refusal, redirect_uri, answer_address(redirect_uri, place.issuer, state, **said))


def _note(question: Question, *, allowed: bool, correlation_id: str) -> Note:
    asked: Asked = question.waiting.asked
    arguments: dict[str, Json] = {
        "client_id": asked.client_id,
        "name": question.client.name,
        "redirect_uri": asked.redirect_uri,
        "resource": asked.resource,
        "scopes": [*question.scopes],
    }
    return Note(
        action="consent",
        tool=question.host,
        allowed=allowed,
        reason="agreed" if allowed else "declined",
        arguments=arguments,
        correlation_id=correlation_id,
    )
