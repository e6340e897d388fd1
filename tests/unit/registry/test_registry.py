"""The registry's use cases over several replicas of one store: who sees what, what wins, and that no change is lost."""

import asyncio
from collections.abc import Callable
from dataclasses import fields, replace

import pytest
from tests.unit.registry.conftest import replica

from mcp_gateway.access.errors import NotAllowed
from mcp_gateway.access.policy.build import Statements
from mcp_gateway.access.policy.model import Rule
from mcp_gateway.adapters.memory_audit import MemoryAudit
from mcp_gateway.adapters.memory_servers import MemoryServers
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.registry.configuration.model import ServersConfiguration
from mcp_gateway.registry.configuration.read import read_servers
from mcp_gateway.registry.errors import (
    CredentialLost,
    InvalidServer,
    RegistryBusy,
    ServerChanged,
    ServerInUse,
    ServerNameTaken,
    ServerNotFound,
    ServerWrittenDown,
    TooManyServers,
)
from mcp_gateway.registry.model import Credential, Selected, Server
from mcp_gateway.registry.orders import ServerChange, ServerOrder, VirtualChange, VirtualOrder
from mcp_gateway.registry.plans import MAX_SERVERS, MAX_VIRTUAL
from mcp_gateway.registry.ports import Put, StoreChange, StoredRegistry

pytestmark = pytest.mark.anyio

ADMIN = Caller(tenant="acme", subject="ada", roles=frozenset({"admin"}))
OTHER = Caller(tenant="other", subject="eve", roles=frozenset({"admin"}))
FILE = read_servers("servers: {issues: {url: https://issues.example/mcp}}\nvirtual_servers: {desk: {resources: [issues]}}")


def order(name: str = "github", url: str = "https://a.example/mcp") -> ServerOrder:
    return ServerOrder(name=name, url=url)


def selection(name: str = "support", server: str = "github") -> VirtualOrder:
    return VirtualOrder(name=name, tools=(Selected(server=server, tool="search"),))


class File:
    """What an operator writes while the gateway runs."""

    def __init__(self) -> None:
        self.next: ServersConfiguration | None = None

    async def reload(self) -> ServersConfiguration | None:
        said, self.next = self.next, None
        return said


async def test_what_one_replica_registers_every_replica_has_when_it_looks() -> None:
    store = MemoryServers()
    async with replica(store) as one, replica(store) as two:
        heard: list[int] = []
        two.follow(lambda: heard.append(len(two.servers)))
        await one.add(ADMIN, order())
        assert not two.servers
        assert await two.reload()
        assert (two.servers, heard) == (one.servers, [1])
        assert not await two.reload()
        assert heard == [1]
        await two.remove(ADMIN, "github")
        assert await one.reload()
        assert not one.servers


async def test_a_snapshot_never_changes_and_the_revision_grows() -> None:
    async with replica(MemoryServers()) as registry:
        before, revision = registry.servers, registry.revision
        await registry.add(ADMIN, order())
        assert not before
        assert registry.revision > revision


async def test_whoever_no_longer_listens_hears_nothing() -> None:
    async with replica(MemoryServers()) as registry:
        heard: list[str] = []
        end = registry.follow(lambda: heard.append("first"))
        registry.follow(lambda: heard.append("second"))
        end()
        end()
        await registry.add(ADMIN, order())
        assert heard == ["second"]


async def test_two_replicas_that_change_different_things_of_one_server_lose_neither() -> None:
    store = MemoryServers()
    async with replica(store) as one, replica(store) as two:
        await one.add(ADMIN, order())
        await two.reload()
        await asyncio.gather(
            one.update(ADMIN, "github", ServerChange(title="T"), look=False),
            two.update(ADMIN, "github", ServerChange(prefix="p_"), look=False),
        )
        await one.reload()
        await two.reload()
        assert one.servers == two.servers
        server = one.servers["github"]
        assert (server.title, server.prefix, server.version) == ("T", "p_", 3)


