"""Everything the faults are put into: two gateway replicas, an engine, two MCP servers, Valkey, SQLite, an issuer of tokens.

All on loopback, all ours, ended at the end.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import httpx
from bench.faults.database import INDEXES, create_index, fill
from bench.faults.flags import Flags
from bench.faults.identity import Issuer
from bench.faults.load import Load
from bench.faults.replica import PROFILE_KEY, Setup
from tests.programs import Program, free_port
from tests.valkey_process import ValkeyProcess

STORE_OPTIONS = ("--maxmemory-policy", "noeviction", "--latency-tracking", "yes", "--slowlog-log-slower-than", "3000")


class Rig:
    """Enter it; what is in it may be hurt as one likes, and `heal` makes it as it was."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="faults-"))
        self.database = self.folder / "orders.db"
        self.store = ValkeyProcess()
        self.issuer = Issuer()
        self.engine = _program("engine")
        self.servers = {"shipping": _program("mcp_server"), "billing": _program("mcp_server")}
        self.replicas: list[Program] = []

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        fill(self.database)
        self._stack.callback(self.store.kill)
        self.start_store()
        self._stack.enter_context(self.issuer)
        for program in (self.engine, *self.servers.values()):
            self._stack.enter_context(program)
        for _ in range(2):
            self.replicas.append(self._stack.enter_context(self._replica()))
        self.client = await self._stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=5.0))
        self.load = await self._stack.enter_async_context(Load([one.url for one in self.replicas], self.issuer.token))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def start_store(self) -> None:
        self.store.start(*STORE_OPTIONS)
        with self.store.client() as client:
            self.write_profile(client)

    async def tell(self, replica: int, **told: Any) -> None:
        """Set flags of one replica."""
        (await self.client.post(f"{self.replicas[replica].url}/control", json=told)).raise_for_status()

    async def tell_all(self, **told: Any) -> None:
        for index in range(len(self.replicas)):
            await self.tell(index, **told)

    async def heal(self) -> None:
        """Every part runs, without flags, without what a fault left in the store."""
        for program in (self.engine, *self.servers.values(), *self.replicas):
            program.resume()
            await self._alive(program)
        await self._heal_store()
        for index, replica in enumerate(self.replicas):
            try:
                await self.tell(index, **asdict(Flags()), recycle=True)
            except httpx.TransportError:  # too far gone to be told anything
                await asyncio.to_thread(replica.kill)
                await asyncio.to_thread(replica.start)
        for program in (self.engine, *self.servers.values()):
            (await self.client.post(f"{program.url}/flags", json={})).raise_for_status()
        for name in INDEXES:
            await asyncio.to_thread(create_index, self.database, name)

    async def _alive(self, program: Program) -> None:
        if program.process is None or program.process.poll() is not None:
            await asyncio.to_thread(program.start)

    async def _heal_store(self) -> None:
        if self.store.running:
            self.store.resume()
        else:
            await asyncio.to_thread(self.start_store)
        with self.store.client() as client:
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")
            client.execute_command("ACL", "SETUSER", "default", "+@all")
            client.slowlog_reset()
            self.write_profile(client)
            for pattern in ("rate_limit:*s*-*", "junk:*", "rate_limit:rules"):
                names = list(client.scan_iter(match=pattern, count=5_000))
                for begin in range(0, len(names), 5_000):
                    client.unlink(*names[begin : begin + 5_000])

    @staticmethod
    def write_profile(client: Any, *, fields: int = 10) -> None:
        """What each chat reads."""
        client.unlink(PROFILE_KEY)
        for begin in range(0, fields, 2_000):
            client.hset(PROFILE_KEY, mapping={f"field-{index}": "x" * 40 for index in range(begin, min(fields, begin + 2_000))})

    def _replica(self) -> Program:
        port = free_port()
        setup = Setup(
            port=port,
            redis_url=self.store.url,
            engine_url=self.engine.url,
            keys_url=self.issuer.url,
            database=str(self.database),
            servers={name: f"{program.url}/mcp" for name, program in self.servers.items()},
        )
        return Program([sys.executable, "-m", "bench.faults.replica", json.dumps(asdict(setup))], port, ready="/fast")


def _program(module: str) -> Program:
    port = free_port()
    return Program([sys.executable, "-m", f"bench.faults.{module}", str(port)], port, ready="/health")
