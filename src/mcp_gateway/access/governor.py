"""The one place every act passes: decided first, carried out, and written down before anybody hears of the outcome.

Faces and use cases know nothing of rules or trails; they hand an `Act` and the work to the governor.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from mcp_gateway.access.act import ADMINISTRATIVE, Act, FaceName
from mcp_gateway.access.audit.fingerprint import masked_text
from mcp_gateway.access.audit.model import NOBODYS, AuditEvent, Outcome
from mcp_gateway.access.errors import InsufficientScope, NotAllowed
from mcp_gateway.access.policy.model import Action, Decision, Target
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.correlation import CORRELATION_ID
from mcp_gateway.core.errors import GatewayError, Json, code_of
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.values import call_value

ANYTHING = Target()
# Whoever sent a credential that says nothing certain.
STRANGER = Caller(tenant=NOBODYS, subject="")
Result = TypeVar("Result")
Digest: TypeAlias = Callable[[Mapping[str, Json]], tuple[str, str | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What was decided outside the policy: by the person themselves, or by what a program can prove. `action` is no `Action`.

    `reason` says what decided; `tool` whom or what it was about; `arguments` are kept, secrets masked.
    """

    action: str
    allowed: bool
    reason: str = ""
    tool: str = ""
    arguments: Mapping[str, Json] = field(default_factory=dict)
    correlation_id: str = ""
    face: FaceName = "http"


@call_value
class Ended:
    """What came of something allowed. `error_code` is empty unless it failed."""

    outcome: Outcome
    error_code: str = ""
    seconds: float = 0.0


class Deciding(Protocol):
    """Says what a caller may do; pure, and quick when asked the same again."""

    def decide(self, caller: Caller, action: Action, target: Target, /) -> Decision: ...


class Recording(Protocol):
    """Writes what happened. Returns when it is safe from the end of this process; raises `AuditUnavailable`."""

    async def record(self, event: AuditEvent, /) -> None: ...

    def require(self, tenant: str, /) -> None:
        """Raises `AuditUnavailable` when a line could not be written now, and has to be."""
        ...


