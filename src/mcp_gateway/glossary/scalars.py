"""What a value without quotes means: the core schema of YAML 1.2, less its surprises.

`no`, `on` and `2024-01-01` are text; so is a number with leading zeros, which is a code and not a quantity.
"""

import re

from mcp_gateway.core.schema import Scalar
from mcp_gateway.glossary.nodes import TextNode

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Scalar] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}  # fmt: skip


def scalar_of(node: TextNode) -> Scalar:
    """The value the node stands for; text in quotes is text whatever it looks like."""
    if not node.plain:
        return node.text
    if node.text in _WORDS:
        return _WORDS[node.text]
    if _INTEGER.fullmatch(node.text):
        return int(node.text)
    return float(node.text) if _NUMBER.fullmatch(node.text) else node.text
