"""What every store of the audit trail must do, over memory, SQLite and Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pytest
from tests.contracts.access.audit_trails import EVENT, INSTALLATION, KINDS, NOON, SEALER, line, open_audit

from mcp_gateway.access.audit.chain import line_of, read_row
from mcp_gateway.access.audit.keeping import DAY_SECONDS, keep_trail
from mcp_gateway.access.audit.model import AuditEvent
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.seals import prune, seal_chain
from mcp_gateway.access.audit.search import Search, find
from mcp_gateway.access.audit.verify import verify
from mcp_gateway.core.errors import InvalidInput

pytestmark = pytest.mark.anyio


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AuditStore]:
    async with open_audit(request, request.param, tmp_path) as store:
        yield store


async def fill(store: AuditStore, rows: int, tenant: str = "acme") -> None:
    await store.append([line(number, tenant) for number in range(1, rows + 1)])


async def test_lines_come_back_whole_and_in_order(store: AuditStore) -> None:
    await fill(store, 3)
    await store.append([line(4)])
    found = [read_row(row) for row in await store.read("acme", after=0, limit=10)]
    assert [row.sequence for row in found] == [1, 2, 3, 4]
    assert [row.event for row in found] == [line(number).event for number in range(1, 5)]
    assert [row.sequence for row in map(read_row, await store.read("acme", after=2, limit=1))] == [3]


async def test_each_hash_is_that_of_the_text_and_the_hash_before(store: AuditStore) -> None:
    await fill(store, 3)
    before = blake2b(b'mcp-gateway audit 1\0["installation-of-tests", "acme"]', digest_size=32).hexdigest()
    for row in await store.read("acme", after=0, limit=10):
        before = blake2b(f"{before}\n{row.body}".encode(), digest_size=32).hexdigest()
        assert row.hash == before
    head = await store.head("acme")
    assert head is not None
    assert (head.sequence, head.hash, head.installation) == (3, before, INSTALLATION)


async def test_every_tenant_has_a_chain_of_its_own(store: AuditStore) -> None:
    await store.append([line(1, "acme"), line(1, "umbra"), line(2, "acme"), line(1, "-")])
    assert await store.tenants() == ("-", "acme", "umbra")
    for tenant, rows in (("acme", 2), ("umbra", 1), ("-", 1), ("nobody", 0)):
        found = await verify(store, tenant, SEALER.check)
        assert found.sound
        assert (found.rows, found.last) == (rows, rows)
    assert await store.head("nobody") is None


async def test_lines_added_at_once_make_one_unbroken_chain(store: AuditStore) -> None:
    batches = [[line(number * 10 + offset, f"t{offset % 2}") for offset in range(4)] for number in range(12)]
    await asyncio.gather(*(store.append(batch) for batch in batches))
    for tenant in ("t0", "t1"):
        found = await verify(store, tenant, SEALER.check)
        assert found.sound
        assert found.rows == 24


@pytest.mark.parametrize(
    "odd",
    [
        "nul\0",
        "line\nbreak\r\ttab",
        "back\\slash \\N \\.",
        "lone \ud800 surrogate",
        "ünïcode ☃ 😀",
        "' \" %s :x $1 ?",
        "\u2028\u202e",
        "",
    ],
)
async def test_hostile_words_are_kept_without_harm(store: AuditStore, odd: str) -> None:
    event = replace(
        EVENT,
        subject=odd,
        tool=odd,
        table="",
        reason=odd,
        correlation_id=odd,
        server=odd,
        arguments=odd,
        roles=(odd,),
        scopes=(odd,),
    )
    await store.append([line(1), line_of(event), line(3)])
    found = await verify(store, "acme", SEALER.check)
    assert found.sound
    assert found.rows == 3
    kept = read_row((await store.read("acme", after=1, limit=1))[0]).event
    assert all(
        not word or word.isprintable() for word in (kept.subject, kept.tool, kept.reason, kept.arguments or "", *kept.roles)
    )
    assert kept.subject == odd or not odd.isprintable()


async def test_words_of_any_length_are_cut(store: AuditStore) -> None:
    await store.append([line_of(replace(EVENT, subject="s" * 9_000, arguments="a" * 99_000, roles=("r",) * 900))])
    kept = read_row((await store.read("acme", after=0, limit=1))[0]).event
    assert len(kept.subject) == 512
    assert len(kept.arguments or "") == 16_384
    assert len(kept.roles) == 100
    assert (await verify(store, "acme", SEALER.check)).sound


@pytest.mark.parametrize("duration", [float("nan"), float("inf"), -1.0, 3])
async def test_a_duration_that_is_none_is_kept_as_one(store: AuditStore, duration: float) -> None:
    await store.append([line_of(replace(EVENT, duration_ms=duration))])
    assert (await verify(store, "acme", SEALER.check)).sound


SEEN: list[AuditEvent] = [
    replace(EVENT, at=NOON + 1, correlation_id="r1"),
    replace(EVENT, at=NOON + 2, correlation_id="r2", subject="ben", action="call_tool", tool="execute_query", table=""),
    replace(EVENT, at=NOON + 3, correlation_id="r3", decision="refused", outcome="refused", error_code="NOT_ALLOWED"),
    replace(EVENT, at=NOON + 4, correlation_id="r4", server="hr", reason="rule:no_wages 100%", outcome="failed"),
    replace(EVENT, at=NOON + 5, correlation_id="r5", table="wages", column="amount", arguments='{"text":"Größe"}'),
]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({}, ["r5", "r4", "r3", "r2", "r1"]),
        ({"subject": "ben"}, ["r2"]),
        ({"action": "call_tool"}, ["r2"]),
        ({"server": "hr"}, ["r4"]),
        ({"target": "execute_query"}, ["r2"]),
        ({"target": "wages.amount"}, ["r5"]),
        ({"decision": "refused"}, ["r3"]),
        ({"outcome": "failed"}, ["r4"]),
        ({"correlation_id": "r1"}, ["r1"]),
        ({"since": NOON + 2, "until": NOON + 4}, ["r3", "r2"]),
        ({"text": "NO_WAGES"}, ["r4"]),
        ({"text": "100%"}, ["r4"]),
        ({"text": "no%wages"}, []),
        ({"text": "not_allowed"}, ["r3"]),
        ({"text": "größe"}, ["r5"]),
        ({"subject": "entra:anna", "outcome": "answered"}, ["r5", "r1"]),
        ({"subject": "' OR 1=1 --"}, []),
    ],
)
async def test_a_search_gives_what_fits_newest_first(store: AuditStore, search: dict[str, str], expected: list[str]) -> None:
    await store.append([*(line_of(event) for event in SEEN), *(line_of(replace(event, tenant="umbra")) for event in SEEN)])
    page = await find(store, Search(tenant="acme", **search))  # type: ignore[arg-type]  # the table above gives the right ones
    assert [row.event.correlation_id for row in page.rows] == expected
    assert {row.event.tenant for row in page.rows} <= {"acme"}


async def test_pages_follow_each_other_without_gap_while_lines_are_added(store: AuditStore) -> None:
    await fill(store, 7)
    first = await find(store, Search(tenant="acme", limit=3))
    await store.append([line(8)])
    second = await find(store, Search(tenant="acme", limit=3, before=first.before))
    third = await find(store, Search(tenant="acme", limit=3, before=second.before))
    assert [[row.sequence for row in page.rows] for page in (first, second, third)] == [[7, 6, 5], [4, 3, 2], [1]]
    assert third.before is None


@pytest.mark.parametrize("search", [Search(tenant=""), Search(tenant="acme", limit=0), Search(tenant="acme", limit=1_001)])
async def test_a_search_of_every_tenant_or_without_bound_is_refused(store: AuditStore, search: Search) -> None:
    with pytest.raises(InvalidInput):
        await find(store, search)


async def test_a_sealed_chain_verifies_and_names_its_seals(store: AuditStore) -> None:
    await fill(store, 3)
    first = await seal_chain(store, SEALER, "acme", at=NOON, reason="regular")
    assert first is not None
    assert await seal_chain(store, SEALER, "acme", at=NOON + 60, reason="regular") == first
    await store.append([line(4)])
    second = await seal_chain(store, SEALER, "acme", at=NOON + 120, reason="regular")
    assert await store.seals("acme") == [first, second]
    found = await verify(store, "acme", SEALER.check)
    assert found.sound
    assert found.seals == 2
    assert await seal_chain(store, SEALER, "nobody", at=NOON, reason="regular") is None


async def test_old_rows_go_behind_a_seal_and_the_rest_still_verifies(store: AuditStore) -> None:
    await fill(store, 9)
    await fill(store, 2, "umbra")
    assert (await prune(store, SEALER, "acme", at=NOON + 99, before=NOON + 1)).rows == 0
    pruned = await prune(store, SEALER, "acme", at=NOON + 99, before=NOON + 5)
    assert (pruned.rows, pruned.through) == (4, 4)
    await store.append([line(10)])
    found = await verify(store, "acme", SEALER.check)
    assert found.sound
    assert (found.first, found.last, found.rows) == (5, 11, 7)
    assert "4 rows through 4" in read_row((await store.read("acme", after=9, limit=1))[0]).event.reason
    assert (await verify(store, "umbra", SEALER.check)).rows == 2


async def test_a_chain_whose_rows_are_all_gone_goes_on(store: AuditStore) -> None:
    await fill(store, 2)
    assert (await prune(store, SEALER, "acme", at=NOON + 99, before=NOON + 50)).rows == 2
    found = await verify(store, "acme", SEALER.check)
    assert found.sound
    assert (found.first, found.last) == (3, 3)


async def test_rows_that_go_without_a_seal_are_missed_even_when_none_is_left(store: AuditStore) -> None:
    await fill(store, 2)
    await store.remove_through("acme", 2)
    found = await verify(store, "acme", SEALER.check)
    assert [(finding.fault, finding.sequence, finding.through) for finding in found.findings] == [("cut_off", 1, 2)]


async def test_keeping_seals_every_tenant_and_removes_what_is_past_its_time(store: AuditStore) -> None:
    await fill(store, 3)
    await fill(store, 1, "umbra")
    kept = await keep_trail(store, SEALER, at=NOON + 10 * DAY_SECONDS, retention_days=30)
    assert (kept.sealed, kept.removed, kept.broken) == (2, 0, ())
    kept = await keep_trail(store, SEALER, at=NOON + 40 * DAY_SECONDS, retention_days=30)
    assert kept.removed == 4
    assert (await verify(store, "acme", SEALER.check)).sound
    assert (await keep_trail(store, SEALER, at=NOON + 41 * DAY_SECONDS, retention_days=30)).removed == 0
