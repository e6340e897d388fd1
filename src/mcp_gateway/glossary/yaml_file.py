"""YAML to nodes, from untrusted text: a small, strict part of YAML.

Anchors, aliases, merge keys and tags are refused, so nothing can multiply and nothing can be constructed. Depth is bounded.
Text stays text (`${HOME}`, `no`, `2024-01-01` too); only whole and decimal numbers, true, false and null without quotes
are more, and that is decided where a value is wanted, not here.
"""

from collections.abc import Iterator

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from mcp_gateway.glossary.errors import NotReadable
from mcp_gateway.glossary.model import Fault
from mcp_gateway.glossary.nodes import ListNode, MapNode, Node, TextNode

MAX_DEPTH = 8


def read_yaml(text: str) -> Node:
    """The one document in the text. Raises `NotReadable`."""
    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        root = _first_node(events)
        for event in events:
            if isinstance(event, DocumentStartEvent):
                raise _refused(event, "the file holds more than one document", "Remove the line `---` between them.")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        problem = " ".join(part for part in (error.problem, error.context) if part) or "not valid YAML"
        raise NotReadable(
            Fault(line=line, key="", problem=problem, fix="Check indentation, quotes and colons on this line and the one above.")
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotReadable(
            Fault(line=line, key="", problem="a character that YAML does not allow", fix="Remove the invisible character.")
        ) from None
    if root is None:
        raise NotReadable(
            Fault(line=0, key="", problem="the file is empty", fix="Write at least one of entities, terms, metrics, periods.")
        )
    return root


def _first_node(events: Iterator[Event]) -> Node | None:
    for event in events:
        if isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent | AliasEvent):
            return _node(event, events, 1)
    return None


def _node(event: Event, events: Iterator[Event], depth: int) -> Node:
    line = _line(event)
    if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
        raise _refused(event, "anchors and aliases (& and *) are not supported", "Write the value out, or put it in quotes.")
    if getattr(event, "tag", None):
        raise _refused(event, "tags (!) are not supported", "Write the plain value, or put it in quotes.")
    if isinstance(event, ScalarEvent):
        return TextNode(text=event.value, line=line, plain=bool(event.implicit[0]))
    if depth > MAX_DEPTH:
        raise _refused(event, f"the file is nested deeper than {MAX_DEPTH} levels", "Flatten it.")
    if isinstance(event, SequenceStartEvent):
        items: list[Node] = []
        while not isinstance(inner := next(events), SequenceEndEvent):
            items.append(_node(inner, events, depth + 1))
        return ListNode(items=tuple(items), line=line)
    return _map(events, depth, line)


def _map(events: Iterator[Event], depth: int, line: int) -> MapNode:
    entries: list[tuple[TextNode, Node]] = []
    seen: set[str] = set()
    while not isinstance(inner := next(events), MappingEndEvent):
        key = _node(inner, events, depth + 1)
        if not isinstance(key, TextNode):
            raise _refused(inner, "a key must be a single word", "Write `key: value`.")
        if key.text in seen:
            raise _refused(inner, f"the key {key.text[:60]!r} stands here twice", "Join the two, or remove one.")
        seen.add(key.text)
        entries.append((key, _node(next(events), events, depth + 1)))
    return MapNode(entries=tuple(entries), line=line)


def _refused(event: Event, problem: str, fix: str) -> NotReadable:
    return NotReadable(Fault(line=_line(event), key="", problem=problem, fix=fix))


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
