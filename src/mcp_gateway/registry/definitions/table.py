"""Every record in memory, to be asked on every call; the store is where they are written down."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set

from mcp_gateway.registry.definitions.model import Key, Kind, Record, Standing
from mcp_gateway.registry.definitions.suspicious import Surroundings


class StandingTable:
    """Reading never waits. Written by `Definitions` alone."""

    def __init__(self) -> None:
        self._records: dict[Kind, dict[str, dict[str, Record]]] = {}
        self._standing: dict[tuple[str, str, str], Standing] = {}
        self._decided: set[tuple[str, Kind]] = set()
        # On how many servers there is a tool of this name.
        self._offering: Counter[str] = Counter()
        self.names_revision = 0

    def standing(self, server: str, name: str, kind: Kind) -> Standing | None:
        return self._standing.get((kind, server, name))

    def record(self, key: Key) -> Record | None:
        return self.of(key.server, key.kind).get(key.name)

    def of(self, server: str, kind: Kind) -> dict[str, Record]:
        """By name; not to be changed. An empty name says only that the list was seen."""
        return self._records.get(kind, {}).get(server, {})

    def around(self, server: str) -> Surroundings:
        """Tools of this server, and of all others."""
        own = self._records.get("tools", {}).get(server, {})
        return Surroundings(own=frozenset(own), others=_Others(self._offering, own))

    def records(self) -> Iterator[Record]:
        """All, without those that only say that a list was seen."""
        for servers in self._records.values():
            for named in servers.values():
                yield from (record for record in named.values() if record.name)

    def put(self, records: Iterable[Record]) -> bool:
        """Whether anything stands otherwise than before; that a list was seen is not of that kind."""
        news = [record for record in records if self.record(record.key) != record]
        for record in news:
            before = self.record(record.key)
            if before is not None and before.decided_at != record.decided_at:
                self._decided.add((record.server, record.kind))
            if before is None and record.name:
                self.names_revision += 1
                if record.kind == "tools":
                    self._offering[record.name] += 1
            self._records.setdefault(record.kind, {}).setdefault(record.server, {})[record.name] = record
            if record.name:
                self._standing[record.kind, record.server, record.name] = record.standing()
        return any(record.name for record in news)

    def take_decided(self) -> frozenset[tuple[str, Kind]]:
        """The lists of servers about which a person decided something since this was last asked."""
        decided, self._decided = frozenset(self._decided), set()
        return decided

    def forget(self, server: str) -> None:
        names = [(kind, name) for kind, servers in self._records.items() for name in servers.pop(server, {})]
        for kind, name in names:
            if not name:
                continue
            self.names_revision += 1
            del self._standing[kind, server, name]
            if kind == "tools":
                self._offering[name] -= 1
                if not self._offering[name]:
                    del self._offering[name]


class _Others(Set[str]):
    """Names of the tools of all servers but one, without gathering them: there may be tens of thousands."""

    def __init__(self, offering: Counter[str], own: Mapping[str, Record]) -> None:
        self._offering, self._own = offering, own

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._offering.get(name, 0) > (name in self._own)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._offering if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
