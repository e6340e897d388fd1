"""The journal of one process: a file in the folder of the store, locked as long as the process lives.

Each record is keyed with a secret of this installation and its place, so that none can be changed, moved or made by whoever can
write the file but lacks the key. A mark at its beginning says how much of it is in the store already, keyed as well. The key is
one for each file by its name, so nothing fits that was copied from another. What nobody can see here is that a file was removed,
or cut off behind a record.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, Self

from mcp_gateway.access.audit.chain import read_body
from mcp_gateway.access.audit.journal import LeftBehind
from mcp_gateway.adapters.sql.engine import StoreUnavailable

SUFFIX: Final = ".journal"
_MARK: Final = struct.Struct("<QQ")
_LENGTH: Final = struct.Struct("<I")
_KEYED_BYTES: Final = 16
_BEGIN: Final = _MARK.size + _KEYED_BYTES
_MAX_RECORD_BYTES: Final = 1024 * 1024
# A file that holds nothing any more is cut back when it has grown so long.
_CUT_BYTES: Final = 4 * 1024 * 1024


class FileJournal:
    """Made by `open`. Appending is one write to the system; nothing is forced to the disk."""

    def __init__(self, descriptor: int, path: Path, key: bytes) -> None:
        self._descriptor, self._path, self._key = descriptor, path, key
        self._number = 0
        self._end = self._stored_end = _BEGIN
        self._stored_number = 0
        self._lengths: list[int] = []

    @classmethod
    def open(cls, folder: Path, name: str, key: bytes) -> Self:
        """A new file of this name. Raises `StoreUnavailable`."""
        path = folder / f"{name}{SUFFIX}"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            own_key = _key_of(path, key)
            os.pwrite(descriptor, _marked(own_key, _BEGIN, 0), 0)
        except OSError as error:
            raise StoreUnavailable("The journal of the audit trail cannot be made.") from error
        return cls(descriptor, path, own_key)

    def append(self, body: str) -> None:
        text = body.encode("utf-8", "surrogatepass")
        record = b"".join((_LENGTH.pack(len(text)), _keyed(self._key, self._number, text), text))
        try:
            written = os.pwrite(self._descriptor, record, self._end)
        except OSError as error:
            raise StoreUnavailable("The journal of the audit trail cannot be written.") from error
        if written != len(record):
            # Nothing of it may stay behind a shorter one.
            os.ftruncate(self._descriptor, self._end)
            raise StoreUnavailable("The disk of the audit trail's journal is full.")
        self._end += written
        self._number += 1
        self._lengths.append(written)

    def forget(self, lines: int) -> None:
        self._stored_end += sum(self._lengths[:lines])
        self._stored_number += lines
        del self._lengths[:lines]
        try:
            if self._lengths or self._end < _CUT_BYTES:
                os.pwrite(self._descriptor, _marked(self._key, self._stored_end, self._stored_number), 0)
                return
            # Cut first: a mark that points behind the end reads as nothing left, one that points before it would read old lines.
            os.ftruncate(self._descriptor, _BEGIN)
            self._end = self._stored_end = _BEGIN
            os.pwrite(self._descriptor, _marked(self._key, _BEGIN, self._stored_number), 0)
        except OSError as error:
            raise StoreUnavailable("The journal of the audit trail cannot be written.") from error

    def close(self) -> None:
        """Removes the file unless lines are left in it."""
        if not self._lengths:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def left_behind(folder: Path, key: bytes) -> Iterator[tuple[LeftBehind, Path]]:
    """What processes that are no more left, file by file; a file stays locked until the next one is asked for.

    Whoever has brought its lines into the store removes it.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            continue
        try:
            yield _read(path.read_bytes(), _key_of(path, key)), path
        finally:
            os.close(descriptor)


def _read(content: bytes, key: bytes) -> LeftBehind:
    if len(content) < _BEGIN:
        return LeftBehind(events=(), damaged=False)
    at, number = _MARK.unpack_from(content)
    if content[:_BEGIN] != _marked(key, at, number):
        return LeftBehind(events=(), damaged=True)
    events, damaged = [], False
    while _BEGIN <= at < len(content):
        body_at = at + _LENGTH.size + _KEYED_BYTES
        length = _LENGTH.unpack_from(content, at)[0] if body_at <= len(content) else 0
        if body_at + length > len(content) or not 0 < length <= _MAX_RECORD_BYTES:
            # The process ended in the middle of its last write: nobody heard of that one.
            break
        text = content[body_at : body_at + length]
        event = read_body(text.decode("utf-8", "surrogatepass"))
        if content[at + _LENGTH.size : body_at] != _keyed(key, number, text) or event is None:
            damaged = True
            break
        events.append(event)
        at, number = body_at + length, number + 1
    return LeftBehind(events=tuple(events), damaged=damaged)


def _key_of(path: Path, key: bytes) -> bytes:
    return blake2b(path.name.encode(), key=key, digest_size=32).digest()


def _marked(key: bytes, at: int, number: int) -> bytes:
    mark = _MARK.pack(at, number)
    return mark + blake2b(mark, key=key, digest_size=_KEYED_BYTES, person=b"mark").digest()


def _keyed(key: bytes, number: int, text: bytes) -> bytes:
    digest = blake2b(_LENGTH.pack(number & 0xFFFFFFFF), key=key, digest_size=_KEYED_BYTES)
    digest.update(text)
    return digest.digest()
