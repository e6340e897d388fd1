"""The vocabulary as the documents of a glossary server, and back.

The documents are the wire contract of `glossary://entities`, `glossary://terms`, `glossary://metrics` and
`glossary://periods`: `{"version": ..., "<kind>": [...]}`, each item the dataclass of `core/vocabulary.py` field for field.
Reading is strict, since another program may have written them: a wrong type or an oversized text is refused with its place,
a field nobody knows is passed over, so that a newer server can say more.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TypeVar

from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.core.schema import Scalar
from mcp_gateway.core.vocabulary import Entity, Expression, Metric, Period, Term, Vocabulary

URI_PREFIX = "glossary://"
KINDS = ("entities", "terms", "metrics", "periods")

MAX_ITEMS = 200_000
MAX_ALIASES = 500
MAX_DIALECTS = 50
MAX_TEXT = 10_000

Item = TypeVar("Item", Entity, Term, Metric, Period)


class BadVocabularyDocument(InvalidInput):
    """A glossary document is not what it should be."""

    code = "BAD_VOCABULARY_DOCUMENT"
    hint = "The server that wrote it does not keep to the format; its version may be too old or too new."


def to_documents(vocabulary: Vocabulary, version: str) -> dict[str, dict[str, Json]]:
    """The documents by URI. `version` changes whenever the content does."""
    return {
        f"{URI_PREFIX}{kind}": {"version": version, kind: [item_document(item) for item in getattr(vocabulary, kind)]}
        for kind in KINDS
    }


def from_documents(documents: Mapping[str, Mapping[str, Json]]) -> Vocabulary:
    """The vocabulary in documents by URI; one that is missing counts as empty, other URIs are passed over.

    Raises `BadVocabularyDocument` naming the document, the item and the field.
    """
    return Vocabulary(
        entities=_items(documents, "entities", _entity),
        terms=_items(documents, "terms", _term),
        metrics=_items(documents, "metrics", _metric),
        periods=_items(documents, "periods", _period),
    )


def item_document(item: Entity | Term | Metric | Period) -> dict[str, Json]:
    """One item, field for field."""
    written: dict[str, Json] = {}
    for one in fields(item):
        value = getattr(item, one.name)
        written[one.name] = list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
    return written


def _items(documents: Mapping[str, Mapping[str, Json]], kind: str, read: Callable[["_Fields"], Item]) -> tuple[Item, ...]:
    uri = f"{URI_PREFIX}{kind}"
    document = documents.get(uri)
    if document is None:
        return ()
    items = document.get(kind)
    if not isinstance(items, list):
        raise BadVocabularyDocument(f"{uri}: there is no list {kind}.", uri=uri)
    if len(items) > MAX_ITEMS:
        raise BadVocabularyDocument(f"{uri}: {len(items)} items are more than {MAX_ITEMS}.", uri=uri)
    return tuple(read(_Fields(f"{uri}[{index}]", item)) for index, item in enumerate(items))


def _entity(item: "_Fields") -> Entity:
    return Entity(
        kind=item.text("kind"),
        label=item.text("label"),
        table=item.text("table"),
        column=item.text("column"),
        value=item.scalar("value"),
        aliases=item.texts("aliases"),
    )


def _term(item: "_Fields") -> Term:
    return Term(
        aliases=item.texts("aliases"),
        table=item.text("table"),
        column=item.optional_text("column"),
        condition=item.expression("condition", required=False),
        description=item.text("description", default=""),
    )


def _metric(item: "_Fields") -> Metric:
    return Metric(
        name=item.text("name"),
        aliases=item.texts("aliases"),
        table=item.text("table"),
        expression=item.expression("expression"),
        condition=item.expression("condition", required=False),
        unit=item.text("unit", default=""),
        description=item.text("description", default=""),
    )


def _period(item: "_Fields") -> Period:
    return Period(
        aliases=item.texts("aliases"),
        start=item.expression("start"),
        end=item.expression("end"),
        description=item.text("description", default=""),
    )


class _Fields:
    """One item of a document, read field by field."""

    def __init__(self, place: str, item: Json) -> None:
        if not isinstance(item, dict):
            raise BadVocabularyDocument(f"{place} is not an object.", place=place)
        self._place = place
        self._item = item

    def text(self, name: str, *, default: str | None = None) -> str:
        value = self._item.get(name)
        if value is None and default is not None:
            return default
        return self._checked(name, value)

    def optional_text(self, name: str) -> str | None:
        value = self._item.get(name)
        return None if value is None else self._checked(name, value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._item.get(name)
        if not isinstance(value, list) or len(value) > MAX_ALIASES:
            raise self._fault(name, f"must be a list of at most {MAX_ALIASES} texts")
        return tuple(self._checked(name, one) for one in value)

    def scalar(self, name: str) -> Scalar:
        value = self._item.get(name)
        if isinstance(value, list | dict):
            raise self._fault(name, "must be one value")
        return self._checked(name, value) if isinstance(value, str) else value

    def expression(self, name: str, *, required: bool = True) -> Expression:
        value = self._item.get(name)
        if value is None and not required:
            return {}
        if not isinstance(value, dict) or len(value) > MAX_DIALECTS or (required and not value):
            raise self._fault(name, "must be an object of SQL text by dialect")
        return {self._checked(name, dialect): self._checked(name, sql) for dialect, sql in value.items()}

    def _checked(self, name: str, value: Json) -> str:
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise self._fault(name, f"must be text of at most {MAX_TEXT} characters")
        return value

    def _fault(self, name: str, problem: str) -> BadVocabularyDocument:
        return BadVocabularyDocument(f"{self._place}.{name} {problem}.", place=self._place, field=name)
