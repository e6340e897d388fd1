"""Beam search over readings: from left to right, every rule at every word, the best few states kept at each position."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.grammar import business, conditions, doers, flow, groups, most, presence, ranking, targets
from mcp_gateway.ask.engine.grammar.reader import Reader, State, affirmed
from mcp_gateway.ask.engine.sketch import Sketch

Rule = Callable[[Reader, State], Iterator[State]]

RULES: tuple[Rule, ...] = (
    *doers.RULES,
    *targets.RULES,
    *conditions.RULES,
    *presence.RULES,
    *ranking.RULES,
    *most.RULES,
    *groups.RULES,
    *business.RULES,
    *flow.RULES,
)


def readings(reader: Reader) -> list[State]:
    """The best readings of the whole question, best first."""
    end = len(reader.tokens)
    waiting: list[list[State]] = [[] for _ in range(end + 1)]
    numbers = _Numbers()
    waiting[0].append(State(0, Sketch()))
    for position in range(end):
        for state in _best(waiting[position], scoring.BEAM_WIDTH, numbers):
            for rule in RULES:
                for after in rule(reader, state):
                    waiting[min(after.position, end)].append(after)
        waiting[position] = []
    return _best([_finished(state) for state in waiting[end]], scoring.SKETCHES, numbers)


def _finished(state: State) -> State:
    """The state at the end, with what was begun and never used paid for."""
    done = affirmed(state)
    unused = done.sketch.limit is not None and not done.sketch.rankings
    return replace(done, score=done.score - scoring.COST_DENIAL, unexplained=(*done.unexplained, 0)) if unused else done


class _Numbers:
    """A number for each different sketch; one object is looked at once, since its parts make it slow to compare."""

    def __init__(self) -> None:
        self._by_value: dict[Sketch, int] = {}
        self._by_object: dict[int, tuple[Sketch, int]] = {}

    def of(self, sketch: Sketch) -> int:
        known = self._by_object.get(id(sketch))
        if known is None:
            known = (sketch, self._by_value.setdefault(sketch, len(self._by_value)))
            self._by_object[id(sketch)] = known
        return known[1]


def _best(states: list[State], count: int, numbers: _Numbers) -> list[State]:
    """The best states that differ in more than how they were reached."""
    kept: list[State] = []
    seen: set[tuple[int, str, bool]] = set()
    for state in sorted(states, key=lambda each: -each.score):
        key = (numbers.of(state.sketch), state.phase, state.negated)
        if key in seen:
            continue
        seen.add(key)
        kept.append(state)
        if len(kept) == count:
            break
    return kept
