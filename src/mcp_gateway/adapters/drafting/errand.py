"""What goes to a drafting process and comes back: pickles behind their length, between two halves of this very program.

Schema and vocabulary are large and seldom new, so they go along once: both sides keep the same few by the same rule (`Shelf`).
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from mcp_gateway.ask.model import Draft, DraftRequest
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary

T = TypeVar("T")

LENGTH_BYTES: Final = 4
MAX_BYTES: Final = 256 * 1024 * 1024
KEPT: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """`bare` is the request without schema and words: they are under the keys, and go along where the other side lacks them."""

    bare: DraftRequest
    schema_key: int
    vocabulary_key: int
    schema: DatabaseSchema | None
    vocabulary: Vocabulary | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """`draft` None: drafting failed over there."""

    draft: Draft | None


class Shelf(Generic[T]):
    """The last few things used, by key. Two shelves used in the same order hold the same keys."""

    def __init__(self) -> None:
        self._things: OrderedDict[int, T] = OrderedDict()

    def find(self, key: int) -> T | None:
        """None when it is not there."""
        if key not in self._things:
            return None
        self._things.move_to_end(key)
        return self._things[key]

    def put(self, key: int, thing: T) -> None:
        self._things[key] = thing
        if len(self._things) > KEPT:
            self._things.popitem(last=False)


def packed(message: Errand | Reply) -> bytes:
    """With its length in front."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def length_of(head: bytes) -> int:
    """Raises `ValueError` for what no half of ours would send."""
    length = int.from_bytes(head, "big")
    if length > MAX_BYTES:
        raise ValueError(length)
    return length