async def test_of_two_who_change_what_they_both_read_one_is_told_to_read_again() -> None:
    store = MemoryServers()
    async with replica(store) as one, replica(store) as two:
        await one.add(ADMIN, order())
        await two.reload()
        outcomes = await asyncio.gather(
            *(
                registry.update(ADMIN, "github", ServerChange(title=title), expected_version=1)
                for registry, title in ((one, "1"), (two, "2"))
            ),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in outcomes) == ["Registered", "ServerChanged"]


async def test_many_replicas_that_add_at_once_add_all_and_each_name_once() -> None:
    store = MemoryServers()
    async with replica(store) as one, replica(store) as two, replica(store) as three:
        replicas = (one, two, three)
        outcomes = await asyncio.gather(
            *(replicas[n % 3].add(ADMIN, order(f"s{n % 8}")) for n in range(16)), return_exceptions=True
        )
        assert sum(isinstance(one, ServerNameTaken) for one in outcomes) == 8
        assert not [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, ServerNameTaken)]
        assert len((await store.read_all()).servers) == 8


async def test_what_another_replica_did_a_moment_ago_counts_before_anybody_follows_it() -> None:
    store = MemoryServers()
    async with replica(store) as one, replica(store) as two:
        await one.add(ADMIN, order())
        assert (await two.test(ADMIN, "github")).server.name == "github"
        await one.virtual.add(ADMIN, selection())
        with pytest.raises(ServerInUse):
            await two.remove(ADMIN, "github")
        await one.virtual.remove(ADMIN, "support")
        await two.remove(ADMIN, "github")
        with pytest.raises(ServerNotFound):
            await one.enable(ADMIN, "github")
        await one.add(ADMIN, order())


async def test_who_registered_at_one_replica_finds_it_at_another_right_away() -> None:
    store = MemoryServers()
    async with replica(store) as one, replica(store) as two:
        await one.add(ADMIN, order())
        await two.catch_up(OTHER, "nowhere")
        assert "github" in two.servers
        await one.add(ADMIN, order("second"))
        await two.catch_up(ADMIN, "github")
        assert "second" not in two.servers
        await two.catch_up(ADMIN, "second")
        assert two.find(ADMIN, "second").name == "second"


async def test_a_server_removed_on_one_replica_is_not_brought_back_by_a_change_on_another() -> None:
    store = MemoryServers()
    async with replica(store) as one, replica(store) as two:
        await one.add(ADMIN, order())
        await two.reload()
        await one.remove(ADMIN, "github")
        with pytest.raises(ServerNotFound):
            await two.update(ADMIN, "github", ServerChange(title="T"))
        assert not (await store.read_all()).servers


async def test_one_that_took_the_name_meanwhile_is_not_overwritten_with_another_tenants_credential() -> None:
    store = MemoryServers()
    async with replica(store) as one, replica(store) as two:
        await one.add(ADMIN, order())
        await two.reload()
        await one.remove(ADMIN, "github")
        await one.add(OTHER, order())
        with pytest.raises(ServerNotFound):
            await two.update(ADMIN, "github", ServerChange(credential=Credential(kind="bearer", secret="x")))
        assert one.servers["github"].credential.kind == "none"


class Busy(MemoryServers):
    """Others are always quicker."""

    async def write(self, change: StoreChange, *, expected_revision: int) -> bool:
        return False


async def test_a_change_others_are_always_quicker_than_ends_and_says_so() -> None:
    async with replica(Busy()) as registry:
        with pytest.raises(RegistryBusy):
            await registry.add(ADMIN, order())
        assert not registry.servers


