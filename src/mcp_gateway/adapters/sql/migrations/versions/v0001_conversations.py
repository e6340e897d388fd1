"""Conversations. Stores made before there were numbered steps are at this one."""

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Float, Integer, Text

revision = "0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Make the table of conversations."""
    op.create_table(
        "conversation_turns",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("tenant", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("session_id", Text, nullable=False),
        Column("question", Text, nullable=False),
        Column("sql", Text),
        Column("form", Text, nullable=False),
        Column("expires_at", Float(53), nullable=False),
    )
    op.create_index("conversation_turns_by_session", "conversation_turns", ["tenant", "subject", "session_id", "id"])
    op.create_index("conversation_turns_by_expiry", "conversation_turns", ["expires_at"])
