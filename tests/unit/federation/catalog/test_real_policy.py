"""What the product's own policy lets a caller see."""

import pytest
from tests.unit.federation.catalog.world import World, request, server, tool

from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.decide import decide, may_reach
from mcp_gateway.access.policy.model import Action, Decision, Grant, Policy, Role, Rule, Target
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import object_at, parse_object

pytestmark = pytest.mark.anyio

READER = Role(name="reader", allow=(Grant(actions=frozenset({"call_tool"}), servers=("crm",), tools=("read_*",)),))
NO_DELETING = Rule(id="no-deleting", effect="deny", actions=frozenset({"call_tool"}), tools=("delete_*",))
NOT_FOR_BEN = Rule(id="not-ben", effect="deny", actions=frozenset({"call_tool"}), subjects=("ben",), servers=("files",))


class Governed(World):
    """With a policy that was read as the file's is."""

    def __init__(self, *statements: Role | Rule) -> None:
        super().__init__()
        self.ready: Policy = build_policy(
            Statements(
                roles=tuple(one for one in statements if isinstance(one, Role)),
                rules=tuple(one for one in statements if isinstance(one, Rule)),
            )
        )
        for name in ("crm", "files"):
            self.add(server(name)).lists["tools/list"] = [tool(f"{verb}_{name}") for verb in ("read", "write", "delete")]

    def decide(self, caller: Caller, action: Action, target: Target, /) -> Decision:
        return decide(self.ready, caller, action, target)

    def may_reach(self, caller: Caller, action: Action, server: str, /) -> bool:
        return may_reach(self.ready, caller, action, server)


def caller(role: str, *, subject: str = "ann", scopes: frozenset[str] | None = None) -> Caller:
    return Caller(tenant="acme", subject=subject, roles=frozenset({role}), scopes=scopes)


async def test_a_role_that_allows_some_tools_of_one_server_shows_these() -> None:
    world = Governed(READER)

    assert await world.names(caller=caller("reader")) == ["read_crm"]
    assert not world.upstreams["files"].asked


async def test_a_rule_that_denies_hides_what_a_role_allows() -> None:
    world = Governed(NO_DELETING, NOT_FOR_BEN)

    assert await world.names(caller=caller("operator")) == ["read_crm", "write_crm", "read_files", "write_files"]
    assert await world.names(caller=caller("operator", subject="ben")) == ["read_crm", "write_crm"]


async def test_what_only_a_better_token_would_open_is_listed() -> None:
    world = Governed(READER)

    assert await world.names(caller=caller("reader", scopes=frozenset({"gateway.read"}))) == ["read_crm"]


async def test_who_may_do_nothing_sees_nothing_and_finds_nothing() -> None:
    world = Governed()
    nobody = caller("nobody-knows")

    asked = request("tools/call", {"name": "search_tools", "arguments": {"query": "read"}}, caller=nobody)

    assert await world.names(caller=nobody) == []
    route = world.catalog.route(world.view(), asked)
    assert route is not None
    assert route.answer is not None
    reply = await route.answer(asked)
    assert reply.body is not None
    assert object_at(parse_object(reply.body), "result", "structuredContent")["tools"] == []
    assert not any(upstream.asked for upstream in world.upstreams.values())
