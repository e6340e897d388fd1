"""The tables of the gateway's own store as they are today. `migrations/versions` leads there; a test compares the two.

Times are seconds since 1970, except in the audit trail, which counts whole microseconds so that every store gives back the same.
Whatever has a column `tenant` is read and changed for one tenant at a time: see `tenant_check.py`.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text

metadata: Final = MetaData()

# One row a turn. `expires_at` is that of the whole session; every turn renews it on all of them.
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
    Index("conversation_turns_by_session", "tenant", "subject", "session_id", "id"),
    Index("conversation_turns_by_expiry", "expires_at"),
)

# One row a line of the trail. `body` is the canonical JSON that `hash` covers; the other columns repeat parts of it for search.
audit_rows: Final = Table(
    "audit_rows",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("duration_ms", Float(53), nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("audit_rows_by_time", "tenant", "at"),
    Index("audit_rows_by_subject", "tenant", "subject", "sequence"),
)

# Where each tenant's chain ends. `installation` is that which began the chain; its first hash is bound to it.
audit_heads: Final = Table(
    "audit_heads",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("installation", Text, nullable=False),
)

# Signed statements that the chain had this hash at this sequence. `key` names the signing key by its thumbprint.
audit_seals: Final = Table(
    "audit_seals",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", Text, nullable=False),
)

# `kind` is rule, role or row_filter; `body` its JSON in the shape of the file of access.
access_rules: Final = Table(
    "access_rules",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("created_by", Text, nullable=False),
)

# Counts up when what it names changed, so that every replica reads that again. Names: rules,
# revocations, registry, definitions.
access_changes: Final = Table(
    "access_changes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

# Tokens of the embedded issuer: what was issued, never the token. `roles` is a JSON list.
issued_tokens: Final = Table(
    "issued_tokens",
    metadata,
    Column("jti", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("issued_at", Float(53), nullable=False),
    Column("expires_at", Float(53), nullable=False),
    Column("issued_by", Text, nullable=False),
    Index("issued_tokens_by_tenant", "tenant", "issued_at"),
)

# `kind` token: `value` is a jti. `kind` subject: every token of that subject issued before `not_before`.
revocations: Final = Table(
    "revocations",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("not_before", Float(53)),
    Column("expires_at", Float(53), nullable=False),
    Column("at", Float(53), nullable=False),
    Column("by", Text, nullable=False),
    Index("revocations_by_expiry", "expires_at"),
)


def _registered(name: str, *more: Column[str]) -> Table:
    """A table of what is registered while the gateway runs. `body` is JSON; `tenant` "": callers of every tenant may see it."""
    return Table(
        name,
        metadata,
        Column("name", Text, primary_key=True),
        Column("tenant", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("created_at", Float(53), nullable=False),
        Column("created_by", Text, nullable=False),
        Column("updated_at", Float(53), nullable=False),
        Column("updated_by", Text, nullable=False),
        *more,
    )


# MCP servers. `body` holds all but the credential's secret, which stands in `sealed`, bound to the name; "" when there is none.
registry_servers: Final = _registered("registry_servers", Column("sealed", Text, nullable=False))

# Named selections of tools; they share the names of servers.
registry_virtual_servers: Final = _registered("registry_virtual_servers")

# What each server offers: as it was approved (NULL: never), and as it was last seen. `kind` is tools, prompts, resources,
# templates or instructions; bodies are JSON, `reasons` a JSON list. `decided_at` and `decided_by` are NULL until it was decided.
# `changed` is the count of "definitions" the row was last written at. Kind "forgotten", without a name: the server's rows of
# smaller counts are gone.
registry_definitions: Final = Table(
    "registry_definitions",
    metadata,
    Column("server", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("approved_fingerprint", Text),
    Column("approved_body", Text),
    Column("latest_fingerprint", Text, nullable=False),
    Column("latest_body", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("seen_at", Float(53), nullable=False),
    Column("decided_at", Float(53)),
    Column("decided_by", Text),
    Column("changed", BigInteger, nullable=False),
    Index("registry_definitions_by_status", "status", "server"),
    Index("registry_definitions_by_change", "changed"),
)
