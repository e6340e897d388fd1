"""What is registered, followed from the file and the store of all replicas, and changed only from what it was checked against."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from mcp_gateway.registry.configuration.model import Network, ServersConfiguration
from mcp_gateway.registry.errors import RegistryBusy
from mcp_gateway.registry.held import Held, merge
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.ports import Put, ServerFile, ServerStore, StoreChange, StoredRegistry

# Each try loses only against a change that somebody else did make.
_TRIES: Final = 16

log = structlog.get_logger(__name__)


class Register:
    """`held` is what is registered now; another one takes its place when something changed, and `revision` grows.

    `always` are networks reachable whatever the file says.
    """

    def __init__(
        self,
        store: ServerStore,
        stored: StoredRegistry,
        *,
        written: ServersConfiguration,
        file: ServerFile | None = None,
        built_in: Sequence[Server] = (),
        always: Sequence[Network] = (),
    ) -> None:
        self._store, self._stored = store, stored
        self._written, self._file = written, file
        self._built_in, self._always = tuple(built_in), tuple(always)
        self._changing = asyncio.Lock()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._next_listener = 0
        self.held = self._merged()
        self.revision = 1

    def follow(self, listener: Callable[[], None]) -> Callable[[], None]:
        self._next_listener += 1
        key = self._next_listener
        self._listeners[key] = listener

        def end() -> None:
            self._listeners.pop(key, None)

        return end

    async def change(self, plan: Callable[[Held], StoreChange]) -> StoreChange:
        """Carry out what `plan` makes of what is registered. It is asked again when another replica was quicker.

        Raises what the plan and the store raise, and `RegistryBusy`.
        """
        async with self._changing:
            # A refusal, too, must be about what there is now.
            await self._catch_up()
            for _ in range(_TRIES):
                change = plan(self.held)
                if await self._store.write(change, expected_revision=self._stored.revision):
                    self._adopt(change)
                    return change
                self._take(await self._store.read_all())
        raise RegistryBusy

    async def reload(self) -> bool:
        """Read again what moved: the file, the store. Whether anything is different now. Raises what the store raises."""
        async with self._changing:
            before = self.revision
            written = await self._file.reload() if self._file is not None else None
            if written is not None:
                self._written = written
                self._settle()
            await self._catch_up()
            return self.revision != before

    async def catch_up(self) -> None:
        """Take over at once what other replicas changed. Raises what the store raises."""
        async with self._changing:
            await self._catch_up()

    async def _catch_up(self) -> None:
        if await self._store.read_revision() != self._stored.revision:
            self._take(await self._store.read_all())

    def _take(self, stored: StoredRegistry) -> None:
        self._stored = stored
        self._settle()

    def _adopt(self, change: StoreChange) -> None:
        """What the store now holds, without reading all of it again."""
        servers, virtual = dict(self._stored.servers), dict(self._stored.virtual_servers)
        name = change.item.name
        held: dict[str, Server] | dict[str, VirtualServer] = servers if isinstance(change.item, Server) else virtual
        held.pop(name, None)
        if isinstance(change, Put):
            if isinstance(change.item, Server):
                servers[name] = change.item
            else:
                virtual[name] = change.item
        faults = {key: fault for key, fault in self._stored.faults.items() if key != name}
        revision = self._stored.revision + 1
        self._take(StoredRegistry(revision=revision, servers=servers, virtual_servers=virtual, faults=faults))

    def _settle(self) -> None:
        held = self._merged()
        if held == self.held:
            return
        self.held = held
        self.revision += 1
        log.info("registry_changed", revision=self.revision, servers=len(held.servers), virtual=len(held.virtual_servers))
        for listener in tuple(self._listeners.values()):
            listener()

    def _merged(self) -> Held:
        return merge(self._built_in, self._written, self._stored, self._always)
