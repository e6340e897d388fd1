"""JSON text as the nodes of a YAML file, so that what comes through an API is read by the same rules as a file.

No `${VAR}` is replaced in it: give its `Faults` no environment. A key that stands twice stays twice, for the reader to refuse.
"""

import json
from typing import NoReturn

import yaml

from mcp_gateway.core.configuration.nodes import STRING_TAG, Faults

_TAG = "tag:yaml.org,2002:"
_MAX_DEPTH = 16


class _Pairs(list[tuple[str, object]]):
    """An object's members, in order and with those that stand twice."""


def compose_json(text: str, faults: Faults) -> yaml.Node | None:
    """The nodes; None, with a fault noted, when it is not JSON or nested too deeply."""
    try:
        return _node(json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse), _MAX_DEPTH)
    except (ValueError, RecursionError) as error:
        problem = error.msg if isinstance(error, json.JSONDecodeError) else "a number or a depth no value here needs"
        faults.note(None, "", f"is not JSON that can be read: {problem}", "Send one JSON object.")
        return None


def _node(value: object, depth: int) -> yaml.Node:
    if not depth:
        raise ValueError
    if isinstance(value, _Pairs):
        return yaml.MappingNode(f"{_TAG}map", [(_text(key), _node(member, depth - 1)) for key, member in value])
    if isinstance(value, list):
        return yaml.SequenceNode(f"{_TAG}seq", [_node(item, depth - 1) for item in value])
    if isinstance(value, str):
        return _text(value)
    if value is None:
        return yaml.ScalarNode(f"{_TAG}null", "null")
    kind = "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "float"
    return yaml.ScalarNode(f"{_TAG}{kind}", json.dumps(value))


def _text(text: str) -> yaml.ScalarNode:
    text.encode()  # half of a surrogate pair is no text, and could not be stored
    return yaml.ScalarNode(STRING_TAG, text)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
