"""A file as a tree that remembers its lines. YAML and CSV both become this; `build.py` makes words of it."""

from dataclasses import dataclass
from typing import TypeAlias, Union


@dataclass(frozen=True, kw_only=True, slots=True)
class TextNode:
    """`plain`: written without quotes, so it may stand for a number, a truth value or nothing."""

    text: str
    line: int
    plain: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class ListNode:
    items: tuple["Node", ...]
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MapNode:
    """In the order of the file; keys are unique."""

    entries: tuple[tuple[TextNode, "Node"], ...]
    line: int


Node: TypeAlias = Union[TextNode, ListNode, MapNode]  # noqa: UP007


def describe(node: Node) -> str:
    """What kind of thing the node is, for a message."""
    if isinstance(node, ListNode):
        return "a list"
    return "a group of keys" if isinstance(node, MapNode) else "a single value"
