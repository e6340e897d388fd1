"""From the text of resources to a schema and to business words. An unchanged text is parsed once, however often it is fetched.

The same texts give the very same value back, so that whatever is prepared per schema or vocabulary stays prepared.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from mcp_gateway.core import schema_documents, vocabulary_documents
from mcp_gateway.core.errors import GatewayError, Json, ResourceFetchError
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.vocabulary import Vocabulary

T = TypeVar("T")

SCHEMA_URIS = schema_documents.DOCUMENT_URIS
VOCABULARY_URIS = tuple(f"{vocabulary_documents.URI_PREFIX}{kind}" for kind in vocabulary_documents.KINDS)
# Versions kept side by side: while a schema changes, questions of both moments are under way.
KEPT = 8


class Remembered(Generic[T]):
    """The last few values made, by what they were made from."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._values: OrderedDict[object, T] = OrderedDict()

    def get(self, key: object, make: Callable[[], T]) -> T:
        """The value of the key, made now if it is not there."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        return self.keep(key, make())

    def find(self, key: object) -> T | None:
        """None when there is none."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def keep(self, key: object, value: T) -> T:
        """The value, which pushes out the one used longest ago when there are too many."""
        self._values[key] = value
        if len(self._values) > self._kept:
            self._values.popitem(last=False)
        return value


class Documents:
    """Reads documents, and remembers the last few it read."""

    def __init__(self) -> None:
        self._schemas: Remembered[DatabaseSchema] = Remembered()
        self._vocabularies: Remembered[Vocabulary] = Remembered(4 * KEPT)

    def schema(self, server: str, texts: Mapping[str, str]) -> DatabaseSchema:
        """The schema in the server's documents by URI. Raises `ResourceFetchError` naming server and resource."""
        if schema_documents.SCHEMA_URI not in texts:
            uri = schema_documents.SCHEMA_URI
            hint = "A server that runs queries must offer the resources that `mcp-gateway tables` offers."
            raise ResourceFetchError(f"The MCP server {server} offers no resource {uri}.", hint=hint, server=server, uri=uri)
        return self._schemas.get(_digest(texts), lambda: _read(server, texts, schema_documents.from_documents))

    def vocabulary(self, server: str, texts: Mapping[str, str]) -> Vocabulary:
        """The words in the server's documents by URI; none when there are no such documents. Raises like `schema`."""
        return self._vocabularies.get(_digest(texts), lambda: _read(server, texts, _vocabulary_of))


def read_json(server: str, uri: str, text: str) -> Json:
    """The value a resource's text spells. Raises `ResourceFetchError`."""
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        message = f"The resource {uri} of the MCP server {server} is not JSON."
        raise ResourceFetchError(message, server=server, uri=uri) from error
    return value


def _read(server: str, texts: Mapping[str, str], read: Callable[[Mapping[str, Json]], T]) -> T:
    documents = {uri: read_json(server, uri, text) for uri, text in texts.items()}
    try:
        return read(documents)
    except GatewayError as error:
        message = f"The MCP server {server} sent a document that cannot be used: {error.message}"
        raise ResourceFetchError(message, hint=error.hint, server=server, reason=error.code) from error


def _vocabulary_of(documents: Mapping[str, Json]) -> Vocabulary:
    objects: dict[str, dict[str, Json]] = {}
    for uri, document in documents.items():
        if not isinstance(document, dict):
            raise vocabulary_documents.BadVocabularyDocument(f"{uri} is not an object.", uri=uri)
        objects[uri] = document
    return vocabulary_documents.from_documents(objects)


def _digest(texts: Mapping[str, str]) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    for uri in sorted(texts):
        # Lengths first, so that no two sets of documents can spell the same bytes.
        content = texts[uri].encode(errors="surrogatepass")
        digest.update(f"{len(uri)} {uri} {len(content)} ".encode())
        digest.update(content)
    return digest.digest()


def _refuse_constant(name: str) -> Json:
    raise ValueError(name)
