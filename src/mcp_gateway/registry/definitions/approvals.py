"""What administrators do about definitions: list, look, compare, approve, block. Each use case takes the caller first.

Those who see a server see what of it may be used. Those who manage it see the rest, and decide; every decision names the
fingerprint that was looked at, passes the governor as `manage_servers` and is written down before it is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol, TypeAlias

from mcp_gateway.access.act import Act, FaceName
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.model import Action, Target
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import parse_object
from mcp_gateway.registry.definitions.compare import compare, describe_new
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.definitions.differences import Comparison
from mcp_gateway.registry.definitions.errors import DefinitionChanged, FingerprintNeeded, UnknownDefinition
from mcp_gateway.registry.definitions.findings import Finding
from mcp_gateway.registry.definitions.model import Key, Kind, Record, Status
from mcp_gateway.registry.definitions.suspicious import Surroundings, find_suspicious
from mcp_gateway.registry.model import Server

# Eight digits are told apart by whoever looks; fewer could be guessed.
MIN_FINGERPRINT: Final = 8
_TRIES: Final = 5
_TO_USE: Final[Mapping[Kind, Action]] = {"tools": "call_tool", "prompts": "get_prompt", "resources": "read_resource",
                                         "templates": "read_resource", "instructions": "see_servers"}  # fmt: skip

_Role: TypeAlias = Literal["manages", "sees"]


class Seeing(Protocol):
    """The part of the registry that says who may see what."""

    @property
    def servers(self) -> Mapping[str, Server]: ...

    def may_see(self, caller: Caller, item: Server, /) -> bool: ...

    def sees_details(self, caller: Caller, item: Server, /) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to list; "" and None: of every server, kind and status."""

    server: str = ""
    kind: Kind | None = None
    status: Status | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """`managing`: the caller may decide about it, and sees why it stands as it does."""

    record: Record
    managing: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """The latest definition against the approved one, or by itself where none ever was. `standing_findings` are all there are in
    the latest, also those that were approved.
    """

    record: Record
    comparison: Comparison
    standing_findings: tuple[Finding, ...]


class Approvals:
    """Raises `UnknownDefinition` also for what the caller may not see."""

    def __init__(self, definitions: Definitions, seeing: Seeing, governor: Governor, clock: Clock) -> None:
        self._definitions, self._seeing, self._governor, self._clock = definitions, seeing, governor, clock

    def list(self, caller: Caller, wanted: Wanted) -> tuple[Shown, ...]:
        """By server, kind and name. Servers that are registered no more are left out."""
        roles: dict[str, _Role | None] = {}
        shown = []
        for record in self._definitions.records(wanted.server):
            if wanted.kind not in (None, record.kind) or wanted.status not in (None, record.status):
                continue
            if record.server not in roles:
                roles[record.server] = self._role(caller, record.server)
            entry = self._shown(caller, record, roles[record.server])
            if entry is not None:
                shown.append(entry)
        return tuple(shown)

    def show(self, caller: Caller, key: Key) -> Shown:
        record = self._definitions.record(key)
        shown = None if record is None else self._shown(caller, record, self._role(caller, record.server))
        if shown is None:
            raise _unknown(key)
        return shown

    def compare(self, caller: Caller, key: Key) -> Compared:
        """For those who manage the server."""
        record = self._managed(caller, key)
        latest = parse_object(record.latest_body)
        around = self._around(record)
        if record.approved_body is None:
            comparison = describe_new(record.kind, latest, around)
        else:
            comparison = compare(record.kind, parse_object(record.approved_body), latest, around)
        return Compared(record=record, comparison=comparison, standing_findings=find_suspicious(latest, around))

    async def approve(self, caller: Caller, key: Key, fingerprint: str, *, face: FaceName = "http") -> Record:
        """Its latest definition counts from now on, on every replica, if it has this fingerprint, or one that begins so.

        Raises `DefinitionChanged`, `FingerprintNeeded`.
        """

        def decided(known: Record) -> Record:
            return replace(
                known,
                approved_fingerprint=known.latest_fingerprint,
                approved_body=known.latest_body,
                status="offered",
                verdict="approved",
                reasons=(),
                decided_at=self._clock.timestamp(),
                decided_by=caller.subject,
            )

        return await self._decide(caller, key, "approve", fingerprint, decided, face)

    async def block(self, caller: Caller, key: Key, fingerprint: str = "", *, face: FaceName = "http") -> Record:
        """Nobody lists or calls it until it is approved, whatever becomes of it meanwhile. `fingerprint` "": whichever it is."""

        def decided(known: Record) -> Record:
            at = self._clock.timestamp()
            return replace(known, status="blocked", verdict="refused", decided_at=at, decided_by=caller.subject)

        return await self._decide(caller, key, "block", fingerprint or None, decided, face)

    async def _decide(
        self, caller: Caller, key: Key, verb: str, fingerprint: str | None, decided: "_Deciding", face: FaceName
    ) -> Record:
        if self._role(caller, key.server) is None:
            raise _unknown(key)
        known = self._definitions.record(key)
        arguments: dict[str, Json] = {verb: key.name, "kind": key.kind, "fingerprint": fingerprint}
        if known is not None:
            arguments |= {"latest": known.latest_fingerprint, "approved": known.approved_fingerprint, "status": known.status}

        async def work() -> Record:
            # Another replica may have seen something a moment ago; what counts is that the fingerprint is still the one meant.
            for _ in range(_TRIES):
                current = self._managed(caller, key)
                _require_same(current, fingerprint)
                record = decided(current)
                if await self._definitions.decide(current, record):
                    return record
            raise DefinitionChanged(server=key.server, name=key.name)

        act = Act(action="manage_servers", target=Target(server=key.server, tool=key.name), arguments=arguments, face=face)
        return await self._governor.carry_out(caller, act, work)

    def _role(self, caller: Caller, server: str) -> _Role | None:
        """None: the caller may not even see it."""
        known = self._seeing.servers.get(server)
        if known is None:
            return None
        if self._seeing.sees_details(caller, known):
            return "manages"
        return "sees" if self._seeing.may_see(caller, known) else None

    def _shown(self, caller: Caller, record: Record, role: _Role | None) -> Shown | None:
        if role is None or not record.name:
            return None
        if role == "sees" and (record.status != "offered" or not self._may_use(caller, record)):
            return None
        return Shown(record=record, managing=role == "manages")

    def _may_use(self, caller: Caller, record: Record) -> bool:
        target = Target(server=record.server, tool=record.name if record.kind in ("tools", "prompts") else "")
        return self._governor.decide(caller, _TO_USE[record.kind], target).allowed

    def _managed(self, caller: Caller, key: Key) -> Record:
        shown = self.show(caller, key)
        if not shown.managing:
            raise _unknown(key)
        return shown.record

    def _around(self, record: Record) -> Surroundings:
        return self._definitions.around(record.server)


class _Deciding(Protocol):
    def __call__(self, known: Record, /) -> Record: ...


def _require_same(known: Record, fingerprint: str | None) -> None:
    """`fingerprint` None: whichever it is. Raises `DefinitionChanged`, `FingerprintNeeded`."""
    if fingerprint is None:
        return
    if len(fingerprint) < MIN_FINGERPRINT:
        raise FingerprintNeeded(latest=known.latest_fingerprint)
    if not known.latest_fingerprint.startswith(fingerprint.lower()):
        raise DefinitionChanged(server=known.server, name=known.name, latest=known.latest_fingerprint)


def _unknown(key: Key) -> UnknownDefinition:
    return UnknownDefinition(server=key.server[:100], kind=key.kind, name=key.name[:200])
