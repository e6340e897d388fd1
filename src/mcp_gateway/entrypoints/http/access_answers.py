"""What the routes of access, tokens and the audit trail answer, as clients see it in the description."""

from typing_extensions import TypedDict

from mcp_gateway.entrypoints.http.models import JsonObject, deferred


class CallerAnswer(TypedDict):
    """Somebody. `scopes` None: not narrowed."""

    tenant: str
    subject: str
    roles: list[str]
    scopes: list[str] | None


class LinkAnswer(TypedDict):
    """One step of a decision."""

    step: str
    passed: bool
    detail: str
    rule: str | None


@deferred
class ExplanationAnswer(TypedDict):
    """Why somebody may, or may not."""

    caller: CallerAnswer
    action: str
    target: str
    allowed: bool
    works: bool
    reason: str
    chain: list[LinkAnswer]
    advice: list[str]
    row_filters: list[str]


class StatementAnswer(TypedDict):
    """A rule, role or row filter; `statement` is its text as it is written in a file."""

    kind: str
    id: str
    statement: JsonObject


class ListedAnswer(StatementAnswer):
    """One of those that speak about a tenant, and who wrote it."""

    source: str
    created_at: str | None
    created_by: str | None


@deferred
class RulesAnswer(TypedDict):
    """All that speak about a tenant."""

    rules: list[ListedAnswer]
    version: str


@deferred
class PutAnswer(TypedDict):
    """What was stored."""

    rule: StatementAnswer
    version: str


@deferred
class RemovedAnswer(TypedDict):
    """The name of what was removed."""

    removed: str


@deferred
class RuleRemovedAnswer(RemovedAnswer):
    """The same, with the version of the rules since."""

    version: str


class ShiftAnswer(TypedDict):
    """Who would lose or gain what; `subject` None: everybody of these roles."""

    subject: str | None
    roles: list[str]
    action: str
    target: str
    allowed: bool
    rule: str | None
    reason: str
    count: int


@deferred
class DryRunAnswer(TypedDict):
    """What a change of the rules would do."""

    of_calls: list[ShiftAnswer]
    of_roles: list[ShiftAnswer]
    compared_calls: int


class TokenAnswer(TypedDict):
    """What is known of a token; never its text."""

    id: str
    subject: str
    roles: list[str]
    name: str
    issued_at: str
    expires_at: str
    issued_by: str


class ListedTokenAnswer(TokenAnswer):
    """One of a tenant's."""

    revoked: bool


@deferred
class TokensAnswer(TypedDict):
    """Those of a tenant that have not expired."""

    tokens: list[ListedTokenAnswer]


@deferred
class IssuedAnswer(TokenAnswer):
    """With its text, which is told this once."""

    token: str


@deferred
class RevokedAnswer(TypedDict):
    """The id of the token that was taken back."""

    revoked: str


@deferred
class SignedOutAnswer(TypedDict):
    """Whose tokens and sign-ins were ended."""

    subject: str
    sessions_ended: int


class AuditRowAnswer(TypedDict):
    """One act."""

    sequence: int
    at: str
    subject: str
    credential: str | None
    action: str
    server: str | None
    target: str | None
    decision: str
    reason: str
    outcome: str
    error_code: str | None
    duration_ms: float
    correlation_id: str | None
    fingerprint: str | None
    arguments: str | None
    face: str | None
    hash: str


@deferred
class AuditPageAnswer(TypedDict):
    """Newest first; `before` is what to ask the next page with, None on the last."""

    rows: list[AuditRowAnswer]
    before: int | None


class FaultAnswer(TypedDict):
    """Where a chain does not hold."""

    fault: str
    sequence: int
    through: int
    detail: str


@deferred
class VerificationAnswer(TypedDict):
    """Whether a tenant's chain holds. `first` and `last` None: it is empty."""

    sound: bool
    rows: int
    first: int | None
    last: int | None
    hash: str
    seals: int
    findings: list[FaultAnswer]
