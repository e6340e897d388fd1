"""A statement that forgets the tenant does not run. Those that are meant for all tenants are listed here."""

import ast
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import and_, bindparam, delete, exists, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.base import Executable

from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.adapters.sql.schema import access_changes, audit_heads, audit_rows, conversation_turns
from mcp_gateway.adapters.sql.tenant_check import TenantLeftOut, across_tenants

pytestmark = pytest.mark.anyio

SOURCE = Path(__file__).resolve().parents[4] / "src" / "mcp_gateway"
# Every reason to reach the rows of several tenants at once. The list only grows for a reason as good as these.
FOR_ALL_TENANTS = {
    ("adapters/sql/audit.py", "tenants of the audit trail"),
    ("adapters/sql/conversations.py", "expiry of conversations"),
    ("adapters/sql/engine.py", "migration"),
    ("adapters/sql/rules.py", "rules of every tenant make one policy"),
    ("adapters/sql/servers.py", "servers of every tenant are held together"),
    ("adapters/sql/tokens.py", "revocations of every tenant are held together"),
}
# What speaks to a database of the gateway's own without passing the check, each statement naming its tenants.
AROUND_THE_CHECK = {"adapters/sql/audit_sqlite.py", "adapters/sql/audit_postgres.py"}

rows, heads, turns = audit_rows.c, audit_heads.c, conversation_turns.c
mine = rows.tenant == "acme"
newest = select(rows.sequence).where(mine).order_by(rows.sequence.desc()).limit(3)
other = audit_rows.alias("other")

ALLOWED: dict[str, Executable] = {
    "one tenant": select(audit_rows).where(mine),
    "value first": select(audit_rows).where(bindparam("tenant", "acme") == rows.tenant),
    "further conditions": select(audit_rows).where(mine, or_(rows.subject == "a", rows.subject == "b")),
    "nested conditions": select(audit_rows).where(and_(rows.at > 1, and_(mine, rows.at < 9))),
    "subquery of one tenant": delete(audit_rows).where(mine, rows.sequence.not_in(newest)),
    "join on tenant": select(rows.body).join(audit_heads, heads.tenant == rows.tenant).where(heads.tenant == "acme"),
    "two sources": select(rows.body, heads.hash).where(mine, heads.tenant == rows.tenant),
    "alias": select(other.c.body).where(other.c.tenant == "acme"),
    "update": update(audit_heads).where(heads.tenant == "acme").values(sequence=1),
    "insert": insert(audit_heads).values(tenant="acme", sequence=0, hash="", installation=""),
    "table of no tenant": select(access_changes),
    "no table": select(func.count()),
    "text of no tenant": text("SELECT version_num FROM alembic_version"),
}
REFUSED: dict[str, Executable] = {
    "no condition": select(audit_rows),
    "count": select(func.count()).select_from(audit_rows),
    "another column": select(audit_rows).where(rows.subject == "anna"),
    "either": select(audit_rows).where(or_(mine, rows.at > 1)),
    "any but": select(audit_rows).where(rows.tenant != "acme"),
    "several": select(audit_rows).where(rows.tenant.in_(["acme", "umbra"])),
    "like": select(audit_rows).where(rows.tenant.like("a%")),
    "itself": select(audit_rows).where(rows.tenant == rows.tenant),
    "subquery": select(audit_rows).where(mine, rows.sequence.in_(select(heads.sequence))),
    "exists": select(audit_rows).where(mine, exists().where(heads.sequence == 1)),
    "cte": select(select(audit_rows).cte("everything")),
    "union": select(rows.body).where(mine).union(select(rows.body)),
    "join": select(rows.body).join(audit_heads, heads.sequence == rows.sequence).where(mine),
    "outer join": select(rows.body).join_from(audit_rows, audit_heads, heads.tenant == "acme", isouter=True).where(rows.at > 1),
    "alias": select(other.c.body).where(other.c.at > 1),
    "update": update(audit_heads).values(sequence=1),
    "delete": delete(conversation_turns).where(turns.expires_at < 1),
    "text": text("SELECT * FROM audit_rows WHERE tenant = 'acme'"),
    "insert from all": insert(audit_heads).from_select(["tenant"], select(rows.tenant)),
}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as engine:
        yield engine


@pytest.mark.parametrize("name", ALLOWED)
async def test_a_statement_of_one_tenant_runs(engine: AsyncEngine, name: str) -> None:
    async with engine.begin() as connection:
        for _ in range(2):
            await connection.execute(ALLOWED[name])
            if name == "insert":
                return


@pytest.mark.parametrize("name", REFUSED)
async def test_a_statement_that_leaves_the_tenant_out_does_not_run(engine: AsyncEngine, name: str) -> None:
    async with engine.begin() as connection:
        for _ in range(2):
            with pytest.raises(TenantLeftOut):
                await connection.execute(REFUSED[name])


async def test_a_statement_of_the_driver_is_looked_at_too(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        with pytest.raises(TenantLeftOut):
            await connection.exec_driver_sql("DELETE FROM audit_rows")


async def test_work_for_all_tenants_runs_where_it_says_so_and_only_there(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        with across_tenants("a test"):
            await connection.execute(REFUSED["count"])
        with pytest.raises(TenantLeftOut):
            await connection.execute(REFUSED["count"])


def test_every_reason_to_reach_all_tenants_is_listed() -> None:
    found = set()
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "across_tenants":
                assert isinstance(node.args[0], ast.Constant)
                found.add((path.relative_to(SOURCE).as_posix(), node.args[0].value))
    assert found == FOR_ALL_TENANTS


def test_only_the_appenders_go_around_the_check() -> None:
    drivers = {"sqlite3", "psycopg", "aiosqlite"}
    found = set()
    for path in sorted((SOURCE / "adapters" / "sql").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import) and drivers & {name.name.partition(".")[0] for name in node.names}:
                found.add(path.relative_to(SOURCE).as_posix())
    assert found == AROUND_THE_CHECK
