"""Uvicorn within a test: it starts and ends when it is told to, where its own loop looks every tenth of a second."""

import asyncio
import socket

import uvicorn


class PromptServer(uvicorn.Server):
    """`ready` is set once it answers. No connection and no request outlives `end`, as with the end of a process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._over = asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._over.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        tasks = tuple(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=self.config.timeout_graceful_shutdown)
        await self.lifespan.shutdown()
