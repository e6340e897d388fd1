"""Access: the audit trail, stored rules, issued tokens and revocations."""

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Float, Text

revision = "0002"
down_revision = "0001"


def upgrade(op: Operations) -> None:
    """Make all tables of access."""
    _make_audit(op)
    _make_rules(op)
    _make_tokens(op)


def _make_audit(op: Operations) -> None:
    op.create_table(
        "audit_rows",
        Column("tenant", Text, primary_key=True),
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        Column("at", BigInteger, nullable=False),
        *(_text(name) for name in ("subject", "action", "server", "target", "decision", "reason", "outcome")),
        Column("duration_ms", Float(53), nullable=False),
        *(_text(name) for name in ("correlation_id", "fingerprint", "body", "hash")),
    )
    op.create_index("audit_rows_by_time", "audit_rows", ["tenant", "at"])
    op.create_index("audit_rows_by_subject", "audit_rows", ["tenant", "subject", "sequence"])
    op.create_table(
        "audit_heads",
        Column("tenant", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
        _text("hash"),
        _text("installation"),
    )
    op.create_table(
        "audit_seals",
        Column("tenant", Text, primary_key=True),
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        _text("hash"),
        Column("sealed_at", BigInteger, nullable=False),
        *(_text(name) for name in ("reason", "key", "signature")),
    )


def _make_rules(op: Operations) -> None:
    op.create_table(
        "access_rules",
        Column("tenant", Text, primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        _text("body"),
        _seconds("created_at"),
        _text("created_by"),
    )
    op.create_table("access_changes", Column("name", Text, primary_key=True), Column("version", BigInteger, nullable=False))


def _make_tokens(op: Operations) -> None:
    op.create_table(
        "issued_tokens",
        Column("jti", Text, primary_key=True),
        *(_text(name) for name in ("tenant", "subject", "roles", "name")),
        _seconds("issued_at"),
        _seconds("expires_at"),
        _text("issued_by"),
    )
    op.create_index("issued_tokens_by_tenant", "issued_tokens", ["tenant", "issued_at"])
    op.create_table(
        "revocations",
        Column("tenant", Text, primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("value", Text, primary_key=True),
        Column("not_before", Float(53)),
        _seconds("expires_at"),
        _seconds("at"),
        _text("by"),
    )
    op.create_index("revocations_by_expiry", "revocations", ["expires_at"])


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _seconds(name: str) -> Column[float]:
    return Column(name, Float(53), nullable=False)
