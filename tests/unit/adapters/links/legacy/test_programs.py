"""Programs run as servers: what they get, how they are bounded, and that nothing of them is left."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.upstreams.older import calling, messages, program_link, words
from tests.upstreams.reaching import CLIENT, PATIENCE, until

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.errors import UpstreamAnswerTooLarge, UpstreamLost, UpstreamTimedOut, UpstreamUnreachable
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.model import Command

pytestmark = pytest.mark.anyio

PROGRAM = Path(__file__).parents[4] / "upstreams" / "program.py"
MEGABYTE = 1024 * 1024


def command(*flags: str, **more: Any) -> Command:
    return Command(program=sys.executable, arguments=("-I", "-S", os.fspath(PROGRAM), *flags), **more)


async def told(link: Link, tool: str, /, **arguments: Any) -> Any:
    return json.loads(await words(await link.send(calling(tool, arguments))))


def runs(process: int) -> bool:
    """Whether it is there and not merely waiting to be buried."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_a_program_is_called_like_any_server() -> None:
    async with program_link(command()) as link:
        assert await told(link, "echo", a="é\u2028") == {"a": "é\u2028"}
        assert (await link.facts(CLIENT)).info == {"name": "program", "version": "1"}


async def test_it_gets_the_environment_it_is_given_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_SECRET", "not for programs")
    ours = command("a b", "$HOME", environment={"TOKEN": "its own"}, directory=os.fspath(tmp_path))
    async with program_link(ours, environment={"PATH": "/usr/bin", "LC_ALL": "C.UTF-8"}) as link:
        seen = await told(link, "surroundings")
    assert seen["environment"] == {"TOKEN": "its own", "PATH": "/usr/bin", "LC_ALL": "C.UTF-8"}
    assert seen["directory"] == os.fspath(tmp_path)
    assert seen["arguments"] == ["a b", "$HOME"]


async def test_what_it_keeps_for_one_caller_another_never_sees() -> None:
    other = replace(CLIENT, caller=Caller(tenant="other", subject="local"))
    async with program_link(command()) as link:
        counts = [await words(await link.send(calling("count", None, one))) for one in (CLIENT, CLIENT, other, CLIENT)]
    assert counts == ["1", "2", "1", "3"]


async def test_one_caller_gets_so_many_processes_and_no_more() -> None:
    async with program_link(command()) as link:
        started = [
            int(await words(await link.send(calling("process", None, replace(CLIENT, session=str(number))))))
            for number in range(6)
        ]
        await until(lambda: sum(map(runs, started)) <= 4)
        assert all(map(runs, started[2:]))


async def test_what_it_prints_that_is_no_message_is_passed_over() -> None:
    async with program_link(command("--garbage")) as link:
        assert await told(link, "echo", a=1) == {"a": 1}


async def test_a_program_that_ends_in_the_middle_of_a_call_is_started_anew_for_the_next_one() -> None:
    async with program_link(command()) as link:
        await told(link, "count")
        with pytest.raises(UpstreamLost, match="status 3"):
            await link.send(calling("crash"))
        assert await told(link, "count") == 1


async def test_a_program_that_ends_again_and_again_rests_longer_each_time() -> None:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    dies = Command(program=sys.executable, arguments=("-I", "-S", "-c", "raise SystemExit(9)"))
    waits: list[float] = []
    async with program_link(dies, clock=clock) as link:
        with pytest.raises(UpstreamUnreachable, match="status 9"):
            await link.send(calling("echo"))
        for _ in range(3):
            with pytest.raises(UpstreamUnreachable, match="status 9"):
                await link.send(calling("echo"))
            with pytest.raises(UpstreamUnreachable, match="rests") as rest:
                await link.send(calling("echo"))
            waits.append(rest.value.retry_after_seconds or 0.0)
            clock.advance(waits[-1] + 0.1)
    assert 0.5 <= waits[0] <= 1.5 <= 2 * waits[1] <= 6.0
    assert 2.0 <= waits[2] <= 6.0


async def test_a_program_that_is_not_there_is_told_as_such() -> None:
    async with program_link(Command(program="/nowhere/to/be/found")) as link:
        with pytest.raises(UpstreamUnreachable, match="cannot be started"):
            await link.send(calling("echo"))


