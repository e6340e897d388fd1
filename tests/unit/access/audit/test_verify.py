"""Whatever is done to the rows of a chain is found, and named by its sequence."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.access.audit_trails import NOON, SEALER, line

from mcp_gateway.access.audit.chain import next_hash
from mcp_gateway.access.audit.model import Head, Seal, StoredRow
from mcp_gateway.access.audit.seals import Sealer, prune, seal_chain
from mcp_gateway.access.audit.verify import Verification, verify
from mcp_gateway.access.errors import AuditBroken
from mcp_gateway.adapters.memory_audit import MemoryAudit

pytestmark = pytest.mark.anyio

ROWS = 6


class Tampered(MemoryAudit):
    """A store whose rows, head and seals somebody put there."""

    def __init__(self, rows: Sequence[StoredRow], head: Head | None, seals: Sequence[Seal] = ()) -> None:
        super().__init__("unused")
        self.rows, self.its_head, self.its_seals = list(rows), head, list(seals)

    async def head(self, tenant: str) -> Head | None:
        return self.its_head

    async def read(self, tenant: str, *, after: int, limit: int) -> Sequence[StoredRow]:
        return [row for row in self.rows if row.sequence > after][:limit]

    async def seals(self, tenant: str) -> Sequence[Seal]:
        return self.its_seals


async def chain() -> Tampered:
    """Six sound rows, sealed at the third."""
    store = MemoryAudit("of-tests")
    await store.append([line(number) for number in range(1, 4)])
    await seal_chain(store, SEALER, "acme", at=NOON, reason="regular")
    await store.append([line(number) for number in range(4, ROWS + 1)])
    return Tampered(await store.read("acme", after=0, limit=100), await store.head("acme"), await store.seals("acme"))


async def check(store: Tampered) -> Verification:
    return await verify(store, "acme", SEALER.check)


def faults(found: Verification) -> list[tuple[str, int, int]]:
    return [(finding.fault, finding.sequence, finding.through) for finding in found.findings]


def variants(value: object) -> list[object]:
    """The value with each of its characters changed, doubled or left out; a number, by a little."""
    if isinstance(value, str):
        changed = [f"{value[:at]}{'x' if value[at] != 'x' else 'y'}{value[at + 1 :]}" for at in range(len(value))]
        shorter = [f"{value[:at]}{value[at + 1 :]}" for at in range(len(value))]
        return [text for text in (*changed, *shorter, f"{value} ", value + value[-1:]) if text != value]
    if isinstance(value, int):
        return [value + 1, value - 1, -value]
    assert isinstance(value, float)
    return [value + 0.001, -value]


async def test_an_untouched_chain_is_sound() -> None:
    found = await check(await chain())
    assert found.sound
    assert (found.rows, found.first, found.last, found.seals) == (ROWS, 1, ROWS, 1)


@pytest.mark.parametrize("place", range(ROWS))
async def test_any_byte_of_any_row_that_is_changed_is_found_there(place: int) -> None:
    sound = await chain()
    row = sound.rows[place]
    others: list[StoredRow] = [row._replace(body=str(text)) for text in variants(row.body)]
    others += [row._replace(hash=str(text)) for text in variants(row.hash)]
    for at, value in enumerate(row.columns):
        others += [row._replace(columns=(*row.columns[:at], other, *row.columns[at + 1 :])) for other in variants(value)]
    assert len(others) > 1_000
    for other in others:
        found = await check(Tampered([*sound.rows[:place], other, *sound.rows[place + 1 :]], sound.its_head, sound.its_seals))
        assert ("changed", place + 1, place + 1) in faults(found)
        assert {finding.sequence for finding in found.findings} == {place + 1} or place == ROWS - 1


@pytest.mark.parametrize("place", range(ROWS))
async def test_a_row_that_was_removed_is_named(place: int) -> None:
    store = await chain()
    del store.rows[place]
    fault = "cut_off" if place == ROWS - 1 else "missing"
    assert (fault, place + 1, place + 1) in faults(await check(store))


async def test_a_stretch_that_was_removed_is_named_as_one() -> None:
    store = await chain()
    del store.rows[1:4]
    assert ("missing", 2, 4) in faults(await check(store))


async def test_a_chain_that_was_cut_off_is_found_although_its_end_was_moved() -> None:
    store = await chain()
    store.rows = store.rows[:2]
    assert store.its_head is not None
    assert faults(await check(store))[0] == ("cut_off", 3, ROWS)
    store.its_head = replace(store.its_head, sequence=2, hash=store.rows[-1].hash)
    assert faults(await check(store)) == [("seal_broken", 3, 3)]


@given(st.permutations(range(ROWS)))
async def test_rows_in_another_order_are_found(order: list[int]) -> None:
    """Texts and hashes together change places; the sequences stay where they are."""
    sound = await chain()
    rows = [sound.rows[source]._replace(sequence=at + 1, columns=sound.rows[source].columns) for at, source in enumerate(order)]
    found = await check(Tampered(rows, sound.its_head, sound.its_seals))
    moved = {at + 1 for at, source in enumerate(order) if at != source}
    assert found.sound == (not moved)
    assert {finding.sequence for finding in found.findings} >= {min(moved)} if moved else True


@pytest.mark.parametrize("place", range(ROWS))
async def test_a_row_that_stands_there_twice_is_found(place: int) -> None:
    store = await chain()
    store.rows.insert(place, store.rows[place])
    assert ("repeated", place + 1, place + 1) in faults(await check(store))


@pytest.mark.parametrize("place", range(1, ROWS + 1))
async def test_a_row_that_was_put_in_between_is_found(place: int) -> None:
    """With a hash that follows from the row before: it is the row behind it that gives it away, or the end."""
    store = await chain()
    body = line(99).body
    inserted = store.rows[place - 1]._replace(sequence=place + 1, body=body, hash=next_hash(store.rows[place - 1].hash, body))
    later = [row._replace(sequence=row.sequence + 1) for row in store.rows[place:]]
    store.rows = [*store.rows[:place], inserted, *later]
    assert not (await check(store)).sound


async def test_a_row_that_was_put_behind_the_end_is_found() -> None:
    store = await chain()
    body = line(99).body
    store.rows.append(store.rows[-1]._replace(sequence=ROWS + 1, body=body, hash=next_hash(store.rows[-1].hash, body)))
    assert ("added", ROWS + 1, ROWS + 1) in faults(await check(store))


async def test_a_chain_made_anew_is_found_by_its_seal_alone() -> None:
    sound = await chain()
    assert sound.its_head is not None
    forged = MemoryAudit(sound.its_head.installation)
    await forged.append([line(number if number != 2 else 99) for number in range(1, ROWS + 1)])
    store = Tampered(await forged.read("acme", after=0, limit=100), await forged.head("acme"), sound.its_seals)
    assert faults(await check(store)) == [("seal_broken", 3, 3)]
    store.its_seals = []
    assert (await check(store)).sound
    kept = await verify(store, "acme", SEALER.check, kept=sound.its_seals)
    assert faults(kept) == [("seal_broken", 3, 3)]


async def test_rows_of_another_tenant_or_installation_are_found() -> None:
    store = await chain()
    assert store.its_head is not None
    store.its_head = replace(store.its_head, installation="another")
    assert ("changed", 1, 1) in faults(await check(store))
    other = MemoryAudit("of-tests")
    await other.append([line(1, "umbra")])
    stolen = Tampered(await other.read("umbra", after=0, limit=9), await other.head("umbra"))
    assert ("changed", 1, 1) in faults(await check(stolen))


async def test_an_end_that_was_changed_or_removed_is_found() -> None:
    store = await chain()
    assert store.its_head is not None
    store.its_head = replace(store.its_head, hash="00" * 32)
    assert ("head_changed", ROWS, ROWS) in faults(await check(store))
    store.its_head = None
    assert ("head_missing", 1, 1) in faults(await check(store))


async def test_a_seal_that_nobody_signed_is_found() -> None:
    store = await chain()
    (seal,) = store.its_seals
    for forged in (
        replace(seal, sequence=4),
        replace(seal, hash="00" * 32),
        replace(seal, reason="x"),
        replace(seal, signature="zz"),
    ):
        store.its_seals = [forged]
        assert [fault for fault, *_ in faults(await check(store))] == ["seal_forged"]
    store.its_seals = [replace(seal, key="another")]
    assert [fault for fault, *_ in faults(await check(store))] == ["seal_of_another_key"]


async def test_rows_removed_from_the_beginning_need_a_seal_that_says_so() -> None:
    store = await chain()
    store.rows = store.rows[3:]
    assert ("missing", 1, 3) in faults(await check(store))
    (regular,) = store.its_seals
    store.its_seals = [
        SEALER.sign(tenant="acme", sequence=3, row_hash=regular.hash, sealed_at=regular.sealed_at, reason="retention")
    ]
    assert (await check(store)).sound
    store.its_seals = [replace(regular, reason="retention")]
    assert ("seal_forged", 3, 3) in faults(await check(store))
    store.rows = store.rows[1:]
    assert ("missing", 1, 4) in faults(await check(store))


async def test_nothing_is_sealed_or_removed_on_top_of_what_was_tampered_with() -> None:
    store = await chain()
    store.rows[4] = store.rows[4]._replace(body=line(99).body)
    with pytest.raises(AuditBroken, match="at 5"):
        await seal_chain(store, SEALER, "acme", at=NOON, reason="regular")
    with pytest.raises(AuditBroken, match="at 5"):
        await prune(store, SEALER, "acme", at=NOON, before=NOON + 100)
    assert len(store.rows) == ROWS


def test_a_seal_of_another_installation_is_not_taken_for_ones_own() -> None:
    other = Sealer(Ed25519PrivateKey.generate(), SEALER.name)
    seal = other.sign(tenant="acme", sequence=1, row_hash="00", sealed_at=1, reason="regular")
    assert SEALER.check(seal) == "forged"


async def test_after_a_new_key_the_old_seals_hold_when_the_old_key_is_known_and_sealing_goes_on_when_not() -> None:
    new = Ed25519PrivateKey.generate()
    knowing = Sealer(new, "new", {SEALER.name: Ed25519PrivateKey.from_private_bytes(b"s" * 32).public_key()})
    forgetful = Sealer(new, "new")
    store = MemoryAudit("of-tests")
    await store.append([line(1)])
    await seal_chain(store, SEALER, "acme", at=NOON, reason="regular")
    await store.append([line(2)])
    sealed = await seal_chain(store, forgetful, "acme", at=NOON, reason="regular")
    assert sealed is not None
    assert (sealed.sequence, sealed.key) == (2, "new")
    assert (await verify(store, "acme", knowing.check)).seals == 2
    assert faults(await verify(store, "acme", forgetful.check)) == [("seal_of_another_key", 1, 1)]


async def test_findings_are_bounded() -> None:
    store = MemoryAudit("of-tests")
    await store.append([line(number) for number in range(1, 2_500)])
    rows = [row._replace(body="{}") for row in await store.read("acme", after=0, limit=9_999)]
    assert len((await check(Tampered(rows, await store.head("acme")))).findings) == 1_000