class Governor:
    """`digest` makes of arguments what the trail may keep: a fingerprint, and the masked text or None."""

    def __init__(self, deciding: Deciding, recording: Recording, clock: Clock, digest: Digest) -> None:
        self._deciding, self._recording, self._clock, self._digest = deciding, recording, clock, digest

    def decide(self, caller: Caller, action: Action, target: Target = ANYTHING) -> Decision:
        """What the policy says; nothing is written down. For what to show, not for what to do."""
        return self._deciding.decide(caller, action, target)

    async def permit(self, caller: Caller, act: Act) -> Decision:
        """The decision, when it allows. Raises `NotAllowed` or `InsufficientScope`, which the trail then tells of."""
        decision = self._deciding.decide(caller, act.action, act.target)
        if decision.allowed:
            return decision
        refusal = refusal_of(decision, act)
        await self.write_refused(caller, act, decision, error_code=refusal.code)
        raise refusal

    def require(self, caller: Caller, act: Act) -> None:
        """What could not be written down is not done either. Raises `AuditUnavailable`."""
        if act.remarkable:
            self._recording.require(caller.tenant)

    async def write_refused(self, caller: Caller, act: Act, decision: Decision, *, error_code: str) -> None:
        """Write down that it was not done. Raises `AuditUnavailable`."""
        why = decision.rule or decision.reason
        await self._recording.record(
            self._event(caller, act, allowed=False, reason=why, outcome="refused", error_code=error_code)
        )

    async def write_ended(self, caller: Caller, act: Act, decision: Decision, ended: Ended) -> None:
        """Write down what came of it, before anybody hears. Raises `AuditUnavailable`."""
        if ended.outcome == "answered" and not act.remarkable:
            return
        why = decision.rule or decision.reason
        line = self._event(
            caller,
            act,
            allowed=True,
            reason=why,
            outcome=ended.outcome,
            error_code=ended.error_code,
            duration_ms=ended.seconds * 1000,
        )
        if ended.outcome != "cancelled":
            await self._recording.record(line)
            return
        # Nobody hears of this outcome, so nobody waits for it either; the trail's writer keeps the line.
        asyncio.ensure_future(self._recording.record(line)).add_done_callback(_heard)

    async def carry_out(self, caller: Caller, act: Act, work: Callable[[], Awaitable[Result]]) -> Result:
        """What the work gives, once the trail has it.

        Raises what `permit` and the work raise, and `AuditUnavailable` in place of an outcome that cannot be written down.
        What is under way when the store goes still ends.
        """
        decision = await self.permit(caller, act)
        self.require(caller, act)
        begun = self._clock.monotonic()

        def ended(outcome: Outcome, error_code: str = "") -> Awaitable[None]:
            seconds = self._clock.monotonic() - begun
            return self.write_ended(caller, act, decision, Ended(outcome=outcome, error_code=error_code, seconds=seconds))

        try:
            result = await work()
        except asyncio.CancelledError:
            await ended("cancelled")
            raise
        except Exception as error:
            await ended("failed", code_of(error))
            raise
        await ended("answered")
        return result

    async def note_refused_login(
        self, error: GatewayError, *, caller: Caller = STRANGER, correlation_id: str = "", face: FaceName = "http"
    ) -> None:
        """Write down a credential that was refused. `caller`: whose it would have been, where that is certain."""
        await self._recording.record(
            AuditEvent(
                tenant=caller.tenant,
                at=self._clock.timestamp(),
                subject=caller.subject,
                credential=caller.credential,
                action="authenticate",
                decision="refused",
                reason=str(error.data.get("reason") or error.code),
                outcome="refused",
                error_code=error.code,
                correlation_id=correlation_id,
                face=face,
            )
        )

    async def note(self, caller: Caller, note: Note) -> None:
        """Write it down before anybody hears of it. Raises `AuditUnavailable`."""
        fingerprint, arguments = self._digest(note.arguments)
        if note.arguments:
            arguments = masked_text(note.arguments)
        await self._recording.record(
            AuditEvent(
                tenant=caller.tenant,
                at=self._clock.timestamp(),
                subject=caller.subject,
                credential=caller.credential,
                roles=tuple(sorted(caller.roles)),
                scopes=None if caller.scopes is None else tuple(sorted(caller.scopes)),
                action=note.action,
                tool=note.tool,
                decision="allowed" if note.allowed else "refused",
                reason=note.reason,
                outcome="answered" if note.allowed else "refused",
                correlation_id=note.correlation_id,
                fingerprint=fingerprint,
                arguments=arguments,
                face=note.face,
            )
        )

    def _event(
        self, caller: Caller, act: Act, *, allowed: bool, reason: str, outcome: Outcome, error_code: str, duration_ms: float = 0.0
    ) -> AuditEvent:
        fingerprint, arguments = self._digest(act.arguments)
        if (act.kept or act.action in ADMINISTRATIVE) and act.arguments:
            arguments = masked_text(act.arguments)
        return AuditEvent(
            tenant=caller.tenant,
            at=self._clock.timestamp(),
            subject=caller.subject,
            credential=caller.credential,
            roles=tuple(sorted(caller.roles)),
            scopes=None if caller.scopes is None else tuple(sorted(caller.scopes)),
            action=act.action,
            server=act.target.server,
            tool=act.target.tool,
            table=act.target.table,
            column=act.target.column,
            decision="allowed" if allowed else "refused",
            reason=reason,
            outcome=outcome,
            error_code=error_code,
            duration_ms=duration_ms,
            correlation_id=act.correlation_id or CORRELATION_ID.get(),
            fingerprint=fingerprint,
            arguments=arguments,
            face=act.face,
        )


def refusal_of(decision: Decision, act: Act) -> NotAllowed | InsufficientScope:
    """The error of a decision that refuses: it names what was wanted, never the rule, which is the administrator's."""
    if decision.scope:
        return InsufficientScope(scope=decision.scope)
    return NotAllowed(f"You may not do this here: {act.action}.", action=act.action)


def _heard(line: asyncio.Future[None]) -> None:
    if not line.cancelled():
        line.exception()
