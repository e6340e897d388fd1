"""Counts, leases and stored rules on Redis 7 or Valkey 9: one round trip per decision, time from the server.

Every counting key expires by itself; the one key that does not is the document of stored rules. Decisions of one moment share a
script call, so that each costs both sides little more than its share of a write and a read.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files

from mcp_gateway.kit.errors import RulesChanged, StoreRefused, StoreUnavailable
from mcp_gateway.kit.limits.plans import Outcome, Plan
from mcp_gateway.kit.limits.ports import Place, StoredDocument
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limit_batches import Batch, Prepared
from mcp_gateway.kit.redis.packing import Script, Word
from mcp_gateway.kit.redis.wire import Reply

# Leaves time for the policies to decide within 25 ms, on a busy machine too.
DEADLINE_SECONDS = 0.018

# More decisions than this never wait for the store at once.
MOST_PENDING = 10_000

# Of a window's state, before its sum; of one stamp in an exact one.
_HEAD_BYTES, _STAMP_BYTES = 4, 6

RULES_KEY = "rate_limit:rules"
RULES_CHANNEL = "rate_limit:rules:changed"


class RedisLimitStore:
    """Decisions of one loop turn go in one call, in their order; a full batch leaves at once, so that the server works on it
    while the next is made.

    `prefix` goes before every key; `{limits}:` puts all of them into one slot of a cluster (see docs/kit/rate-limits.md).
    """

    def __init__(
        self,
        connection: RedisConnection,
        *,
        prefix: str = "",
        timeout_seconds: float = DEADLINE_SECONDS,
        script: Script | None = None,
    ) -> None:
        """`timeout_seconds`: for one decision, however many round trips it takes. `script`: None is the one that ships.

        To be made inside the event loop that the connection belongs to.
        """
        self._connection = connection
        self._prefix = prefix
        self._timeout_seconds = timeout_seconds
        self._script = script or load_script("limits.lua")
        self._loop = asyncio.get_running_loop()
        self._batch: Batch | None = None
        self._slots_apart = False
        self._pending = 0

    def take(self, plan: Plan, cost: int) -> "Outcome | asyncio.Future[Outcome]":
        if not plan.keys:
            return [0]
        if self._connection.state != "live" or self._pending >= MOST_PENDING:
            raise StoreUnavailable("The store does not answer.", pending=self._pending)
        prepared = plan.prepared
        if prepared.__class__ is not Prepared:
            prepared = plan.prepared = Prepared(plan, self._prefix)
        answer: asyncio.Future[Outcome] = self._loop.create_future()
        batch = self._batch
        if batch is None:
            batch = self._batch = Batch(self)
            self._loop.call_soon(self._send, batch)
        self._pending += 1
        if batch.add(prepared, cost, answer):
            self._send(batch)
        return answer

    def look(self, plan: Plan) -> "Outcome | asyncio.Future[Outcome]":
        return self.take(plan, 0)

    def settled(self, decisions: int) -> None:
        self._pending -= decisions

    def failed(self, batch: Batch, error: StoreRefused | StoreUnavailable) -> None:
        """What the server could not do as it was asked is asked once more in another way."""
        kind = error.kind if isinstance(error, StoreRefused) else ""
        if kind == "NOSCRIPT":  # the server has forgotten it: a restart, a fail-over or a flush
            self._submit(batch, whole=True)
            return
        parts: list[Batch] = []
        if kind == "CROSSSLOT":  # a cluster: from now on only keys of one slot share a call
            self._slots_apart = True
            parts = batch.by_slot()
        elif kind == "ERR":  # one budget that cannot be read must not refuse the others
            parts = batch.one_by_one()
        if len(parts) < 2:
            batch.fail(error)
            return
        for part in parts:
            part.deadline = batch.deadline
            self._submit(part)

    def _send(self, batch: Batch) -> None:
        if self._batch is not batch:
            return  # it was full and has left
        self._batch = None
        deadline = self._loop.time() + self._timeout_seconds
        for part in batch.by_slot() if self._slots_apart else (batch,):
            part.deadline = deadline
            self._submit(part)

    def _submit(self, batch: Batch, *, whole: bool = False) -> None:
        command = batch.command(self._script, whole=whole)
        try:
            self._connection.submit(command, batch.deadline, batch)
        except StoreUnavailable as error:
            batch.fail(error)


class RedisLeaseStore:
    """Who is under way, as a sorted set per key: holder by the server's time at which its lease lapses."""

    def __init__(self, connection: RedisConnection, *, prefix: str = "", timeout_seconds: float = DEADLINE_SECONDS) -> None:
        self._connection = connection
        self._prefix = prefix
        self._timeout_seconds = timeout_seconds
        self._script = load_script("leases.lua")
        self._time = asyncio.get_running_loop().time

    async def acquire(self, places: Sequence[Place], holder: str) -> list[int]:
        return _numbers(await self._run("acquire", places, holder), 1 + len(places))

    async def renew(self, places: Sequence[Place], holder: str) -> bool:
        return bool(_numbers(await self._run("renew", places, holder), 1)[0])

    async def held(self, places: Sequence[Place]) -> list[int]:
        return _numbers(await self._run("count", places, ""), len(places))

    def release(self, places: Sequence[Place], holder: str) -> None:
        for place in places:
            try:
                self._connection.post("ZREM", self._prefix + place.key, holder)
            except StoreUnavailable:
                return

    async def _run(self, what: str, places: Sequence[Place], holder: str) -> Reply:
        keys = [self._prefix + place.key for place in places]
        numbers = [number for place in places for number in (place.limit, place.lease_us)]
        words: tuple[Word, ...] = (len(keys), *keys, what, holder, *numbers)
        deadline = self._time() + self._timeout_seconds
        try:
            return await self._connection.send("EVALSHA", self._script.sha, *words, timeout_seconds=self._timeout_seconds)
        except StoreRefused as refusal:
            if refusal.kind != "NOSCRIPT":
                raise
        seconds_left = max(0.001, deadline - self._time())
        return await self._connection.send("EVAL", self._script.text, *words, timeout_seconds=seconds_left)


