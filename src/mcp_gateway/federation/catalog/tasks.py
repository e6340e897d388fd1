"""Task ids in an endpoint of several servers: they carry the server, and whose task it is, so nothing has to be kept.

`SERVER:TAG:ID`, where TAG binds the id to the caller. To the upstream all callers may be one, the gateway: without it whoever
guessed an id could read another's result.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Final

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.names import Own

_TAG_BYTES: Final = 12
TASK_METHODS: Final = frozenset({"tasks/get", "tasks/update", "tasks/cancel"})


class TaskIds:
    """`key` is the same on every replica."""

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key, digest_size=32, person=b"task ids").digest()

    def outward(self, own: Own, caller: Caller) -> str:
        return f"{own.server}:{self._tag(own, caller)}:{own.name}"

    def inward(self, task_id: str, caller: Caller) -> Own | None:
        """None for an id that was not given to this caller."""
        server, colon, rest = task_id.partition(":")
        tag, second, name = rest.partition(":")
        if not colon or not second:
            return None
        own = Own(server, name)
        return own if hmac.compare_digest(self._tag(own, caller).encode(), tag.encode("utf-8", "surrogatepass")) else None

    def show(self, result: JsonObject, server: str, caller: Caller) -> JsonObject:
        """A result with its `taskId` as the view calls it."""
        task_id = result.get("taskId")
        if not isinstance(task_id, str):
            return result
        return {**result, "taskId": self.outward(Own(server, task_id), caller)}

    def _tag(self, own: Own, caller: Caller) -> str:
        said = f"{caller.tenant}\0{caller.subject}\0{own.server}\0{own.name}".encode("utf-8", "surrogatepass")
        return urlsafe_b64encode(blake2b(said, key=self._key, digest_size=_TAG_BYTES).digest()).decode()