async def test_a_program_that_says_nothing_is_waited_for_so_long_and_no_longer() -> None:
    async with program_link(command("--mute"), limits=replace(PATIENCE, timeout_seconds=0.5)) as link:
        with pytest.raises(UpstreamTimedOut):
            await link.send(calling("echo"))


async def test_a_flood_on_its_output_is_bounded_and_the_answer_still_arrives() -> None:
    async with program_link(command()) as link:
        reply = await link.send(calling("flood", {"lines": 20_000}, _meta={"progressToken": "p"}))
        heard = await messages(reply)
    assert heard[-1]["result"]
    assert len(heard) > 2


async def test_a_line_without_an_end_is_not_held() -> None:
    async with program_link(command(), limits=replace(PATIENCE, max_answer_bytes=MEGABYTE)) as link:
        with pytest.raises(UpstreamAnswerTooLarge):
            await link.send(calling("long_line", {"megabytes": 8}))
        assert await told(link, "echo", a=1) == {"a": 1}


async def test_a_flood_on_its_error_output_is_taken_and_shown_in_bounds_without_its_secrets() -> None:
    ours = command(environment={"TOKEN": "hunter2-hunter2"})
    with structlog.testing.capture_logs() as logged:
        async with program_link(ours) as link:
            assert await told(link, "murmur", lines=50_000, text="my token is hunter2-hunter2 \x1b[31m" + "y" * 5_000) == "said"
    said = [entry for entry in logged if entry["event"] == "server_said"]
    assert 0 < len(said) <= 60
    assert all(len(entry["text"]) <= 500 and "hunter2" not in entry["text"] and "\x1b" not in entry["text"] for entry in said)
    assert said[0]["text"].startswith("my token is ***")


@pytest.mark.parametrize("flags", [(), ("--deaf",)], ids=["obedient", "deaf"])
async def test_closing_leaves_nothing_of_it_or_its_offspring(flags: tuple[str, ...]) -> None:
    async with program_link(command(*flags)) as link:
        family = await told(link, "fork")
        assert all(map(runs, family))
    assert not any(map(runs, family))


async def test_the_offspring_of_a_program_that_ended_ends_too() -> None:
    async with program_link(command()) as link:
        family = await told(link, "fork")
        with pytest.raises(UpstreamLost):
            await link.send(calling("crash"))
        await until(lambda: not any(map(runs, family)))


@pytest.mark.parametrize("outlive", [False, True])
async def test_a_program_that_kills_its_guardian_ends_with_its_offspring(*, outlive: bool) -> None:
    async with program_link(command()) as link:
        family = await told(link, "fork")
        apart = family[2]
        # Without its guardian the program itself ends at once, and with it what showed where the one that left came from.
        own = family if outlive else [one for one in family if one != apart]
        with pytest.raises(UpstreamLost):
            await link.send(calling("kill_guardian", {"outlive": outlive}))
        await until(lambda: not any(map(runs, own)))
        if runs(apart):
            os.kill(apart, signal.SIGKILL)
        await until(lambda: not runs(apart))


async def test_a_program_that_takes_too_much_memory_is_ended() -> None:
    async with program_link(command(max_memory_bytes=100 * MEGABYTE)) as link:
        with pytest.raises(UpstreamLost, match="more memory"):
            await link.send(calling("fill", {"megabytes": 200}))


async def test_a_program_that_nobody_uses_is_ended() -> None:
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    async with program_link(command(idle_seconds=0.05), clock=clock) as link:
        process = await told(link, "process")
        clock.advance(1.0)
        await until(lambda: not runs(process))


OWNER = """
import asyncio, sys
from tests.upstreams.older import calling, program_link, words
from mcp_gateway.registry.model import Command

async def main():
    command = Command(program=sys.executable, arguments=("-I", "-S", sys.argv[1], "--deaf"))
    async with program_link(command) as link:
        print(await words(await link.send(calling("fork"))), flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "ended"])
async def test_no_program_outlives_the_gateway(number: int) -> None:
    gateway = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, os.fspath(PROGRAM)),
        stdout=asyncio.subprocess.PIPE,
        cwd=PROGRAM.parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert gateway.stdout is not None
    family: list[int] = []
    async for line in gateway.stdout:
        if line.startswith(b"["):
            family = json.loads(line)
            break
    assert family
    assert all(map(runs, family))
    gateway.send_signal(number)
    await until(lambda: not any(map(runs, family)))
    await gateway.communicate()
