"""Decisions that leave in one script call: packed together, judged in their order, each given its own answer.

Knows no socket. A batch is bounded in decisions and in rules, so that one call keeps the server well under a millisecond.
"""

import asyncio
import struct

from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.limits.plans import Outcome, Plan
from mcp_gateway.kit.limits.rules import Rule
from mcp_gateway.kit.redis.packing import Script
from mcp_gateway.kit.redis.wire import Reply

MOST_DECISIONS = 32
MOST_RULES = 256

# What `limits.lua` calls the algorithms; 8 more for a rule in shadow.
ALGORITHMS = {"gcra": 0, "window": 1, "exact": 2}
IN_SHADOW = 8
_RULE = struct.Struct(">BIQI")


class Prepared:
    """What of a plan is the same in every call: its keys and rules as the protocol writes them.

    `slot`: the cluster slots its keys may live in, as their hash tags.
    """

    __slots__ = ("alone", "keys", "record", "rules", "shape", "slot", "weight")

    def __init__(self, plan: Plan, prefix: str) -> None:
        keys = [prefix + key for key in plan.keys]
        self.keys = tuple(_bulk(key.encode()) for key in keys)
        self.rules = len(keys)
        self.shape = _bulk(b"".join(_packed_rule(rule) for rule in plan.rules))
        self.record = struct.Struct(f">HQ{len(keys)}H").pack
        self.slot = frozenset(_tag(key) for key in keys)
        self.weight = plan.weight
        # The whole command when this decision leaves by itself at the usual cost.
        self.alone = b""


class Batch:
    """`asked`: what each decision wants, its cost and where its answer goes."""

    __slots__ = ("asked", "room")

    def __init__(self) -> None:
        self.asked: list[tuple[Prepared, int, asyncio.Future[Outcome]]] = []
        self.room = MOST_RULES

    def add(self, prepared: Prepared, cost: int, answer: "asyncio.Future[Outcome]") -> bool:
        """Whether the batch is full now."""
        self.asked.append((prepared, cost, answer))
        self.room -= prepared.rules
        return self.room <= 0 or len(self.asked) >= MOST_DECISIONS

    def command(self, script: Script, *, whole: bool = False) -> bytes:
        """`whole`: with the script's text, for a server that has forgotten it."""
        if whole or len(self.asked) > 1:
            return self._packed(script, whole=whole)
        prepared, cost, _ = self.asked[0]
        if cost != prepared.weight:
            return self._packed(script, whole=False)
        prepared.alone = prepared.alone or self._packed(script, whole=False)
        return prepared.alone

    def _packed(self, script: Script, *, whole: bool) -> bytes:
        places: dict[bytes, int] = {}
        shapes: dict[bytes, int] = {}
        place, shape = places.setdefault, shapes.setdefault
        records = []
        for prepared, cost, _ in self.asked:
            numbers = [place(key, len(places) + 1) for key in prepared.keys]
            records.append(prepared.record(shape(prepared.shape, len(shapes) + 1), cost, *numbers))
        words = (b"EVAL", script.text.encode()) if whole else (b"EVALSHA", script.sha.encode())
        head = b"*%d\r\n" % (4 + len(places) + len(shapes))
        return b"".join((head, *map(_bulk, words), _bulk(b"%d" % len(places)), *places, _bulk(b"".join(records)), *shapes))

    def by_slot(self) -> "list[Batch]":
        """The same decisions, each batch with the keys of one slot alone."""
        batches: dict[frozenset[str], Batch] = {}
        for each in self.asked:
            batches.setdefault(each[0].slot, Batch()).add(*each)
        return list(batches.values())

    def one_by_one(self) -> "list[Batch]":
        batches = []
        for each in self.asked:
            batches.append(Batch())
            batches[-1].add(*each)
        return batches

    def answer(self, reply: Reply) -> None:
        """Raises nothing: what is no answer is given to its decision as `StoreRefused`."""
        if type(reply) is not list or len(reply) != len(self.asked):
            self.fail(StoreRefused("ERR an answer of another shape"))
            return
        for (prepared, _, waiting), outcome in zip(self.asked, reply, strict=True):
            if waiting.done():
                continue
            if type(outcome) is list and len(outcome) == 1 + 3 * prepared.rules:
                waiting.set_result(outcome)  # type: ignore[arg-type]  # the script answers with integers only
            else:
                waiting.set_exception(StoreRefused("ERR an answer of another shape"))

    def fail(self, error: StoreUnavailable | StoreRefused) -> None:
        for _, _, waiting in self.asked:
            if not waiting.done():
                waiting.set_exception(error)


def _bulk(word: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(word), word)


def _tag(key: str) -> str:
    """What a cluster hashes of a key."""
    _, opened, rest = key.partition("{")
    tag, closed, _ = rest.partition("}")
    return tag if opened and closed and tag else key


def _packed_rule(rule: Rule) -> bytes:
    kind = ALGORITHMS[rule.algorithm] + (IN_SHADOW if rule.shadow else 0)
    if rule.algorithm == "exact":
        return _RULE.pack(kind, rule.limit, rule.window_us, 0)
    extra = rule.most_at_once if rule.algorithm == "gcra" else rule.buckets + 1
    return _RULE.pack(kind, rule.limit, rule.step_us, extra)
