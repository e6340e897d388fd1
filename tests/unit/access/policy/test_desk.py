"""The desk: changes by administrators, on one replica or on several, and a file that changes under it."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mcp_gateway.access.configuration.file import AccessFile
from mcp_gateway.access.errors import InsufficientScope, NotAllowed, PolicyInvalid
from mcp_gateway.access.policy.build import Statements
from mcp_gateway.access.policy.changes import MAX_STORED, Addition, Removal
from mcp_gateway.access.policy.desk import PolicyDesk, open_desk
from mcp_gateway.access.policy.dry_run import PastCall
from mcp_gateway.access.policy.errors import PolicyBusy, StatementNotFound, WouldLockOut
from mcp_gateway.access.policy.model import ACTIONS, Role, Rule, Target
from mcp_gateway.access.policy.ports import StoredStatement
from mcp_gateway.adapters.memory_rules import MemoryRules
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADA = Caller(tenant="acme", subject="ada", roles=frozenset({"admin"}))
ALICE = Caller(tenant="acme", subject="alice", roles=frozenset({"analyst"}))
EVE = Caller(tenant="globex", subject="eve", roles=frozenset({"admin"}))


@pytest.fixture
def store() -> MemoryRules:
    return MemoryRules()


@pytest.fixture
async def desk(store: MemoryRules) -> PolicyDesk:
    return await open_desk(Statements(), store, FixedClock(NOON))


def rule(identity: str, effect: str = "deny", **facts: Json) -> Addition:
    return Addition(kind="rule", text=json.dumps({"id": identity, "effect": effect, **facts}))


def role(name: str, **facts: Json) -> Addition:
    return Addition(kind="role", text=json.dumps({"name": name, **facts}))


async def test_a_rule_is_in_force_as_soon_as_it_is_stored(desk: PolicyDesk, store: MemoryRules) -> None:
    assert desk.decide(ALICE, "ask", Target(table="payroll")).allowed
    before = desk.current.version
    stored = await desk.put(ADA, rule("no-payroll", tables=["payroll"], note="HR only"))
    assert isinstance(stored, Rule)
    assert (stored.owner, stored.tenants) == ("acme", frozenset({"acme"}))
    assert desk.decide(ALICE, "ask", Target(table="payroll")).rule == "no-payroll"
    assert desk.current.version != before
    held = (await store.read_all()).held
    assert [(one.tenant, one.id, one.created_by, one.created_at) for one in held] == [
        ("acme", "no-payroll", "ada", NOON.timestamp())
    ]
    await desk.remove(ADA, Removal(kind="rule", id="no-payroll"))
    assert desk.decide(ALICE, "ask", Target(table="payroll")).allowed
    assert desk.current.version == before


async def test_a_tenants_rule_is_about_that_tenant_alone(desk: PolicyDesk) -> None:
    globex = replace(ALICE, tenant="globex")
    await desk.put(ADA, rule("r", roles=["analyst"]))
    assert not desk.decide(ALICE, "ask").allowed
    assert desk.decide(globex, "ask").allowed
    with pytest.raises(PolicyInvalid, match="another tenant"):
        await desk.put(ADA, rule("s", tenants=["globex"]))


async def test_what_another_tenant_stored_can_be_neither_seen_replaced_nor_removed(desk: PolicyDesk) -> None:
    await desk.put(ADA, rule("r", roles=["analyst"]))
    assert not [one for one in desk.list(EVE) if one.source == "stored"]
    with pytest.raises(StatementNotFound):
        await desk.remove(EVE, Removal(kind="rule", id="r"))
    await desk.put(EVE, rule("r", roles=["viewer"]))
    assert not desk.decide(ALICE, "ask").allowed
    assert len([one for one in desk.list(ADA) if one.source == "stored"]) == 1


async def test_only_who_may_manage_access_changes_or_sees_rules(desk: PolicyDesk) -> None:
    for forbidden in (ALICE, replace(ADA, roles=frozenset({"operator", "developer"}))):
        with pytest.raises(NotAllowed):
            await desk.put(forbidden, rule("r"))
        with pytest.raises(NotAllowed):
            await desk.remove(forbidden, Removal(kind="rule", id="r"))
        with pytest.raises(NotAllowed):
            desk.list(forbidden)
        with pytest.raises(NotAllowed):
            desk.explain(forbidden, ALICE, "ask")
        with pytest.raises(NotAllowed):
            desk.dry_run(forbidden, [rule("r")])


async def test_an_administrator_whose_token_is_narrowed_is_told_the_scope(desk: PolicyDesk) -> None:
    with pytest.raises(InsufficientScope) as caught:
        await desk.put(replace(ADA, scopes=frozenset({"gateway.read"})), rule("r"))
    assert caught.value.data["scope"] == "gateway.admin"


async def test_nobody_is_explained_to_another_tenant(desk: PolicyDesk) -> None:
    assert desk.explain(ADA, ALICE, "ask").works
    with pytest.raises(NotAllowed):
        desk.explain(EVE, ALICE, "ask")


@pytest.mark.parametrize(
    "change", [rule("r"), rule("r", roles=["admin"]), rule("r", subjects=["ad?"], actions=["manage_access"])]
)
async def test_administrators_do_not_lock_themselves_out_by_accident(desk: PolicyDesk, change: Addition) -> None:
    with pytest.raises(WouldLockOut):
        await desk.put(ADA, change)
    assert desk.decide(ADA, "manage_access").allowed
    await desk.put(ADA, change, force=True)
    assert not desk.decide(ADA, "manage_access").allowed
    with pytest.raises(NotAllowed):
        await desk.remove(ADA, Removal(kind="rule", id="r"))


async def test_removing_the_rule_that_lets_somebody_manage_access_needs_force(desk: PolicyDesk) -> None:
    await desk.put(ADA, rule("bobs", effect="allow", actions=["manage_access"], subjects=["bob"]))
    bob = replace(ALICE, subject="bob")
    with pytest.raises(WouldLockOut):
        await desk.remove(bob, Removal(kind="rule", id="bobs"))
    await desk.remove(bob, Removal(kind="rule", id="bobs"), force=True)
    assert not desk.decide(bob, "manage_access").allowed


async def test_a_role_that_is_spoken_of_is_not_removed(desk: PolicyDesk) -> None:
    await desk.put(ADA, role("lead", extends=["analyst"]))
    await desk.put(ADA, rule("r", roles=["lead"], servers=["hr"]))
    with pytest.raises(PolicyInvalid, match="The rule r names the role lead"):
        await desk.remove(ADA, Removal(kind="role", id="lead"))
    await desk.remove(ADA, Removal(kind="rule", id="r"))
    await desk.remove(ADA, Removal(kind="role", id="lead"))


async def test_a_refused_change_changes_nothing(desk: PolicyDesk, store: MemoryRules) -> None:
    for change in (rule("r", roles=["nobody"]), role("a", extends=["a"]), role("viewer"), rule("r", effects=1)):
        with pytest.raises(PolicyInvalid):
            await desk.put(ADA, change)
    with pytest.raises(StatementNotFound):
        await desk.remove(ADA, Removal(kind="rule", id="r"))
    assert await store.read_version() == 0


async def test_a_name_of_the_file_is_not_taken_by_a_stored_one(store: MemoryRules) -> None:
    written = Statements(rules=(Rule(id="r", effect="deny", actions=frozenset(ACTIONS), servers=("hr",)),))
    desk = await open_desk(written, store, FixedClock(NOON))
    with pytest.raises(PolicyInvalid, match="name of the access file"):
        await desk.put(ADA, rule("r", servers=["crm"]))


async def test_a_deny_of_the_file_stands_above_what_a_tenant_allows(store: MemoryRules) -> None:
    written = Statements(rules=(Rule(id="no-hr", effect="deny", actions=frozenset(ACTIONS), servers=("hr",)),))
    desk = await open_desk(written, store, FixedClock(NOON))
    await desk.put(ADA, rule("hr", effect="allow", actions=["call_tool"], servers=["hr"]))
    assert desk.decide(ADA, "call_tool", Target(server="hr", tool="x")).rule == "no-hr"
    with pytest.raises(StatementNotFound):
        await desk.remove(ADA, Removal(kind="rule", id="no-hr"))


async def test_the_list_says_where_everything_comes_from(store: MemoryRules) -> None:
    foreign = Rule(id="g", effect="deny", actions=frozenset({"ask"}), tenants=frozenset({"globex"}))
    written = Statements(roles=(Role(name="lead"),), rules=(foreign, replace(foreign, id="ours", tenants=frozenset())))
    desk = await open_desk(written, store, FixedClock(NOON))
    await desk.put(ADA, role("own"))
    listed = [(one.source, one.kind, one.created_by) for one in desk.list(ADA)]
    assert listed[:5] == [("built_in", "role", "")] * 5
    assert listed[5:] == [("file", "role", ""), ("file", "rule", ""), ("stored", "role", "ada")]


async def test_a_tenant_stores_a_bounded_number(desk: PolicyDesk, store: MemoryRules) -> None:
    for number in range(MAX_STORED):
        body = f'{{"id":"r{number}","effect":"deny","servers":["x"]}}'
        one = StoredStatement(tenant="acme", kind="rule", id=f"r{number}", body=body, created_at=0.0, created_by="x")
        await store.put(one, expected_version=number)
    await desk.reload()
    with pytest.raises(PolicyInvalid, match="1000 of yours already"):
        await desk.put(ADA, rule("one-more", servers=["x"]))
    await desk.put(ADA, rule("r7", servers=["y"]))
    await desk.put(EVE, rule("r", servers=["y"]))


async def test_a_dry_run_tells_and_changes_nothing(desk: PolicyDesk, store: MemoryRules) -> None:
    await desk.put(ADA, rule("old", servers=["hr"]))
    calls = [PastCall(caller=ALICE, action="ask", count=4)]
    run = desk.dry_run(ADA, [rule("r", roles=["analyst"], actions=["ask"]), Removal(kind="rule", id="old")], calls)
    assert [(one.subject, one.count, one.allowed) for one in run.of_calls] == [("alice", 4, False)]
    assert {one.roles for one in run.of_roles if not one.allowed} == {("analyst",)}
    assert any(one.allowed and str(one.target) == "hr" for one in run.of_roles)
    assert desk.decide(ALICE, "ask").allowed
    assert await store.read_version() == 1
    with pytest.raises(StatementNotFound):
        desk.dry_run(ADA, [Removal(kind="rule", id="nothing")])


async def test_another_replica_follows(store: MemoryRules) -> None:
    one, two = [await open_desk(Statements(), store, FixedClock(NOON)) for _ in range(2)]
    await one.put(ADA, rule("r", roles=["analyst"]))
    assert two.decide(ALICE, "ask").allowed
    assert await two.reload()
    assert not two.decide(ALICE, "ask").allowed
    assert one.current.version == two.current.version
    assert not await two.reload()


async def test_changes_made_at_once_on_two_replicas_are_all_made(store: MemoryRules) -> None:
    desks = [await open_desk(Statements(), store, FixedClock(NOON)) for _ in range(2)]
    await asyncio.gather(*(desks[number % 2].put(ADA, rule(f"r{number}", servers=["x"])) for number in range(10)))
    for desk in desks:
        await desk.reload()
        assert len([one for one in desk.list(ADA) if one.source == "stored"]) == 10
    assert desks[0].current.version == desks[1].current.version


async def test_a_change_is_checked_against_what_another_replica_changed_meanwhile(store: MemoryRules) -> None:
    one, two = [await open_desk(Statements(), store, FixedClock(NOON)) for _ in range(2)]
    await one.put(ADA, role("lead"))
    await two.reload()
    await one.remove(ADA, Removal(kind="role", id="lead"))
    with pytest.raises(PolicyInvalid, match="role lead"):
        await two.put(ADA, rule("r", roles=["lead"]))
    await one.put(ADA, rule("locked", actions=["manage_access"], subjects=["bob"]))
    bob = replace(ADA, subject="bob")
    with pytest.raises(NotAllowed):
        await two.put(bob, rule("s", servers=["x"]))


async def test_a_store_that_always_moved_on_is_given_up(store: MemoryRules) -> None:
    class Restless(MemoryRules):
        async def put(self, statement: StoredStatement, *, expected_version: int) -> bool:
            return False

    desk = await open_desk(Statements(), Restless(), FixedClock(NOON))
    with pytest.raises(PolicyBusy):
        await desk.put(ADA, rule("r", servers=["x"]))


async def test_what_is_stored_and_cannot_be_read_changes_nothing_and_is_said_once(desk: PolicyDesk, store: MemoryRules) -> None:
    await desk.put(ADA, rule("r", roles=["analyst"]))
    broken = StoredStatement(tenant="globex", kind="rule", id="b", body='{"id":"b"}', created_at=0.0, created_by="x")
    await store.put(broken, expected_version=1)
    with capture_logs() as logs:
        assert not await desk.reload()
        assert not await desk.reload()
    assert [one["event"] for one in logs] == ["policy_refused"]
    assert "The stored rule b of globex cannot be read" in logs[0]["reason"]
    assert not desk.decide(ALICE, "ask").allowed
    with pytest.raises(PolicyInvalid):
        await open_desk(Statements(), store, FixedClock(NOON))
    await store.remove("globex", "rule", "b", expected_version=2)
    assert not await desk.reload()
    await desk.put(ADA, rule("s", servers=["x"]))


async def follow(desk: PolicyDesk) -> bool:
    """As the loop of a gateway does, until it has seen that nobody is writing the file any more."""
    return [await desk.reload() for _ in range(3)].count(True) == 1


async def test_the_file_is_followed_and_a_faulty_one_changes_nothing(store: MemoryRules, tmp_path: Path) -> None:
    path = tmp_path / "access.yaml"
    path.write_text("rules: [{id: r, effect: deny, roles: [analyst]}]")
    file = AccessFile(path)
    desk = await open_desk(file.load().statements, store, FixedClock(NOON), file)
    assert not desk.decide(ALICE, "ask").allowed
    for faulty in ("rules: [{id: r, effect: deny, roles: [analyst]}, {id: broken}]", "", " \n", "rules: [", "\x00"):
        path.write_text(faulty)
        with capture_logs() as logs:
            assert not await follow(desk)
        assert [one["event"] for one in logs] == ["access_file_refused"]
        assert not desk.decide(ALICE, "ask").allowed
    path.write_text("rules: []  # nobody is refused any more")
    assert await follow(desk)
    assert desk.decide(ALICE, "ask").allowed
    path.unlink()
    with capture_logs() as logs:
        assert not await follow(desk)
    assert [one["event"] for one in logs] == ["access_file_refused"]
    assert desk.decide(ALICE, "ask").allowed


async def test_a_file_that_is_still_being_written_is_left_alone(store: MemoryRules, tmp_path: Path) -> None:
    path = tmp_path / "access.yaml"
    path.write_text("rules:\n  - {id: a, effect: deny, roles: [viewer]}\n  - {id: r, effect: deny, roles: [analyst]}\n")
    file = AccessFile(path)
    desk = await open_desk(file.load().statements, store, FixedClock(NOON), file)
    for half in ("", "rules:\n", "rules:\n  - {id: a, effect: deny, roles: [viewer]}\n", "rules:\n  - {id: b, effect: deny}\n"):
        path.write_text(half)
        assert not await desk.reload()
        assert desk.decide(ALICE, "ask").rule == "a"
    assert await desk.reload()
    assert desk.decide(ALICE, "ask").rule == "b"


async def test_a_file_that_clashes_with_what_is_stored_waits_until_it_does_not(store: MemoryRules, tmp_path: Path) -> None:
    path = tmp_path / "access.yaml"
    path.write_text("")
    file = AccessFile(path)
    desk = await open_desk(file.load().statements, store, FixedClock(NOON), file)
    other = await open_desk(Statements(), store, FixedClock(NOON))
    await desk.put(ADA, role("lead"))
    path.write_text("roles: [{name: lead, extends: [viewer]}]")
    with capture_logs() as logs:
        assert not await follow(desk)
    assert [one["reason"] for one in logs] == ["There already is a role lead."]
    await other.reload()
    await other.remove(ADA, Removal(kind="role", id="lead"))
    assert await desk.reload()
    assert desk.decide(replace(ALICE, roles=frozenset({"lead"})), "see_health").allowed
