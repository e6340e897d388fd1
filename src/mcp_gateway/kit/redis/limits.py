"""Counts, leases and stored rules on Redis 7 or Valkey 9: one script call per decision, time from the server.

Every counting key expires by itself; the one key that does not is the document of stored rules. A plan's command is packed
once, so that a decision costs this process little more than its share of a write and a read.
"""

import asyncio
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files

from mcp_gateway.kit.errors import RulesChanged, StoreRefused, StoreUnavailable
from mcp_gateway.kit.limits.plans import Outcome, Plan
from mcp_gateway.kit.limits.ports import Place, StoredDocument
from mcp_gateway.kit.limits.rules import Rule
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.packing import Script, Word, pack
from mcp_gateway.kit.redis.wire import Reply

# What `limits.lua` calls the algorithms; 8 more for a rule in shadow.
ALGORITHMS = {"gcra": 0, "window": 1, "exact": 2}
IN_SHADOW = 8
_RULE = struct.Struct(">BIQI")

# Leaves time for the policies to decide within 25 ms, on a busy machine too.
DEADLINE_SECONDS = 0.018

RULES_KEY = "rate_limit:rules"
RULES_CHANNEL = "rate_limit:rules:changed"


class _Prepared:
    """A plan's command in the protocol's form: whole for the usual cost, in two parts around any other."""

    __slots__ = ("head", "tail", "usual", "usual_cost")

    def __init__(self, script: Script, plan: Plan, prefix: str) -> None:
        keys = [prefix + key for key in plan.keys]
        spec = b"".join(_packed_rule(rule) for rule in plan.rules)
        mark = b"<the cost of this call>"
        whole = pack("EVALSHA", script.sha, len(keys), *keys, mark, spec)
        self.head, self.tail = whole.split(b"$%d\r\n%b\r\n" % (len(mark), mark))
        self.usual_cost = plan.weight
        self.usual = self.command(plan.weight)

    def command(self, cost: int) -> bytes:
        digits = b"%d" % cost
        return b"%b$%d\r\n%b\r\n%b" % (self.head, len(digits), digits, self.tail)


class RedisLimitStore:
    """`prefix` goes before every key; `{limits}:` puts all of them into one slot of a cluster (see docs/kit/rate-limits.md)."""

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
        self._time = asyncio.get_running_loop().time

    async def take(self, plan: Plan, cost: int) -> Outcome:
        if not plan.keys:
            return [0]
        prepared = self._prepared(plan)
        command = prepared.usual if cost == prepared.usual_cost else prepared.command(cost)
        deadline = self._time() + self._timeout_seconds
        try:
            reply = await self._connection.send_packed(command, self._timeout_seconds)
        except StoreRefused as refusal:
            if refusal.kind != "NOSCRIPT":
                raise
            reply = await self._send_whole(plan, cost, deadline - self._time())
        return _outcome(reply, plan)

    async def look(self, plan: Plan) -> Outcome:
        return await self.take(plan, 0)

    async def _send_whole(self, plan: Plan, cost: int, seconds_left: float) -> Reply:
        """The server has forgotten the script: a restart, a fail-over or a flush."""
        keys = [self._prefix + key for key in plan.keys]
        spec = b"".join(_packed_rule(rule) for rule in plan.rules)
        words: tuple[Word, ...] = ("EVAL", self._script.text, len(keys), *keys, cost, spec)
        return await self._connection.send(*words, timeout_seconds=max(0.001, seconds_left))

    def _prepared(self, plan: Plan) -> _Prepared:
        prepared = plan.prepared
        if not isinstance(prepared, _Prepared):
            prepared = plan.prepared = _Prepared(self._script, plan, self._prefix)
        return prepared


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
    """One document of rules for all replicas, its revision, and a channel that tells of changes."""

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

    async def watch(self, changed: Callable[[], None]) -> None:
        def heard(_: bytes) -> None:
            changed()

        self._listeners[changed] = heard
        await self._connection.subscribe(self._channel, heard)

    async def unwatch(self, changed: Callable[[], None]) -> None:
        heard = self._listeners.pop(changed, None)
        if heard is not None:
            self._connection.unsubscribe(self._channel, heard)


def load_script(name: str) -> Script:
    return Script(files("mcp_gateway.kit.redis").joinpath(name).read_text(encoding="utf-8"))


def _packed_rule(rule: Rule) -> bytes:
    kind = ALGORITHMS[rule.algorithm] + (IN_SHADOW if rule.shadow else 0)
    if rule.algorithm == "exact":
        return _RULE.pack(kind, rule.limit, rule.window_us, 0)
    extra = rule.most_at_once if rule.algorithm == "gcra" else rule.buckets + 1
    return _RULE.pack(kind, rule.limit, rule.step_us, extra)


def _outcome(reply: Reply, plan: Plan) -> Outcome:
    if type(reply) is not list or len(reply) != 1 + 3 * len(plan.keys):
        raise StoreRefused("ERR an answer of another shape")
    return reply  # type: ignore[return-value]  # the script answers with integers only


def _numbers(reply: Reply, count: int) -> list[int]:
    numbers = [number for number in reply if isinstance(number, int)] if isinstance(reply, list) else []
    if len(numbers) != count:
        raise StoreRefused("ERR an answer of another shape")
    return numbers
