"""Text as nested values: JSON with comments, TOML or YAML, whichever it is; bounded, and strict about what is ambiguous.

No YAML tag makes anything but plain values, and anchors are refused: a short file could name a huge one.
"""

import json
import re
import tomllib
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, NoReturn, TypeAlias

import yaml

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.formats.errors import ClientFileInvalid

MAX_BYTES: Final = 1_000_000
_MAX_DEPTH: Final = 40
_TOML_HEAD: Final = re.compile(r"^[ \t]*\[+[ \t]*[A-Za-z_\"'][^\]\n]*\]+[ \t]*(?:#.*)?$", re.MULTILINE)
# A string as a whole, or a comment; one that never ends goes to the end, so that each character is looked at once.
_JSON_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|//[^\n]*+|/\*(?:.*?\*/|.*+)', re.DOTALL)
_TRAILING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|,(?=\s*[}\]])', re.DOTALL)
_OPENING: Final = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSING: Final = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
Syntax: TypeAlias = Literal["json", "toml", "yaml"]


class Tree(NamedTuple):
    syntax: Syntax
    root: dict[str, Json]


def read_tree(text: str) -> Tree:
    """Raises `ClientFileInvalid`."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ClientFileInvalid(f"The file has more than {MAX_BYTES:,} bytes.")
    syntax = _syntax(text)
    root = _READERS[syntax](text)
    if not isinstance(root, dict):
        raise ClientFileInvalid("The file is no list of named servers.")
    _check_depth(root)
    return Tree(syntax, root)


def _syntax(text: str) -> Syntax:
    begin = _JSON_PIECE.sub(lambda found: found[0] if found[0][0] == '"' else "", text[:20_000]).lstrip("\ufeff \t\r\n")
    if begin.startswith("{"):
        return "json"
    return "toml" if _TOML_HEAD.search(text) else "yaml"


def _read_json(text: str) -> Json:
    plain = _JSON_PIECE.sub(lambda found: found[0] if found[0][0] == '"' else " ", text.lstrip("\ufeff"))
    plain = _TRAILING.sub(lambda found: found[0] if found[0][0] == '"' else " ", plain)
    try:
        value: Json = json.loads(plain, object_pairs_hook=_object, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ClientFileInvalid(f"The file is not valid JSON: {error.msg}, line {error.lineno}.") from None
    except (ValueError, RecursionError):
        raise ClientFileInvalid("The file has a number or a depth that no configuration needs.") from None
    return value


def _object(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    """Of two members with one name nobody can say which counts."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ClientFileInvalid("An object of the file has one name twice.", hint="Remove one of the two.")
    return made


def _refuse(_name: str) -> NoReturn:
    raise ValueError


def _read_toml(text: str) -> Json:
    try:
        value: Json = tomllib.loads(text.lstrip("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line \d+", str(error))
        raise ClientFileInvalid(f"The file is not valid TOML{f', {place[0]}' if place else ''}.") from None
    except (ValueError, RecursionError):
        raise ClientFileInvalid("The file has a number or a depth that no configuration needs.") from None
    return value


def _read_yaml(text: str) -> Json:
    try:
        _scan_yaml(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return None if node is None else _plain(node, _MAX_DEPTH)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ClientFileInvalid(f"The file is not valid YAML{f', line {mark.line + 1}' if mark else ''}.") from None
    except (yaml.YAMLError, RecursionError):
        raise ClientFileInvalid("The file is not valid YAML.") from None


def _scan_yaml(text: str) -> None:
    """Raises `ClientFileInvalid` before what is too much is made into anything."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _MAX_DEPTH:
            raise ClientFileInvalid("The file is nested too deeply.")
        if isinstance(token, yaml.AliasToken):
            raise ClientFileInvalid("The file has a YAML alias.", hint="Write the values out.")


def _plain(node: yaml.Node, depth: int) -> Json:
    """Only true, false, null and text are told apart: nothing else matters in these files."""
    if not depth:
        raise RecursionError
    if isinstance(node, yaml.MappingNode):
        return _object([(str(key.value), _plain(value, depth - 1)) for key, value in node.value])
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, depth - 1) for one in node.value]
    word = str(node.value)
    if node.tag == "tag:yaml.org,2002:bool":
        return word.lower() in ("true", "yes", "on")
    return None if node.tag == "tag:yaml.org,2002:null" else word


def _check_depth(root: Json) -> None:
    level: list[Json] = [root]
    for _ in range(_MAX_DEPTH):
        level = [
            inner for one in level if isinstance(one, dict | list) for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ClientFileInvalid("The file is nested too deeply.")


_READERS: Final = {"json": _read_json, "toml": _read_toml, "yaml": _read_yaml}
