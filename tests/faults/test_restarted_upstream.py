"""Servers that die, hang, come back, and come back changed: the others are served meanwhile, and nobody restarts the gateway."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import pytest
from tests.faults.conftest import ANSWER_SECONDS, server
from tests.mcp_over_http import ModernClient, Said
from tests.programs import Program, gateway, module

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class World:
    gateway: Program
    upstream: Program
    client: ModernClient


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with module("tests.upstreams.faulty") as upstream, module("bench.gateway.upstream") as sound:
        servers = {"faulty": server(upstream), "sound": server(sound)}
        with gateway(tmp_path, servers) as program, ModernClient(f"{program.url}/mcp") as client:
            assert {"well", "echo"} <= set(client.tools())
            yield World(gateway=program, upstream=upstream, client=client)


def called_until_well(client: ModernClient) -> Said:
    """That a server is back is noticed after a while."""
    deadline = monotonic() + PATIENCE_SECONDS
    while (said := client.call("well")).words != "well" and monotonic() < deadline:
        threading.Event().wait(0.1)
    return said


def test_a_dead_server_never_hides_the_others(world: World) -> None:
    world.upstream.kill()
    assert "echo" in world.client.tools()
    assert world.client.call("echo", {"text": "hello"}).words == "hello"


def test_a_call_to_a_dead_server_is_told_so_and_the_list_says_who_is_missing(world: World) -> None:
    world.upstream.kill()
    said = world.client.call("well")
    assert said.code == "UPSTREAM_UNREACHABLE", said
    assert "faulty" in str(world.client.request("tools/list").result.get("_meta")) or "well" in world.client.tools()


def test_a_server_that_came_back_is_served_again(world: World) -> None:
    world.upstream.kill()
    world.client.call("well")
    world.upstream.start()
    assert called_until_well(world.client).words == "well"


def test_a_server_killed_in_the_middle_of_a_call_is_lost(world: World) -> None:
    killing = threading.Timer(0.5, world.upstream.kill)
    killing.start()
    begun = monotonic()
    said = world.client.call("hangs")
    killing.join()
    assert said.code == "UPSTREAM_LOST", said
    assert monotonic() - begun < ANSWER_SECONDS + 8


def test_a_server_that_stands_still_is_given_up_in_time(world: World) -> None:
    world.upstream.pause()
    begun = monotonic()
    said = world.client.call("well")
    assert said.code in {"UPSTREAM_TIMED_OUT", "UPSTREAM_UNREACHABLE"}, said
    assert monotonic() - begun < ANSWER_SECONDS + 8
    assert world.client.call("echo", {"text": "hello"}).words == "hello"
    world.upstream.resume()
    assert called_until_well(world.client).words == "well"


def test_a_server_that_came_back_with_other_tools_offers_those(world: World) -> None:
    world.upstream.stop()
    changed = replace(world.upstream, command=[*world.upstream.command, "--tools", "more"], process=None)
    with changed:
        deadline = monotonic() + PATIENCE_SECONDS
        while "hangs" in world.client.tools() and monotonic() < deadline:
            threading.Event().wait(0.1)
        tools = world.client.tools()
        assert "well" in tools
        assert "hangs" not in tools
        gone = world.client.call("hangs")
        assert gone.error or gone.result.get("isError"), gone
