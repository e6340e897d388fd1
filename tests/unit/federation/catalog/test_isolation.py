"""Whatever happens in whatever order, nobody is shown what is another's, or what the policy refuses them."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.depth import examples
from tests.unit.federation.catalog.world import ANN, BEN, EVE, Upstream, World, keys, request, server, tool

from mcp_gateway.access.policy.model import Action, Target
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object
from mcp_gateway.federation.model import Change

pytestmark = pytest.mark.anyio

CALLERS = (ANN, BEN, EVE)
SERVERS = ("everyones", "acmes", "others")
TOOLS = ("read", "write")

steps = st.one_of(
    st.tuples(st.just("list"), st.sets(st.sampled_from(range(3)), min_size=1)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 1.0, 11.0])),
    st.tuples(st.just("change"), st.sampled_from(SERVERS)),
    st.tuples(st.just("scope"), st.tuples(st.sampled_from(SERVERS), st.sampled_from(["public", "private"]))),
    st.tuples(st.just("refuse"), st.frozensets(st.tuples(st.sampled_from(range(3)), st.sampled_from(SERVERS)), max_size=4)),
    st.tuples(st.just("lost"), st.sampled_from(["", *SERVERS])),
    st.tuples(st.just("vouch"), st.sampled_from(SERVERS)),
)


@dataclass
class Personal(Upstream):
    """Names what it lists for whom it lists it, as long as its lists are private."""

    async def send(self, request_: object, /) -> object:  # type: ignore[override]  # the same, told who asks
        subject = request_.client.caller.subject  # type: ignore[attr-defined]  # a Request
        owner = subject if self.scope == "private" else "all"
        self.lists_of[subject] = {"tools/list": [tool(f"{self.name}.{owner}.{one}") for one in TOOLS]}
        await asyncio.sleep(0)
        return await super().send(request_)  # type: ignore[arg-type]  # a Request


@dataclass
class Rules:
    """Whom which server is refused."""

    refused: frozenset[tuple[int, str]] = field(default_factory=frozenset)

    def allows(self, caller: Caller, _action: Action, target: Target) -> bool:
        return (CALLERS.index(caller), target.server) not in self.refused


def make() -> tuple[World, Rules]:
    world, rules = World(), Rules()
    for name, tenant in zip(SERVERS, ("", "acme", "other"), strict=True):
        upstream = Personal(name, scope="private", ttl_ms=10_000)
        world.add(server(name, tenant=tenant), upstream)
    world.rule = rules.allows
    return world, rules


async def listed(world: World, caller: Caller) -> list[str]:
    reply = await world.catalog.list(world.view(), request("tools/list", caller=caller))
    assert reply.body is not None
    result: JsonObject = object_at(parse_object(reply.body), "result")
    return keys(result, "tools/list")


def check(names: list[str], caller: Caller, rules: Rules) -> None:
    for name in names:
        server_name, owner, _ = name.split(".")
        assert owner in ("all", caller.subject)
        assert server_name in {"acme": ("everyones", "acmes"), "other": ("everyones", "others")}[caller.tenant]
        assert (CALLERS.index(caller), server_name) not in rules.refused


@settings(max_examples=examples(60))
@given(st.lists(steps, max_size=25))
async def test_nobody_is_shown_what_is_not_theirs(script: list[tuple[str, object]]) -> None:
    world, rules = make()
    for step, what in script:
        if step == "list":
            assert isinstance(what, set)
            asking = [CALLERS[number] for number in sorted(what)]
            for caller, names in zip(asking, await asyncio.gather(*(listed(world, one) for one in asking)), strict=True):
                check(names, caller, rules)
        elif step == "wait":
            world.clock.advance(float(str(what)))
        elif step == "scope":
            assert isinstance(what, tuple)
            # And nobody is told of it.
            world.upstreams[what[0]].scope = what[1]
        elif step == "refuse":
            assert isinstance(what, frozenset)
            rules.refused = what
            world.policy += "+"
        elif step == "vouch":
            world.catalog.vouch(str(what), ["tools"], until=world.clock.monotonic() + 20)
        else:
            world.catalog.drop(Change(server=str(what), kind="lost" if step == "lost" else "tools"))
    await world.catalog.close()


async def test_many_at_once_are_each_shown_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.federation.catalog.gathering.PATIENCE_SECONDS", 60.0)
    world, rules = make()
    callers = [Caller(tenant="acme", subject=f"person-{number}") for number in range(200)]
    world.rule = lambda caller, _action, target: target.server != "acmes" or caller.subject.endswith("7")

    for _ in range(3):
        found = await asyncio.gather(*(listed(world, caller) for caller in callers))
        for caller, names in zip(callers, found, strict=True):
            servers = ["acmes", "everyones"] if caller.subject.endswith("7") else ["everyones"]
            assert names == [f"{one}.{caller.subject}.{thing}" for one in servers for thing in TOOLS]
        world.clock.advance(6)
    assert not rules.refused


async def test_a_list_that_was_everybodys_and_is_no_longer_is_nobody_elses() -> None:
    world, _ = make()
    upstream = world.upstreams["everyones"]
    upstream.scope = "public"
    assert await listed(world, EVE) == ["everyones.all.read", "everyones.all.write", "others.eve.read", "others.eve.write"]
    world.clock.advance(11)
    upstream.scope = "private"

    anns, bens = await asyncio.gather(listed(world, ANN), listed(world, BEN))

    assert {name.split(".")[1] for name in anns} == {"ann"}
    assert {name.split(".")[1] for name in bens} == {"ben"}
