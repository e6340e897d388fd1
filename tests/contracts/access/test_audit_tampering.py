"""Tampering with the rows where they really lie, with the statements of whoever gets at the database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.contracts.access.audit_trails import SEALER, SQL_KINDS, AuditPlace, line, open_place, store_url

from mcp_gateway.access.audit.seals import seal_chain
from mcp_gateway.access.audit.verify import verify
from mcp_gateway.adapters.sql.schema import audit_heads, audit_rows, audit_seals
from mcp_gateway.adapters.sql.tenant_check import across_tenants

pytestmark = pytest.mark.anyio

ROWS = 5
TABLES = (audit_rows, audit_heads, audit_seals)
EDITS = st.tuples(
    st.just("edit"), st.sampled_from([column.name for column in audit_rows.columns]), st.integers(1, ROWS), st.integers(0)
)
REMOVALS = st.tuples(st.just("remove"), st.just(""), st.integers(1, ROWS), st.just(0))
SWAPS = st.tuples(st.just("swap"), st.sampled_from(["body", "hash", "sequence"]), st.integers(1, ROWS - 1), st.just(0))
COPIES = st.tuples(st.just("copy"), st.just(""), st.integers(1, ROWS), st.integers(ROWS + 1, ROWS + 3))
CUTS = st.tuples(st.just("cut"), st.just(""), st.integers(1, ROWS), st.just(0))


@pytest.fixture(params=SQL_KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AuditPlace]:
    async with open_place(store_url(request, request.param, tmp_path)) as place:
        await place.store.append([line(number) for number in range(1, ROWS + 1)])
        await seal_chain(place.store, SEALER, "acme", at=1.0, reason="regular")
        yield place


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deed=EDITS | REMOVALS | SWAPS | COPIES | CUTS)
async def test_whatever_is_done_to_the_rows_is_found(place: AuditPlace, deed: tuple[str, str, int, int]) -> None:
    with across_tenants("somebody tampers"):
        async with place.engine.begin() as connection:
            kept = {table: [dict(row) for row in (await connection.execute(select(table))).mappings()] for table in TABLES}
            changed = await _do(connection, *deed)
        found = await verify(place.store, "acme", SEALER.check)
        async with place.engine.begin() as connection:
            for table, rows in kept.items():
                await connection.execute(delete(table))
                await connection.execute(insert(table), rows)
    assert found.sound == (not changed)
    assert (await verify(place.store, "acme", SEALER.check)).sound


async def _do(connection: AsyncConnection, deed: str, name: str, at: int, number: int) -> bool:
    """Whether anything is different now."""
    this = audit_rows.c.sequence == at
    row = dict((await connection.execute(select(audit_rows).where(this))).mappings().one())
    if deed == "edit":
        return await _edit(connection, audit_rows.c[name], row, number)
    if deed == "remove":
        await connection.execute(delete(audit_rows).where(this))
    elif deed == "cut":
        await connection.execute(delete(audit_rows).where(audit_rows.c.sequence >= at))
        last = (await connection.execute(select(audit_rows.c.hash).where(audit_rows.c.sequence == at - 1))).scalar()
        if last is not None:
            await connection.execute(update(audit_heads).values(sequence=at - 1, hash=last))
    elif deed == "copy":
        await connection.execute(insert(audit_rows).values({**row, "sequence": number}))
    else:
        other = dict((await connection.execute(select(audit_rows).where(audit_rows.c.sequence == at + 1))).mappings().one())
        await connection.execute(delete(audit_rows).where(audit_rows.c.sequence.in_([at, at + 1])))
        swapped = [{**row, name: other[name]}, {**other, name: row[name]}]
        await connection.execute(insert(audit_rows), swapped)
        return name != "sequence" or row["body"] != other["body"]
    return True


async def _edit(connection: AsyncConnection, column: Column[object], row: dict[str, object], number: int) -> bool:
    """One character of a text, or a number by one. A sequence is moved where there is room."""
    before = row[column.name]
    after: object
    if isinstance(before, str):
        place = number % (len(before) or 1)
        after = f"{before[:place]}{'#' if before[place : place + 1] != '#' else '+'}{before[place + 1 :]}"
    else:
        after = before + 1 if column.name != "sequence" else ROWS + 1 + number % 9  # type: ignore[operator]  # a number
    await connection.execute(update(audit_rows).where(audit_rows.c.sequence == row["sequence"]).values({column.name: after}))
    return True
