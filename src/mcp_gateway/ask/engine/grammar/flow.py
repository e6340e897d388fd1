"""How the question moves on: from what is wanted to what is said about it, denial, and, or, sentence ends, words left over."""

from collections.abc import Iterator
from dataclasses import replace

from mcp_gateway.ask.engine import scoring
from mcp_gateway.ask.engine.grammar.reader import Reader, State, affirmed
from mcp_gateway.ask.engine.lexicon import (
    ASK_WORDS,
    NEGATIONS,
    NOT_DENIALS,
)

_WHERE = frozenset(
    {"whose", "that", "where", "with", "having", "when", "if", "which", "who", "whom", "has", "have", "had", "does", "do", "did"}
)
_COPULAS = frozenset({"is", "are", "was", "were"})
_STARTS = frozenset({",", ".", "?", ";", "and", "also", "then", ":", "please", "("})


def move(reader: Reader, state: State) -> Iterator[State]:
    """One word that only steers."""
    word = reader.low(state.position)
    harmless = NOT_DENIALS.at(reader.tokens, state.position)
    if harmless is not None:
        yield replace(state, position=harmless[1])
        return
    negation = NEGATIONS.at(reader.tokens, state.position)
    if negation is not None and word != "any":
        yield replace(
            state, position=negation[1], negated=True, denial=state.position, phase="where", score=state.score + scoring.GAIN_CUE
        )
        return
    if _asks_anew(reader, state.position):
        yield replace(affirmed(state), position=state.position + 1, phase="ask")
    elif word in {"or", "and", "but", "both"}:
        yield _connected(reader, state, word)
    elif word in {".", ";", "?"}:
        yield replace(affirmed(state), position=state.position + 1, connector="and")
    elif word == "with" and reader.low(state.position - 1) in {"along", "together"}:
        yield replace(affirmed(state), position=state.position + 1, phase="ask")
    elif word in {"their", "its", "his", "her"} and state.phase == "where" and not state.negated:
        yield replace(state, position=state.position + 1, phase="ask")
        yield replace(state, position=state.position + 1)
    elif (word in _WHERE and (state.sketch.wanted or state.sketch.entities or state.sketch.everything)) or (
        word in _COPULAS and reader.low(state.position - 1) not in ASK_WORDS and (state.sketch.wanted or state.sketch.entities)
    ):
        yield replace(state, position=state.position + 1, phase="where")
    else:
        yield skipped(reader, state)


def _asks_anew(reader: Reader, position: int) -> bool:
    """A word that asks, where a clause begins."""
    word = reader.low(position)
    if word not in ASK_WORDS:
        return False
    before = reader.low(position - 1)
    if word == "name":
        return position == 0
    if word in {"which", "who", "whom"}:
        return position == 0 or (before in {".", "?", ",", ";"} and word == "which") or before in {".", "?"}
    return position == 0 or before in _STARTS or word in {"what", "show", "list", "find", "give", "return"}


def _connected(reader: Reader, state: State, word: str) -> State:
    after = replace(state, position=state.position + 1)
    if word == "or":
        return replace(after, connector="or")
    if word == "both":
        return replace(after, sketch=replace(state.sketch, both=True))
    return replace(affirmed(after), connector="and")


def skipped(reader: Reader, state: State) -> State:
    """The word left over, paid for by its weight; a cue left over is dear."""
    weight = reader.weights[state.position]
    cost = weight * scoring.COST_SKIP
    if reader.is_cue(state.position):
        cost = max(cost, scoring.COST_SKIP_CUE)
    unexplained = state.unexplained if cost < 0.3 else (*state.unexplained, state.position)
    return State(  # spelled out, since `replace` takes several times as long and this is called most
        state.position + 1,
        state.sketch,
        state.score - cost,
        state.phase,
        state.negated,
        state.denial,
        state.connector,
        state.column,
        state.entity,
        unexplained,
        state.strengths,
        state.passed,
    )


def leave(reader: Reader, state: State) -> Iterator[State]:
    """Any word may be left over, also one that could mean something."""
    if reader.weights[state.position] > 0:
        yield skipped(reader, state)


RULES = (move, leave)
