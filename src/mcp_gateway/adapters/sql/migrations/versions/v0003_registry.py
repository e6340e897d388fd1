"""The registry: MCP servers, virtual servers, and what servers were approved to offer."""

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Float, Text

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations) -> None:
    """Make all tables of the registry."""
    op.create_table("registry_servers", *_of_a_registered_thing(), _text("sealed"))
    op.create_table("registry_virtual_servers", *_of_a_registered_thing())
    op.create_table(
        "registry_definitions",
        Column("server", Text, primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("approved_fingerprint", Text),
        Column("approved_body", Text),
        *(_text(name) for name in ("latest_fingerprint", "latest_body", "status", "verdict", "reasons")),
        Column("seen_at", Float(53), nullable=False),
        Column("decided_at", Float(53)),
        Column("decided_by", Text),
        Column("changed", BigInteger, nullable=False),
    )
    op.create_index("registry_definitions_by_status", "registry_definitions", ["status", "server"])
    op.create_index("registry_definitions_by_change", "registry_definitions", ["changed"])


def _of_a_registered_thing() -> tuple[Column[str] | Column[int] | Column[float], ...]:
    """Columns belong to one table each, so they are made anew."""
    return (
        Column("name", Text, primary_key=True),
        _text("tenant"),
        _text("body"),
        Column("version", BigInteger, nullable=False),
        Column("created_at", Float(53), nullable=False),
        _text("created_by"),
        Column("updated_at", Float(53), nullable=False),
        _text("updated_by"),
    )


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)
