"""The tables of the gateway's own store, and the steps that lead to them. A released step is never changed, only followed."""

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.base import Executable

metadata: Final = MetaData()

# One row a turn. `expires_at` is that of the whole session, in seconds since 1970; every turn renews it on all of them.
conversation_turns: Final = Table(
    "conversation_turns",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("sql", Text),
    Column("form", Text, nullable=False),
    Column("expires_at", Float(53), nullable=False),
)
_by_session: Final = Index(
    "conversation_turns_by_session",
    conversation_turns.c.tenant,
    conversation_turns.c.subject,
    conversation_turns.c.session_id,
    conversation_turns.c.id,
)
_by_expiry: Final = Index("conversation_turns_by_expiry", conversation_turns.c.expires_at)

MIGRATIONS: Final[tuple[tuple[Executable, ...], ...]] = (
    (
        CreateTable(conversation_turns, if_not_exists=True),
        CreateIndex(_by_session, if_not_exists=True),
        CreateIndex(_by_expiry, if_not_exists=True),
    ),
)
