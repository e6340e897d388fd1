"""Counts, leases and rules in this process: for one process alone, for tests, and for a replica whose store is away.

Not shared between processes or event loops, gone with the process. Never waits.
"""

from collections.abc import Callable, Sequence

from mcp_gateway.core.clock import Clock
from mcp_gateway.kit.errors import RulesChanged, StoreUnavailable
from mcp_gateway.kit.limits.cells import Cell, new_cell
from mcp_gateway.kit.limits.plans import Outcome, Plan
from mcp_gateway.kit.limits.ports import Place, StoredDocument

# So few budgets are never worth looking through for spent ones.
_FEW = 1_024


class _Prepared:
    """A plan's cells, right as long as `epoch` is the store's."""

    __slots__ = ("cells", "epoch", "plain")

    def __init__(self, epoch: object, cells: list[Cell], *, plain: bool) -> None:
        self.epoch = epoch
        self.cells = cells
        self.plain = plain


class MemoryLimitStore:
    """At most `capacity` budgets; when all are in use, a new one is `StoreUnavailable` rather than an old one forgotten."""

    def __init__(self, *, clock: Clock, capacity: int = 200_000) -> None:
        self._monotonic = clock.monotonic
        self._capacity = capacity
        self._cells: dict[str, Cell] = {}
        self._sweep_at = min(_FEW, capacity)
        self._epoch = object()

    def __len__(self) -> int:
        return len(self._cells)

    def take(self, plan: Plan, cost: int) -> Outcome:
        prepared = plan.prepared
        now = int(self._monotonic() * 1_000_000 + 0.5)
        if prepared.__class__ is not _Prepared or prepared.epoch is not self._epoch:
            prepared = self._prepare(plan, now)
        if not prepared.plain:
            return self._take_with_shadow(plan, prepared.cells, now, cost)
        outcome = [0]
        for cell in prepared.cells:
            left = cell.take(now, cost)
            if left < 0:
                return self._refuse(prepared.cells, cell, now, cost)
            outcome += (left, cell.ends_us - now, 0)
        return outcome

    def look(self, plan: Plan) -> Outcome:
        now = int(self._monotonic() * 1_000_000 + 0.5)
        prepared = self._prepare(plan, now)
        outcome = [0]
        for cell in prepared.cells:
            outcome += cell.look(now, 0)
        return outcome

    @staticmethod
    def _refuse(cells: list[Cell], refusing: Cell, now: int, cost: int) -> Outcome:
        for cell in cells:
            if cell is refusing:
                break
            cell.undo(cost)
        seen = [cell.look(now, cost) for cell in cells]
        outcome = [max(retry for _, _, retry in seen)]
        for figures in seen:
            outcome += figures
        return outcome

    @staticmethod
    def _take_with_shadow(plan: Plan, cells: list[Cell], now: int, cost: int) -> Outcome:
        seen = [cell.look(now, cost) for cell in cells]
        retry = max((each[2] for each, rule in zip(seen, plan.rules, strict=True) if not rule.shadow), default=0)
        outcome = [retry]
        for cell, figures in zip(cells, seen, strict=True):
            if retry or figures[2]:
                outcome += figures
            else:
                left = cell.take(now, cost)
                outcome += (left, cell.ends_us - now, 0)
        return outcome

    def _prepare(self, plan: Plan, now: int) -> _Prepared:
        cells = []
        for key, rule in zip(plan.keys, plan.rules, strict=True):
            cell = self._cells.get(key)
            if cell is None:
                cell = self._new_cell(key, plan, now)
            elif cell.rule != rule:
                # Its variants may share a budget: whoever follows another one looks it up anew.
                cell.follow(rule)
                self._epoch = object()
            cells.append(cell)
        prepared = _Prepared(self._epoch, cells, plain=not any(rule.shadow for rule in plan.rules))
        plan.prepared = prepared
        return prepared

    def _new_cell(self, key: str, plan: Plan, now: int) -> Cell:
        if len(self._cells) >= self._sweep_at:
            self._sweep(now, keep=plan.keys)
        cell = self._cells[key] = new_cell(plan.rules[plan.keys.index(key)])
        return cell

    def _sweep(self, now: int, keep: tuple[str, ...]) -> None:
        """Forget budgets that are whole again. Plans notice by the epoch and look theirs up anew."""
        self._cells = {key: cell for key, cell in self._cells.items() if cell.ends_us > now or key in keep}
        self._epoch = object()
        self._sweep_at = min(max(_FEW, 2 * len(self._cells)), self._capacity)
        if len(self._cells) >= self._capacity:
            raise StoreUnavailable("This process counts as many budgets as it may.", budgets=len(self._cells))


class MemoryLeaseStore:
    """Leases in this process; they lapse by the clock all the same."""

    def __init__(self, *, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._holders: dict[str, dict[str, float]] = {}

    async def acquire(self, places: Sequence[Place], holder: str) -> list[int]:
        now = self._monotonic()
        counts = [self._count(place.key, now) for place in places]
        full = [place.key for place, count in zip(places, counts, strict=True) if count >= place.limit]
        if full:
            return [max(1, *(self._first_lapse_us(key, now) for key in full)), *counts]
        for place in places:
            self._holders.setdefault(place.key, {})[holder] = now + place.lease_us / 1_000_000
        return [0, *(count + 1 for count in counts)]

    async def renew(self, places: Sequence[Place], holder: str) -> bool:
        now = self._monotonic()
        if any(self._holders.get(place.key, {}).get(holder, 0.0) <= now for place in places):
            return False
        for place in places:
            self._holders[place.key][holder] = now + place.lease_us / 1_000_000
        return True

    def release(self, places: Sequence[Place], holder: str) -> None:
        for place in places:
            held = self._holders.get(place.key, {})
            held.pop(holder, None)
            if not held:
                self._holders.pop(place.key, None)

    async def held(self, places: Sequence[Place]) -> list[int]:
        return [self._count(place.key, self._monotonic()) for place in places]

    def _count(self, key: str, now: float) -> int:
        held = self._holders.get(key, {})
        for holder in [name for name, lapses in held.items() if lapses <= now]:
            del held[holder]
        return len(held)

    def _first_lapse_us(self, key: str, now: float) -> int:
        return int((min(self._holders[key].values()) - now) * 1_000_000)


class MemoryRuleStore:
    """Stored rules in this process; whoever watches is told at once."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._text = ""
        self._revision = 0
        self._listeners: list[Callable[[], None]] = []

    async def load(self, *, known_revision: int = 0) -> StoredDocument:
        text = "" if known_revision == self._revision else self._text
        return StoredDocument(text, self._revision, self._clock.now())

    async def save(self, text: str, *, expected_revision: int) -> int:
        if expected_revision != self._revision:
            raise RulesChanged(revision=self._revision, expected_revision=expected_revision)
        self._text = text
        self._revision += 1
        for changed in tuple(self._listeners):
            changed()
        return self._revision

    async def watch(self, changed: Callable[[], None]) -> None:
        self._listeners.append(changed)

    async def unwatch(self, changed: Callable[[], None]) -> None:
        if changed in self._listeners:
            self._listeners.remove(changed)
