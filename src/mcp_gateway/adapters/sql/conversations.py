"""Conversations in the gateway's own store, so that they outlive the process and are seen by every replica."""

import json

from sqlalchemy import ColumnElement, and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.adapters.sql.connections import connected
from mcp_gateway.adapters.sql.schema import conversation_turns as turns
from mcp_gateway.adapters.sql.tenant_check import across_tenants
from mcp_gateway.ask.model import Turn
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller


class SqlConversations:
    """Implements `ask.ports.ConversationStore`; raises `StoreUnavailable` when the store does not answer."""

    def __init__(self, engine: AsyncEngine, clock: Clock, *, ttl_seconds: float, max_turns: int) -> None:
        self._engine = engine
        self._clock = clock
        self._ttl_seconds = ttl_seconds
        self._max_turns = max_turns

    async def read_turns(self, caller: Caller, session_id: str) -> tuple[Turn, ...]:
        query = (
            select(turns.c.question, turns.c.sql, turns.c.form)
            .where(_of(caller, session_id), turns.c.expires_at > self._now())
            .order_by(turns.c.id.desc())
            .limit(self._max_turns)
        )
        async with connected(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return tuple(Turn(question=row.question, sql=row.sql, form=json.loads(row.form)) for row in reversed(rows))

    async def append_turn(self, caller: Caller, session_id: str, turn: Turn) -> None:
        """Also forgets, of all sessions, what has expired."""
        now = self._now()
        mine = _of(caller, session_id)
        row = {
            "tenant": caller.tenant,
            "subject": caller.subject,
            "session_id": session_id,
            "question": turn.question,
            "sql": turn.sql,
            "form": json.dumps(turn.form),
            "expires_at": now + self._ttl_seconds,
        }
        newest = select(turns.c.id).where(mine).order_by(turns.c.id.desc()).limit(self._max_turns)
        async with connected(self._engine, writing=True) as connection:
            with across_tenants("expiry of conversations"):
                await connection.execute(delete(turns).where(turns.c.expires_at <= now))
            await connection.execute(insert(turns).values(row))
            await connection.execute(delete(turns).where(mine, turns.c.id.not_in(newest)))
            await connection.execute(update(turns).where(mine).values(expires_at=now + self._ttl_seconds))

    def _now(self) -> float:
        return self._clock.timestamp()


def _of(caller: Caller, session_id: str) -> ColumnElement[bool]:
    return and_(turns.c.tenant == caller.tenant, turns.c.subject == caller.subject, turns.c.session_id == session_id)