class RedisRuleStore:
    """One document of rules for all replicas, its revision, the document before it, and a channel that tells of changes."""

    def __init__(self, connection: RedisConnection, *, prefix: str = "", timeout_seconds: float = 0.25) -> None:
        self._connection = connection
        self._key = prefix + RULES_KEY
        self._channel = prefix + RULES_CHANNEL
        self._timeout_seconds = timeout_seconds
        self._script = load_script("rules.lua")
        self._listeners: dict[Callable[[], None], Callable[[bytes], None]] = {}

    async def load(self, *, known_revision: int = 0) -> StoredDocument:
        asked = self._connection.send("HGET", self._key, "revision", timeout_seconds=self._timeout_seconds)
        time = self._connection.send("TIME", timeout_seconds=self._timeout_seconds)
        match await asyncio.gather(asked, time):
            case [bytes() | None as revision, [bytes() as seconds, bytes()]] if (revision or b"0").isdigit():
                now = datetime.fromtimestamp(int(seconds), UTC)
            case _:
                raise StoreRefused("ERR the stored rules cannot be read")
        if int(revision or 0) == known_revision:
            return StoredDocument("", known_revision, now)
        # Both at once: the revision asked for above may be another by now.
        match await self._connection.call("HMGET", self._key, "text", "revision", timeout_seconds=self._timeout_seconds):
            case [bytes() as text, bytes() as number] if number.isdigit():
                return StoredDocument(text.decode(errors="replace"), int(number), now)
            case _:
                return StoredDocument("", 0, now)

    async def save(self, text: str, *, expected_revision: int) -> int:
        reply = await self._connection.run(
            self._script, [self._key], [expected_revision, text, self._channel], timeout_seconds=self._timeout_seconds
        )
        accepted, revision = _numbers(reply, 2)
        if not accepted:
            raise RulesChanged(revision=revision, expected_revision=expected_revision)
        return revision

    async def former(self) -> str | None:
        """The text before the present one, "" when there was none; None: not known, for nothing was stored since it is kept."""
        found = await self._connection.call("HGET", self._key, "former", timeout_seconds=self._timeout_seconds)
        return found.decode(errors="replace") if isinstance(found, bytes) else None

    async def watch(self, changed: Callable[[], None]) -> None:
        def heard(_: bytes) -> None:
            changed()

        self._listeners[changed] = heard
        await self._connection.subscribe(self._channel, heard)

    async def unwatch(self, changed: Callable[[], None]) -> None:
        heard = self._listeners.pop(changed, None)
        if heard is not None:
            self._connection.unsubscribe(self._channel, heard)


def count_held(key: str, head: bytes, length: int) -> int | None:
    """What the state under a budget's key counts, as it was last written; `head`: at least its first 8 bytes, `length` of it all.

    None of `gcra`, which keeps a time and no count, and of what is not this store's. The forms are those of limits.lua.
    """
    shape = [*key.split(":"), "", "", "", "", ""][4][:1]
    if shape == "x" and length % _STAMP_BYTES == 0:
        return length // _STAMP_BYTES
    if shape == "w" and len(head) > _HEAD_BYTES:
        wide = int.from_bytes(head[:_HEAD_BYTES], "big") // 4 % 4 + 1
        return int.from_bytes(head[_HEAD_BYTES : _HEAD_BYTES + wide], "big")
    return None


def load_script(name: str) -> Script:
    return Script(files("mcp_gateway.kit.redis").joinpath(name).read_text(encoding="utf-8"))


def _numbers(reply: Reply, count: int) -> list[int]:
    numbers = [number for number in reply if isinstance(number, int)] if isinstance(reply, list) else []
    if len(numbers) != count:
        raise StoreRefused("ERR an answer of another shape")
    return numbers
