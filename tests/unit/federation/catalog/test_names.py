"""Names in the one endpoint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.federation.catalog.world import ANN, BEN, World, request, server, tool

from mcp_gateway.federation.catalog.names import MAX_NAME, Names, Wishes, assign

name_texts = st.text(st.sampled_from("ab_-é"), min_size=1, max_size=90)
wish_lists = st.lists(
    st.builds(
        lambda server, prefix, names: (server, prefix, names),
        st.text(st.sampled_from("ab-"), min_size=1, max_size=40),
        st.sampled_from(["", "", "a_", "b" * 70]),
        st.sets(name_texts, max_size=6),
    ),
    max_size=6,
    unique_by=lambda one: one[0],
)


def assigned(wishes: list[tuple[str, str, set[str]]]) -> Names:
    return assign("tools", [Wishes(server=one, prefix=prefix, names=names) for one, prefix, names in wishes], {"search_tools"})


@given(wish_lists)
def test_no_two_things_have_one_name_and_none_is_too_long(wishes: list[tuple[str, str, set[str]]]) -> None:
    names = assigned(wishes)
    listed = [called for of_server in names.listed.values() for called in of_server.values()]

    assert len(set(listed)) == len(listed) == sum(len(one[2]) for one in wishes)
    assert all(len(called) <= MAX_NAME for called in listed)
    assert "search_tools" not in listed


@given(wish_lists)
def test_every_name_leads_back_to_its_own_thing(wishes: list[tuple[str, str, set[str]]]) -> None:
    names = assigned(wishes)

    for one, _, things in wishes:
        for thing in things:
            assert names.own[names.named(one, thing)] == (one, thing)


@given(wish_lists, st.data())
def test_names_do_not_depend_on_the_order_in_which_things_were_seen(
    wishes: list[tuple[str, str, set[str]]], data: st.DataObject
) -> None:
    shuffled = [
        Wishes(server=one, prefix=prefix, names=data.draw(st.permutations(sorted(names)))) for one, prefix, names in wishes
    ]

    assert assign("tools", shuffled, {"search_tools"}) == assigned(wishes)


@given(wish_lists)
def test_a_younger_server_changes_no_name_of_an_older_one(wishes: list[tuple[str, str, set[str]]]) -> None:
    before = assigned(wishes[:-1])

    assert {one: assigned(wishes).listed[one] for one in before.listed} == before.listed


def test_of_two_servers_with_one_name_the_older_has_it_and_this_is_told() -> None:
    names = assigned([("old", "", {"search"}), ("new", "", {"search"})])

    assert names.listed == {"old": {"search": "search"}, "new": {"search": "new_search"}}
    assert [(one.code, one.server, one.other, one.listed) for one in names.findings] == [
        ("NAME_TAKEN", "new", "old", "new_search")
    ]


def test_a_name_that_is_cut_ends_in_a_hash_of_all_of_it() -> None:
    first, second = "x" * 80, "x" * 79 + "y"
    names = assigned([("a", "", {first, second})])

    called = [names.named("a", one) for one in (first, second)]
    assert all(len(one) == MAX_NAME for one in called)
    assert called[0] != called[1]
    assert {one.code for one in names.findings} == {"NAME_CUT"}


@pytest.mark.anyio
async def test_a_prefix_goes_before_names_and_is_taken_off_on_the_way() -> None:
    world = World()
    world.add(server("one", prefix="acme_")).lists["tools/list"] = [tool("search", description="x")]
    listed = await world.listed()
    assert listed["tools"] == [tool("acme_search", description="x")]

    route = world.catalog.route(world.view(), request("tools/call", {"name": "acme_search", "arguments": {"q": 1}}))

    assert route is not None
    assert (route.server.name, route.name) == ("one", "search")
    assert route.rewrite is not None
    assert route.rewrite({"name": "acme_search", "arguments": {"q": 1}}) == {"name": "search", "arguments": {"q": 1}}


@pytest.mark.anyio
async def test_a_name_that_was_taken_once_still_leads_to_its_tool_when_it_is_free_again() -> None:
    world = World()
    world.add(server("old", created_at=1.0)).lists["tools/list"] = [tool("search")]
    world.add(server("new", created_at=2.0)).lists["tools/list"] = [tool("search")]
    assert await world.names() == ["search", "new_search"]

    world.remove("old")
    await world.names()
    route = world.catalog.route(world.view(), request("tools/call", {"name": "new_search"}))

    assert await world.names() == ["search"]
    assert route is not None
    assert (route.server.name, route.name) == ("new", "search")


@pytest.mark.anyio
async def test_one_server_by_itself_keeps_its_names() -> None:
    world = World()
    world.add(server("one", prefix="acme_")).lists["tools/list"] = [tool("search")]

    assert await world.names("one") == ["search"]


@pytest.mark.anyio
async def test_what_was_renamed_or_cannot_be_reached_is_told_to_whom_it_may_concern() -> None:
    world = World()
    for number, name in enumerate(("old", "new")):
        upstream = world.add(server(name, created_at=float(number)))
        upstream.lists = {"tools/list": [tool("search")], "resources/list": [{"uri": "db://x", "name": "x"}]}
    listed = await world.listed()
    await world.names(method="resources/list")

    meta = listed["_meta"]
    assert isinstance(meta, dict)
    assert meta["dev.mcp-gateway/renamed"] == [{"server": "new", "name": "search", "listed": "new_search", "code": "NAME_TAKEN"}]
    told = [(one.code, one.server, one.name, one.listed, one.other) for one in world.catalog.findings(ANN)]
    assert told == [("NAME_TAKEN", "new", "search", "new_search", "old"), ("URI_TAKEN", "new", "db://x", "", "old")]

    world.reach = lambda caller, _action, name: caller != BEN or name != "old"
    world.policy = "2"
    assert {one.other for one in world.catalog.findings(BEN)} == {""}
