"""Everything the faults are put into: two gateway replicas, an engine, two MCP servers, Valkey, SQLite, an issuer of tokens.

All on loopback, all ours, ended at the end.
"""

import json
import shutil
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import httpx
from bench.faults.database import fill
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
            client.hset(PROFILE_KEY, mapping={f"field-{index}": "x" * 40 for index in range(10)})

    async def tell(self, replica: int, **told: Any) -> None:
        """Set flags of one replica."""
        (await self.client.post(f"{self.replicas[replica].url}/control", json=told)).raise_for_status()

    async def tell_all(self, **told: Any) -> None:
        for index in range(len(self.replicas)):
            await self.tell(index, **told)

    async def heal_replicas(self) -> None:
        await self.tell_all(**asdict(Flags()), recycle=True)

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