@pytest.mark.parametrize("caller", [ADMIN, OTHER, LOCAL_CALLER], ids=lambda caller: caller.tenant)
async def test_callers_see_what_is_of_their_tenant_or_of_all(caller: Caller) -> None:
    async with replica(MemoryServers(), written=FILE) as registry:
        await registry.add(ADMIN, order("acmes"))
        await registry.add(OTHER, order("others"))
        await registry.add(LOCAL_CALLER, replace(order("everyones"), tenant=""))
        await registry.add(LOCAL_CALLER, order("locals"))
        own = {"acme": ["acmes"], "other": ["others"], "local": ["locals"]}[caller.tenant]
        assert [one.name for one in registry.list(caller)] == sorted([*own, "everyones", "issues"])
        assert [one.name for one in registry.virtual.list(caller)] == ["desk"]
        for name in {"acmes", "others"} - set(own):
            with pytest.raises(ServerNotFound):
                registry.find(caller, name)


async def test_the_policy_decides_about_each_server_by_its_name() -> None:
    deny = Rule(id="no", effect="deny", actions=frozenset({"see_servers", "manage_servers"}), servers=("secret-*",))
    allow = Rule(
        id="yes",
        effect="allow",
        actions=frozenset({"manage_servers"}),
        subjects=("dev",),
        tenants=frozenset({"acme"}),
        servers=("dev-*",),
    )
    developer = Caller(tenant="acme", subject="dev", roles=frozenset({"viewer"}))
    async with replica(MemoryServers(), statements=Statements(rules=(deny, allow))) as registry:
        await registry.add(developer, order("dev-one"))
        with pytest.raises(NotAllowed):
            await registry.add(developer, order("prod-one"))
        with pytest.raises(NotAllowed):
            await registry.add(ADMIN, order("secret-one"))
        await registry.add(ADMIN, order("prod-one"))
        with pytest.raises(NotAllowed):
            await registry.disable(developer, "prod-one")
        assert [registry.may_manage(developer, one) for one in registry.list(developer)] == [True, False]


async def test_the_file_wins_over_the_store_and_says_what_it_hides() -> None:
    store, file = MemoryServers(), File()
    async with replica(store, file=file) as registry:
        await registry.add(ADMIN, order("issues"))
        file.next = FILE
        assert await registry.reload()
        assert (registry.servers["issues"].source, dict(registry.faults)) == ("file", {"issues": "hides_another"})
        with pytest.raises(ServerWrittenDown):
            await registry.remove(LOCAL_CALLER, "issues")
        file.next = ServersConfiguration()
        assert await registry.reload()
        assert (registry.servers["issues"].source, dict(registry.faults)) == ("store", {})


async def test_what_is_part_of_the_program_cannot_be_replaced_by_file_or_store() -> None:
    inside = Server(name="issues", transport="built_in", source="built_in")
    async with replica(MemoryServers(), built_in=[inside], written=FILE) as registry:
        assert registry.servers == {"issues": inside}
        with pytest.raises(ServerNameTaken):
            await registry.add(ADMIN, order("issues"))
        with pytest.raises(ServerWrittenDown):
            await registry.disable(LOCAL_CALLER, "issues")


async def test_a_tenant_can_register_so_many_and_no_more_and_takes_nobody_elses_room() -> None:
    store = MemoryServers()
    made = Server(name="x", url="https://a.example/mcp", tenant="acme")
    for number in range(MAX_SERVERS):
        await store.write(Put(item=replace(made, name=f"s{number}"), at=0.0, by="ada"), expected_revision=number)
    async with replica(store) as registry:
        with pytest.raises(TooManyServers):
            await registry.add(ADMIN, order("one-more"))
        await registry.add(OTHER, order("first"))
        await registry.remove(ADMIN, "s0")
        await registry.add(ADMIN, order("one-more"))


async def test_virtual_servers_have_a_bound_of_their_own() -> None:
    async with replica(MemoryServers()) as registry:
        await registry.add(ADMIN, order())
        for number in range(MAX_VIRTUAL):
            await registry.virtual.add(ADMIN, selection(f"v{number}"))
        with pytest.raises(TooManyServers):
            await registry.virtual.add(ADMIN, selection("one-more"))


class Faulty(MemoryServers):
    """A store whose secrets were sealed with another key."""

    async def read_all(self) -> StoredRegistry:
        return replace(await super().read_all(), faults={"github": "credential_lost"})


