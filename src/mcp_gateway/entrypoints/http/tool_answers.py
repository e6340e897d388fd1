"""What the routes of tools' definitions and costs answer, as clients see it in the description."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from mcp_gateway.entrypoints.http.models import JsonObject, deferred


@deferred
class EntryAnswer(TypedDict):
    """One thing a server offers, and how it stands. `tokens` None: it is no tool."""

    server: str
    kind: str
    name: str
    status: str
    fingerprint: str
    tokens: int | None
    seen_at: str
    manageable: bool
    verdict: NotRequired[str]
    reasons: NotRequired[list[str]]
    approved_fingerprint: NotRequired[str | None]
    latest_fingerprint: NotRequired[str]
    decided_at: NotRequired[str | None]
    decided_by: NotRequired[str | None]


@deferred
class EntriesAnswer(TypedDict):
    """A page of them; `total` of all pages."""

    tools: list[EntryAnswer]
    total: int


@deferred
class DefinitionAnswer(EntryAnswer):
    """With its definition, and the latest one for those who decide."""

    definition: JsonObject
    latest: NotRequired[JsonObject]


# `class` is a word of Python.
Classed = TypedDict("Classed", {"class": str})


class DifferenceAnswer(Classed):
    """What changed; `before` and `after` are as the server sent them."""

    path: str
    what: str
    before: Any
    after: Any


class SuspicionAnswer(TypedDict):
    """What stands out in a text."""

    rule: str
    severity: str
    path: str
    excerpt: str


@deferred
class ComparedAnswer(EntryAnswer, Classed):
    """The latest definition against the approved one. `text` holds nothing invisible."""

    differences: list[DifferenceAnswer]
    findings: list[SuspicionAnswer]
    all_findings: list[SuspicionAnswer]
    text: str


class ServerCostAnswer(TypedDict):
    """What the tools of one server cost, in tokens."""

    server: str
    tools: int
    tokens: int


class ToolCostAnswer(TypedDict):
    """What one tool costs, in tokens."""

    name: str
    server: str
    tokens: int


@deferred
class CostAnswer(TypedDict):
    """What a list of tools costs; `missing` are servers whose tools are not counted."""

    tools: int
    tokens: int
    tokens_with_search: int
    bytes_per_token: int
    servers: list[ServerCostAnswer]
    largest: list[ToolCostAnswer]
    missing: list[str]


class NameAnswer(TypedDict):
    """A name that could not stay; `listed` is what it is called now, empty when it cannot be reached."""

    code: str
    server: str
    kind: str
    name: str
    listed: str
    other: str


@deferred
class NamesAnswer(TypedDict):
    """Of all the caller may use something of."""

    names: list[NameAnswer]
