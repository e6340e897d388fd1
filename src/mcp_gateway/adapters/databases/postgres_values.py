"""How values from Postgres become Python's, where psycopg would fail on them or lose something."""

import functools
from typing import Final

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.abc import Loader as AnyLoader
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format
from psycopg.rows import TupleRow
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader
from psycopg.types.string import TextLoader

_LONGEST_PARSED: Final = 1024 * 1024


class _TolerantDate(DateLoader):
    """Dates beyond Python's years, and the infinities, as the text the server sent."""

    def load(self, data: object) -> object:  # type: ignore[override]  # a date where there is one, else its text
        try:
            return super().load(data)  # type: ignore[arg-type]  # the same buffer
        except psycopg.DataError:
            return bytes(data).decode()  # type: ignore[call-overload]  # a buffer


class _TolerantTimestamp(TimestampLoader):
    """As `_TolerantDate`."""

    def load(self, data: object) -> object:  # type: ignore[override]  # a timestamp where there is one, else its text
        try:
            return super().load(data)  # type: ignore[arg-type]  # the same buffer
        except psycopg.DataError:
            return bytes(data).decode()  # type: ignore[call-overload]  # a buffer


class _TolerantTimestamptz(TimestamptzLoader):
    """As `_TolerantDate`."""

    def load(self, data: object) -> object:  # type: ignore[override]  # a timestamp where there is one, else its text
        try:
            return super().load(data)  # type: ignore[arg-type]  # the same buffer
        except psycopg.DataError:
            return bytes(data).decode()  # type: ignore[call-overload]  # a buffer


def tolerate_odd_values(connection: "psycopg.Connection[TupleRow]") -> None:
    connection.adapters.register_loader("date", _TolerantDate)
    connection.adapters.register_loader("timestamp", _TolerantTimestamp)
    connection.adapters.register_loader("timestamptz", _TolerantTimestamptz)
    # psycopg would make a month thirty days; ISO 8601 text keeps it a month.
    connection.adapters.register_loader("interval", TextLoader)
    for oid in _parsed_oids(connection.adapters):
        whole = connection.adapters.get_loader(oid, Format.TEXT)
        if whole is not None:
            connection.adapters.register_loader(oid, _capped(whole))


def _parsed_oids(adapters: AdaptersMap) -> list[int]:
    """Types whose text is taken apart: arrays and JSON."""
    arrays = [info.array_oid for info in adapters.types if info.array_oid]
    return arrays + [adapters.types[name].oid for name in ("json", "jsonb")]


@functools.cache
def _capped(whole: type[AnyLoader]) -> type[Loader]:
    """A long text stays a text: as objects it would take many times the memory, only to be cut for the answer."""

    class Capped(Loader):
        def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._whole = whole(oid, context)

        def load(self, data: Buffer) -> object:
            return self._whole.load(data) if len(data) <= _LONGEST_PARSED else bytes(data).decode()

    return Capped
