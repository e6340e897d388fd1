"""The process that drafts: reads errands from its input, writes drafts to its output, ends with its input.

Started by `process.py`. Reads no file and no environment, reaches nobody.
"""

import gc
import pickle
import signal
import sys
from dataclasses import replace
from typing import BinaryIO

from mcp_gateway.adapters.drafting.errand import LENGTH_BYTES, Errand, Reply, Shelf, length_of, packed
from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.model import DraftRequest
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary


def main() -> None:
    # Ctrl-C is for the process that started this one, and ends this one's input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    drafting = Drafting(EmbeddedEngine(*map(float, sys.argv[1:])))
    output = sys.stdout.buffer
    sys.stdout = sys.stderr
    gc.collect()
    gc.freeze()
    output.write(packed(Reply(draft=None)))
    output.flush()
    while (errand := _read(sys.stdin.buffer)) is not None:
        output.write(packed(drafting.run(errand)))
        output.flush()


class Drafting:
    """The engine with the schemas and words it was sent."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine
        self._schemas: Shelf[DatabaseSchema] = Shelf()
        self._vocabularies: Shelf[Vocabulary] = Shelf()

    def run(self, errand: Errand) -> Reply:
        """A failure is no draft: the process that asked drafts itself then, and sees the failure in full."""
        request = self._whole(errand)
        try:
            return Reply(draft=self._engine.draft_now(request))
        except Exception:  # noqa: BLE001  # the wall of this process
            return Reply(draft=None)

    def _whole(self, errand: Errand) -> DraftRequest:
        if errand.schema is not None:
            self._schemas.put(errand.schema_key, errand.schema)
        if errand.vocabulary is not None:
            self._vocabularies.put(errand.vocabulary_key, errand.vocabulary)
        schema, vocabulary = self._schemas.find(errand.schema_key), self._vocabularies.find(errand.vocabulary_key)
        if schema is None or vocabulary is None:
            raise LookupError("the two sides keep different schemas")
        return replace(errand.bare, schema=schema, vocabulary=vocabulary)


def _read(source: BinaryIO) -> Errand | None:
    """None when nobody sends any more."""
    head = source.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    errand = pickle.loads(source.read(length_of(head)))  # noqa: S301  # from the process that started this one
    if not isinstance(errand, Errand):
        raise TypeError(type(errand))
    return errand


if __name__ == "__main__":
    main()
