"""The policy in force: from the file and the store, asked by everybody, changed by administrators, followed on every replica.

Changing needs `manage_access`, and touches what the caller's own tenant stored, never the file and never another tenant's.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from mcp_gateway.access.errors import InsufficientScope, NotAllowed, PolicyInvalid
from mcp_gateway.access.policy.bodies import Statement, identity_of, kind_of, read_statement
from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.changes import Addition, Removal, parse_stored, with_addition, without
from mcp_gateway.access.policy.decide import ANYTHING, decide, may_reach
from mcp_gateway.access.policy.dry_run import DryRun, PastCall, dry_run
from mcp_gateway.access.policy.errors import PolicyBusy, StatementNotFound, WouldLockOut
from mcp_gateway.access.policy.explain import NOTHING_KNOWN, Circumstances, Explanation, explain
from mcp_gateway.access.policy.listing import Listed, list_statements, statements_of
from mcp_gateway.access.policy.model import Action, Decision, Policy, Target
from mcp_gateway.access.policy.ports import RuleStore, StatementFile, StoredStatement, StoredStatements
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller

# Each try loses only against a change that somebody else did make.
_TRIES: Final = 8

log = structlog.get_logger(__name__)


class PolicyDesk:
    """Made by `open_desk`. `current` is the policy in force; another one takes its place when something changed."""

    def __init__(
        self, written: Statements, file: StatementFile | None, stored: StoredStatements, store: RuleStore, clock: Clock
    ) -> None:
        self.current = build_policy(written, parse_stored(stored.held))
        self._written, self._file = written, file
        self._stored, self._store, self._clock = stored, store, clock
        self._changing = asyncio.Lock()

    def decide(self, caller: Caller, action: Action, target: Target = ANYTHING) -> Decision:
        return decide(self.current, caller, action, target)

    def may_reach(self, caller: Caller, action: Action, server: str) -> bool:
        """False where nothing on this server can be allowed to the caller, whatever its name. Scopes are not looked at."""
        return may_reach(self.current, caller, action, server)

    def explain(
        self,
        caller: Caller,
        described: Caller,
        action: Action,
        target: Target = ANYTHING,
        circumstances: Circumstances = NOTHING_KNOWN,
    ) -> Explanation:
        """Of somebody of the caller's own tenant. Raises `NotAllowed` and `InsufficientScope`."""
        self._require(caller)
        if described.tenant != caller.tenant:
            raise NotAllowed("Only callers of your own tenant can be explained.")
        return explain(self.current, described, action, target, circumstances)

    def list(self, caller: Caller) -> Sequence[Listed]:
        """What speaks about the caller's tenant. Raises `NotAllowed` and `InsufficientScope`."""
        self._require(caller)
        return list_statements(caller.tenant, self._written, self._stored.held)

    async def put(self, caller: Caller, addition: Addition, *, force: bool = False) -> Statement:
        """Add it, or replace the one of the same name. In force here when this returns, and within a second on every replica.

        Raises `PolicyInvalid`; `WouldLockOut` when the caller could not take it back, unless `force`; `NotAllowed`,
        `InsufficientScope`; `PolicyBusy` when others change the policy all the time.
        """
        async with self._changing:
            for _ in range(_TRIES):
                self._require(caller)
                row, held = with_addition(
                    self._stored.held, addition, tenant=caller.tenant, at=self._clock.timestamp(), by=caller.subject
                )
                self._refuse_name_of_file(row)
                policy = self._checked(caller, held, force=force)
                if await self._store.put(row, expected_version=self._stored.version):
                    self._adopt(policy, held)
                    return read_statement(row.kind, row.body, owner=row.tenant)
                await self._read_again()
        raise PolicyBusy

    async def remove(self, caller: Caller, removal: Removal, *, force: bool = False) -> None:
        """Raises `StatementNotFound` when the caller's tenant stored none such, and what `put` raises."""
        async with self._changing:
            for _ in range(_TRIES):
                self._require(caller)
                held = without(self._stored.held, removal, tenant=caller.tenant)
                if len(held) == len(self._stored.held):
                    raise StatementNotFound(kind=removal.kind, id=removal.id)
                policy = self._checked(caller, held, force=force)
                version = self._stored.version
                if await self._store.remove(caller.tenant, removal.kind, removal.id, expected_version=version):
                    self._adopt(policy, held)
                    return
                await self._read_again()
        raise PolicyBusy

    def dry_run(self, caller: Caller, change: Sequence[Addition | Removal], calls: Iterable[PastCall] = ()) -> DryRun:
        """What the change would do to the caller's tenant; nothing is changed. Raises as `put` and `remove` do."""
        self._require(caller)
        held, now = self._stored.held, self._clock.timestamp()
        for one in change:
            if isinstance(one, Addition):
                row, held = with_addition(held, one, tenant=caller.tenant, at=now, by=caller.subject)
                self._refuse_name_of_file(row)
                continue
            left = without(held, one, tenant=caller.tenant)
            if len(left) == len(held):
                raise StatementNotFound(kind=one.kind, id=one.id)
            held = left
        after = build_policy(self._written, parse_stored(held))
        return dry_run(self.current, after, calls, tenant=caller.tenant)

    def policy_with(self, written: Statements) -> Policy:
        """What would be in force with another file. Raises `PolicyInvalid`."""
        return build_policy(written, parse_stored(self._stored.held))

    async def reload(self) -> bool:
        """Read again what moved: the file, the store. Whether the policy is another one now.

        What cannot be used changes nothing and is logged, once. Raises what the store raises when it does not answer.
        """
        async with self._changing:
            written = await self._file.reload() if self._file is not None else None
            if written is not None:
                self._written = written
            moved = await self._store.read_version() != self._stored.version
            if moved:
                self._stored = await self._store.read_all()
            return (moved or written is not None) and self._rebuild()

    async def _read_again(self) -> None:
        self._stored = await self._store.read_all()
        self._rebuild()

    def _rebuild(self) -> bool:
        try:
            policy = build_policy(self._written, parse_stored(self._stored.held))
        except PolicyInvalid as error:
            log.error("policy_refused", kept=self.current.version, reason=error.message)  # noqa: TRY400 - no fault of ours
            return False
        changed = policy.version != self.current.version
        if changed:
            log.info("policy_changed", version=policy.version, rules=len(policy.rules))
            self.current = policy
        return changed

    def _checked(self, caller: Caller, held: tuple[StoredStatement, ...], *, force: bool) -> Policy:
        """The policy of these. Raises `PolicyInvalid` and `WouldLockOut`."""
        policy = build_policy(self._written, parse_stored(held))
        if not force and not decide(policy, caller, "manage_access").allowed:
            raise WouldLockOut
        return policy

    def _adopt(self, policy: Policy, held: tuple[StoredStatement, ...]) -> None:
        self._stored = StoredStatements(version=self._stored.version + 1, held=held)
        self.current = policy

    def _refuse_name_of_file(self, row: StoredStatement) -> None:
        """A decision names the rule that made it; two of one name could not be told apart."""
        if any((kind_of(one), identity_of(one)) == (row.kind, row.id) for one in statements_of(self._written)):
            raise PolicyInvalid(f"{row.id} is a name of the access file.", hint="Choose another name.")

    def _require(self, caller: Caller) -> None:
        decision = self.decide(caller, "manage_access")
        if decision.scope:
            raise InsufficientScope(scope=decision.scope)
        if not decision.allowed:
            raise NotAllowed


async def open_desk(written: Statements, store: RuleStore, clock: Clock, file: StatementFile | None = None) -> PolicyDesk:
    """`written` is what the file says now; None for `file`: it is not followed, or there is none.

    Raises `PolicyInvalid`, and what the store raises.
    """
    return PolicyDesk(written, file, await store.read_all(), store, clock)
