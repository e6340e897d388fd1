"""The `roles:`, `rules:` and `row_filters:` of the access file."""

from collections.abc import Callable
from typing import Final, TypeVar

from mcp_gateway.access.errors import PolicyInvalid
from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.ports import Kind
from mcp_gateway.access.policy.shapes import read_role, read_row_filter, read_rule
from mcp_gateway.core.configuration.section import Section

MAX_STATEMENTS: Final = 10_000
_T = TypeVar("_T")


def read_statements(root: Section) -> Statements:
    """What is said, without what has a fault; whoever reads the file refuses it when any was noted."""
    before = len(root.faults.found)
    statements = Statements(
        roles=_read(root, "roles", read_role),
        rules=_read(root, "rules", read_rule),
        row_filters=_read(root, "row_filters", read_row_filter),
    )
    if len(root.faults.found) == before:
        _check_together(root, statements)
    return statements


def _read(root: Section, key: str, read: Callable[[Section], _T | None]) -> tuple[_T, ...]:
    sections = root.sections(key)
    if len(sections) > MAX_STATEMENTS:
        root.faults.note(root.value(key), root.child(key), f"has over {MAX_STATEMENTS:,} entries", "Use patterns.")
        return ()
    return tuple(one for one in map(read, sections) if one is not None)


def _check_together(root: Section, statements: Statements) -> None:
    """What only shows when all are there: names taken twice, roles nobody defines, circles. Noted where it was written."""
    try:
        build_policy(statements)
    except PolicyInvalid as error:
        kind, identity = error.data.get("kind"), error.data.get("id")
        place = next((one for of, one in _places(root) if of == kind and one.scalar_text(_NAMES[of]) == identity), root)
        root.faults.note(place.node, place.path, error.message.rstrip("."), error.hint)


_NAMES: Final[dict[Kind, str]] = {"role": "name", "rule": "id", "row_filter": "id"}
_KEYS: Final[dict[Kind, str]] = {"role": "roles", "rule": "rules", "row_filter": "row_filters"}


def _places(root: Section) -> list[tuple[Kind, Section]]:
    """The last first: of two that have one name the second is the one to change."""
    return [(kind, section) for kind, key in _KEYS.items() for section in reversed(root.sections(key))]
