"""Stores that live and die with the process. Bounded: the session not used for longest goes first."""

from collections import OrderedDict
from dataclasses import dataclass

from mcp_gateway.ask.model import Turn
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller


@dataclass(frozen=True, kw_only=True, slots=True)
class _Conversation:
    turns: tuple[Turn, ...]
    expires: float


class MemoryConversations:
    """Implements `ask.ports.ConversationStore`. `ttl_seconds` count from a session's last turn; `max_sessions` over all."""

    def __init__(self, clock: Clock, *, ttl_seconds: float, max_turns: int, max_sessions: int = 10_000) -> None:
        self._clock = clock
        self._ttl_seconds = ttl_seconds
        self._max_turns = max_turns
        self._max_sessions = max_sessions
        self._kept: OrderedDict[tuple[Caller, str], _Conversation] = OrderedDict()

    async def read_turns(self, caller: Caller, session_id: str) -> tuple[Turn, ...]:
        self._forget_expired()
        kept = self._kept.get((caller, session_id))
        return kept.turns if kept else ()

    async def append_turn(self, caller: Caller, session_id: str, turn: Turn) -> None:
        self._forget_expired()
        key = (caller, session_id)
        kept = self._kept.pop(key, None)
        turns = (*(kept.turns if kept else ()), turn)[-self._max_turns :]
        self._kept[key] = _Conversation(turns=turns, expires=self._clock.monotonic() + self._ttl_seconds)
        while len(self._kept) > self._max_sessions:
            self._kept.popitem(last=False)

    def _forget_expired(self) -> None:
        """The kept are in the order they expire: every append moves its session to the end."""
        now = self._clock.monotonic()
        while self._kept and next(iter(self._kept.values())).expires <= now:
            self._kept.popitem(last=False)
