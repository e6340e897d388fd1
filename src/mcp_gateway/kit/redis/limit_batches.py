"""Decisions that leave in one script call: packed together, judged in their order, each given its own answer.

Knows no socket. A batch is bounded in decisions and in rules, so that one call keeps the server well under a millisecond.
"""

import asyncio
import struct
import sys
from array import array
from typing import Protocol

from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable
from mcp_gateway.kit.limits.plans import Outcome, Plan
from mcp_gateway.kit.limits.rules import Rule
from mcp_gateway.kit.redis.packing import Script
from mcp_gateway.kit.redis.wire import Reply

MOST_DECISIONS = 32
# What the answers to them may consist of: three numbers for each rule and one for each decision.
MOST_NUMBERS = 800

# What `limits.lua` calls the algorithms; 8 more for a rule in shadow.
ALGORITHMS = {"gcra": 0, "window": 1, "exact": 2}
IN_SHADOW = 8
_RULE = struct.Struct(">BIQI")
_SWAPPED = sys.byteorder == "little"


class Prepared:
    """What of a plan is the same in every call: its keys and rules as the protocol writes them.

    `slot`: the cluster slots its keys may live in, as their hash tags. `numbers`: how many its answer has.
    """

    __slots__ = ("alone", "keys", "numbers", "record", "shape", "slot", "weight")

    def __init__(self, plan: Plan, prefix: str) -> None:
        keys = [prefix + key for key in plan.keys]
        self.keys = tuple(_bulk(key.encode()) for key in keys)
        self.numbers = 1 + 3 * len(keys)
        self.shape = _bulk(b"".join(_packed_rule(rule) for rule in plan.rules))
        self.record = struct.Struct(f">HQ{len(keys)}H").pack
        self.slot = frozenset(_tag(key) for key in keys)
        self.weight = plan.weight
        # The whole command when this decision leaves by itself at the usual cost.
        self.alone = b""


class Sender(Protocol):
    """Who sends batches: is told when one has its answers, or cannot have them."""

    def settled(self, decisions: int) -> None: ...

    def failed(self, batch: "Batch", error: StoreRefused | StoreUnavailable) -> None: ...


class Batch:
    """What each decision wants, its cost and where its answer goes; itself the place where the reply to its call goes.

    `deadline` is of the loop's time, set when it is sent.
    """

    __slots__ = ("_done", "_room", "_sender", "asked", "deadline")

    def __init__(self, sender: Sender) -> None:
        self.asked: list[tuple[Prepared, int, asyncio.Future[Outcome]]] = []
        self.deadline = 0.0
        self._room = MOST_NUMBERS
        self._sender = sender
        self._done = False

    def add(self, prepared: Prepared, cost: int, answer: "asyncio.Future[Outcome]") -> bool:
        """Whether the batch is full now."""
        self.asked.append((prepared, cost, answer))
        self._room -= prepared.numbers
        return self._room <= 0 or len(self.asked) >= MOST_DECISIONS

    def command(self, script: Script, *, whole: bool = False) -> bytes:
        """`whole`: with the script's text, for a server that has forgotten it."""
        prepared, cost, _ = self.asked[0]
        if whole or len(self.asked) > 1 or cost != prepared.weight:
            return self._packed(script, whole=whole)
        prepared.alone = prepared.alone or self._packed(script, whole=False)
        return prepared.alone

    def _packed(self, script: Script, *, whole: bool) -> bytes:
        places: dict[bytes, int] = {}
        shapes: dict[bytes, int] = {}
        place, shape = places.setdefault, shapes.setdefault
        records = b""
        for prepared, cost, _ in self.asked:
            number = shape(prepared.shape, len(shapes) + 1)
            records += prepared.record(number, cost, *[place(key, len(places) + 1) for key in prepared.keys])
        words = 4 + len(places) + len(shapes)
        verb, script_word = (b"EVAL", script.text.encode()) if whole else (b"EVALSHA", script.sha.encode())
        count = b"%d" % len(places)
        head = b"*%d\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (
            *(words, len(verb), verb, len(script_word), script_word),
            *(len(count), count),
        )
        return b"".join((head, *places, _bulk(records), *shapes))

    def by_slot(self) -> "list[Batch]":
        """The same decisions, each batch with the keys of one slot alone."""
        batches: dict[frozenset[str], Batch] = {}
        for each in self.asked:
            batches.setdefault(each[0].slot, Batch(self._sender)).add(*each)
        return list(batches.values())

    def one_by_one(self) -> "list[Batch]":
        batches = []
        for each in self.asked:
            batches.append(Batch(self._sender))
            batches[-1].add(*each)
        return batches

    def done(self) -> bool:
        return self._done

    def set_result(self, reply: Reply) -> None:
        """Raises nothing: what is no answer is given to its decisions as `StoreRefused`."""
        asked = self.asked
        if type(reply) is not bytes or len(reply) != 8 * (MOST_NUMBERS - self._room):
            self.fail(StoreRefused("ERR an answer of another shape"))
            return
        self._done = True
        self._sender.settled(len(asked))
        said = array("q", reply)
        if _SWAPPED:
            said.byteswap()
        numbers = said.tolist()
        begin = 0
        for prepared, _, waiting in asked:
            end = begin + prepared.numbers
            if not waiting.done():
                waiting.set_result(numbers[begin:end])
            begin = end

    def set_exception(self, error: StoreUnavailable | StoreRefused) -> None:
        self._sender.failed(self, error)

    def fail(self, error: StoreUnavailable | StoreRefused) -> None:
        self._done = True
        self._sender.settled(len(self.asked))
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