async def test_a_server_whose_credential_was_lost_can_be_mended_or_removed_but_not_used_without() -> None:
    store = Faulty()
    lost = Server(name="github", url="https://a.example/mcp", tenant="acme", enabled=False)
    await store.write(Put(item=lost, at=0.0, by="ada"), expected_revision=0)
    async with replica(store) as registry:
        with pytest.raises(CredentialLost):
            await registry.enable(ADMIN, "github")
        anew = ServerChange(credential=Credential(kind="bearer", secret="x"), enabled=True)
        assert (await registry.update(ADMIN, "github", anew)).server.enabled
        assert not registry.faults
        await registry.remove(ADMIN, "github")


async def test_a_virtual_server_is_changed_on_the_version_that_was_read() -> None:
    async with replica(MemoryServers()) as registry:
        await registry.add(ADMIN, order())
        await registry.virtual.add(ADMIN, selection())
        changed = await registry.virtual.update(ADMIN, "support", VirtualChange(title="T"), expected_version=1)
        assert (changed.version, changed.tools[0].tool) == (2, "search")
        with pytest.raises(ServerChanged):
            await registry.virtual.remove(ADMIN, "support", expected_version=1)
        await registry.virtual.remove(ADMIN, "support", expected_version=2)


@pytest.mark.parametrize(
    "change",
    [
        VirtualChange(tools=()),
        VirtualChange(tools=(Selected(server="others", tool="t"),)),
        VirtualChange(resources=("others",)),
        VirtualChange(prompts=("others",)),
        VirtualChange(tools=(Selected(server="github", tool="t", preset={"x": "y" * 20_000}),)),
        VirtualChange(tools=(Selected(server="github", tool="t", name="a b"),)),
        VirtualChange(instructions="\x1b[2J"),
        VirtualChange(instructions="\u202e"),
        VirtualChange(title="x" * 201),
    ],
)
async def test_a_selection_that_cannot_be_or_reaches_further_than_its_maker_is_refused(change: VirtualChange) -> None:
    async with replica(MemoryServers()) as registry:
        await registry.add(ADMIN, order())
        await registry.add(OTHER, order("others"))
        await registry.virtual.add(ADMIN, selection())
        with pytest.raises(InvalidServer):
            await registry.virtual.update(ADMIN, "support", change)
        assert registry.virtual_servers["support"].version == 1


async def test_what_is_said_of_a_server_never_holds_its_secrets() -> None:
    audit = MemoryAudit("tests")
    secret = replace(
        order(url="https://a.example/mcp?key=s3cr3t"), credential=Credential(kind="bearer", secret="s3cr3t"), title="T"
    )
    change = ServerChange(url="https://b.example/?s3cr3t", credential=Credential(kind="header", header="X", secret="s3cr3t"))
    async with replica(MemoryServers(), audit=audit) as registry:
        registered = await registry.add(ADMIN, secret)
        changed = await registry.update(ADMIN, "github", change)
        for value in (secret, change, registered, changed, Put(item=changed.server, at=0.0, by="ada"), registry.servers):
            assert "s3cr3t" not in repr(value)
    rows = [row.body for row in await audit.read("acme", after=0, limit=100)]
    assert len(rows) == 2
    assert "s3cr3t" not in "".join(rows)
    assert all("manage_servers" in row and "github" in row for row in rows)


def test_no_order_or_change_can_hold_a_program() -> None:
    for kind in (ServerOrder, ServerChange):
        assert not {"command", "source", "version", "created_by"} & {field.name for field in fields(kind)}


async def test_a_listener_that_comes_while_others_are_told_is_not_lost() -> None:
    async with replica(MemoryServers()) as registry:
        heard: list[str] = []

        def first() -> None:
            heard.append("first")
            if len(heard) == 1:
                registry.follow(second)

        second: Callable[[], None] = lambda: heard.append("second")  # noqa: E731
        registry.follow(first)
        await registry.add(ADMIN, order("a"))
        await registry.add(ADMIN, order("b"))
        assert heard == ["first", "first", "second"]
