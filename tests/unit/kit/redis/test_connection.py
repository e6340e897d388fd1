"""The connection to a real Valkey: order, bounds, faults and return."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.kit.errors import InvalidStoreUrl, StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.address import read_address
from mcp_gateway.kit.redis.connection import ConnectionState, RedisConnection
from mcp_gateway.kit.redis.packing import Script

pytestmark = pytest.mark.anyio

ECHO = Script("return {KEYS[1], ARGV[1]}")


@asynccontextmanager
async def connected(valkey: ValkeyProcess, **options: float) -> AsyncIterator[RedisConnection]:
    settings = {"timeout_seconds": 5.0, "connect_timeout_seconds": 5.0, **options}
    connection = await RedisConnection.open(valkey.url, **settings)  # type: ignore[arg-type]  # options of two types
    try:
        yield connection
    finally:
        await connection.close()


class States:
    """Notes the states a connection passes through, and lets a test wait for one."""

    def __init__(self, connection: RedisConnection) -> None:
        self.seen: list[ConnectionState] = []
        self._changed = asyncio.Event()
        connection.on_state(self._note)

    def _note(self, state: ConnectionState) -> None:
        self.seen.append(state)
        self._changed.set()

    async def reach(self, state: ConnectionState) -> None:
        async with asyncio.timeout(10):
            while state not in self.seen:
                self._changed.clear()
                await self._changed.wait()


async def test_replies_come_in_the_order_of_the_commands(valkey: ValkeyProcess) -> None:
    async with connected(valkey) as connection:
        replies = await asyncio.gather(*(connection.call("ECHO", str(number)) for number in range(500)))
    assert replies == [str(number).encode() for number in range(500)]


async def test_an_error_reply_is_raised_for_its_command_alone(valkey: ValkeyProcess) -> None:
    async with connected(valkey) as connection:
        first, second = await asyncio.gather(
            connection.call("NO_SUCH_COMMAND"), connection.call("ECHO", "fine"), return_exceptions=True
        )
    assert isinstance(first, StoreRefused)
    assert first.kind == "ERR"
    assert second == b"fine"


async def test_a_forgotten_script_is_sent_again(valkey: ValkeyProcess) -> None:
    async with connected(valkey) as connection:
        await connection.run(ECHO, ["key"], ["one"])
        await connection.call("SCRIPT", "FLUSH")
        assert await connection.run(ECHO, ["key"], ["two"]) == [b"key", b"two"]


async def test_a_message_published_before_a_reply_is_heard_before_it(valkey: ValkeyProcess) -> None:
    heard: list[bytes] = []
    async with connected(valkey) as connection:
        await connection.subscribe("news", heard.append)
        connection.post("PUBLISH", "news", "first")
        await connection.call("GET", "anything")
        assert heard == [b"first"]


async def test_nothing_is_heard_after_unsubscribing(valkey: ValkeyProcess) -> None:
    heard: list[bytes] = []
    async with connected(valkey) as connection:
        await connection.subscribe("news", heard.append)
        connection.unsubscribe("news", heard.append)
        await connection.call("PUBLISH", "news", "unheard")
    assert heard == []


async def test_a_stopped_server_costs_one_deadline_and_then_nothing_until_it_answers(valkey: ValkeyProcess) -> None:
    async with connected(valkey, timeout_seconds=0.05) as connection:
        states = States(connection)
        with valkey.paused():
            with pytest.raises(StoreUnavailable, match="in time"):
                await connection.call("PING")
            with pytest.raises(StoreUnavailable, match="does not answer"):
                connection.send("PING")
            assert connection.state == "silent"
        await states.reach("live")
        assert await connection.call("ECHO", "back", timeout_seconds=5) == b"back"


async def test_a_killed_server_fails_what_waits_and_is_found_again_when_it_returns() -> None:
    heard: list[bytes] = []
    with ValkeyProcess() as valkey:
        async with connected(valkey) as connection:
            await connection.subscribe("news", heard.append)
            states, first_run = States(connection), connection.server_run_id
            valkey.pause()
            waiting = connection.send("PING")
            valkey.kill()
            with pytest.raises(StoreUnavailable, match="lost"):
                await waiting
            assert states.seen == ["down"]
            valkey.start()
            await states.reach("live")
            assert connection.server_run_id != first_run
            await connection.call("PUBLISH", "news", "again")
            assert heard == [b"again"]


async def test_down_is_told_before_the_lost_reply() -> None:
    order: list[str] = []
    with ValkeyProcess() as valkey:
        async with connected(valkey) as connection:
            connection.on_state(order.append)
            valkey.pause()
            waiting = connection.send("PING")
            waiting.add_done_callback(lambda _: order.append("reply failed"))
            valkey.kill()
            with pytest.raises(StoreUnavailable):
                await waiting
    assert order[:2] == ["down", "reply failed"]


async def test_commands_beyond_the_bound_are_refused_at_once(valkey: ValkeyProcess) -> None:
    async with connected(valkey, max_pending=10) as connection:
        queued = [connection.send("PING") for _ in range(10)]
        with pytest.raises(StoreUnavailable, match="Too many"):
            connection.send("PING")
        await asyncio.gather(*queued)


async def test_a_password_is_given_and_a_wrong_one_told_without_repeating_it() -> None:
    with ValkeyProcess() as valkey:
        with valkey.client() as client:
            client.config_set("requirepass", "secret-word")
        with pytest.raises(StoreUnavailable, match="WRONGPASS") as caught:
            await RedisConnection.open(f"redis://:other-word@127.0.0.1:{valkey.port}", connect_timeout_seconds=5)
        assert "other-word" not in str(caught.value.to_dict())
        address = f"redis://:secret-word@127.0.0.1:{valkey.port}/3"
        connection = await RedisConnection.open(address, timeout_seconds=5, connect_timeout_seconds=5)
        await connection.call("SET", "here", 1)
        keyspace = await connection.call("INFO", "keyspace")
        assert isinstance(keyspace, bytes)
        assert b"db3:keys=1" in keyspace
        await connection.close()


async def test_an_absent_server_is_refused_or_waited_for_as_asked() -> None:
    with ValkeyProcess() as valkey:
        valkey.kill()
        with pytest.raises(StoreUnavailable):
            await RedisConnection.open(valkey.url)
        connection = await RedisConnection.open(valkey.url, tolerate_down=True, timeout_seconds=5)
        states = States(connection)
        valkey.start()
        await states.reach("live")
        assert await connection.ping() >= 0
        await connection.close()


@pytest.mark.parametrize(
    "url",
    [
        *("http://host", "redis://host:notaport", "redis://host/abc", "unix://", "plain words", ""),
        *("redis://\ud800", "redis://:\ud800@host", f"redis://{'h' * 64}", "redis://a..b"),
    ],
    ids=ascii,
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidStoreUrl):
        read_address(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "bücher.example", "cache-1.internal"])
def test_a_host_is_a_name_or_a_number(host: str) -> None:
    assert read_address(f"redis://{host}:7000/2").host == host.strip("[]")


def test_an_address_is_shown_without_its_password() -> None:
    address = read_address("rediss://me:secret-word@host:7000/2")
    assert (address.shown, address.tls is not None) == ("host:7000/2", True)
    assert "secret-word" not in repr(address)


async def test_a_channel_one_may_not_hear_is_refused_and_no_reply_goes_astray(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.execute_command("ACL", "SETUSER", "deaf", "on", ">secret", "~*", "+@all", "resetchannels")
    url = valkey.url.replace("redis://", "redis://deaf:secret@")
    async with await RedisConnection.open(url, timeout_seconds=5.0) as connection:
        await connection.call("MSET", "a", "A", "b", "B")
        hearing = asyncio.create_task(connection.subscribe("news", lambda _: None))
        await asyncio.sleep(0)
        assert [*await asyncio.gather(connection.call("GET", "a"), connection.call("GET", "b"))] == [b"A", b"B"]
        with pytest.raises(StoreUnavailable, match="NOPERM"):
            await hearing
        states = States(connection)
        with valkey.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)
        await states.reach("live")
        assert await connection.call("GET", "b") == b"B"


async def test_a_busy_loop_makes_nobody_wait_for_a_stopped_server(valkey: ValkeyProcess) -> None:
    busy = True

    async def keep_busy() -> None:
        while busy:
            turn_ends = time.perf_counter() + 0.006
            while time.perf_counter() < turn_ends:
                pass
            await asyncio.sleep(0)

    async with connected(valkey, timeout_seconds=0.02) as connection:
        work = asyncio.ensure_future(keep_busy())
        try:
            with valkey.paused():
                async with asyncio.timeout(20):
                    with pytest.raises(StoreUnavailable):
                        await connection.call("PING")
        finally:
            busy = False
            await work


async def test_a_reply_that_arrived_while_the_loop_was_held_up_still_counts(valkey: ValkeyProcess) -> None:
    async with connected(valkey, timeout_seconds=0.02) as connection:
        asked = [connection.send("ECHO", "a"), connection.send("ECHO", "b")]
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251  (what holds the loop up is the point)
        assert await asyncio.gather(*asked) == [b"a", b"b"]
        assert connection.state == "live"


async def test_closing_can_itself_be_cancelled_and_drops_the_line_all_the_same(valkey: ValkeyProcess) -> None:
    connection = await RedisConnection.open(valkey.url)
    closing = asyncio.ensure_future(connection.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert connection.state == "down"


async def test_more_bytes_than_may_wait_are_refused_and_the_line_goes_on(valkey: ValkeyProcess) -> None:
    async with connected(valkey) as connection:
        states = States(connection)
        for large, most in ((b"x" * 20_000_000, 0), (b"x" * 4_000_000, 3)):
            sent = 0
            with contextlib.suppress(StoreUnavailable):
                for number in range(10):
                    connection.post("SET", f"large-{number}", large)
                    sent += 1
            assert sent == most
            assert await connection.call("ECHO", "small") == b"small"
        assert not states.seen


async def test_a_longer_reply_than_allowed_costs_the_line_and_many_short_ones_do_not(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.set("long", "x" * 300_000)
        client.set("short", "x" * 30_000)
    async with connected(valkey, max_reply_bytes=100_000) as connection:
        replies = await asyncio.gather(*(connection.call("GET", "short") for _ in range(40)))
        assert {len(reply) for reply in replies if isinstance(reply, bytes)} == {30_000}
        states = States(connection)
        with pytest.raises(StoreUnavailable):
            await connection.call("GET", "long")
        assert states.seen[0] == "down"
    async with connected(valkey) as connection:
        assert await connection.call("GET", "long") == b"x" * 300_000


async def test_the_server_knows_a_line_by_its_name(valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0, client_name="night-shift") as connection:
        listed = await connection.call("CLIENT", "LIST")
    assert isinstance(listed, bytes)
    assert b"name=night-shift " in listed
