"""Reads the texts of `corpus/`: each becomes a tool."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject

CORPUS = Path(__file__).parent / "corpus"


class Entry(NamedTuple):
    title: str
    tool: JsonObject


def read_corpus(name: str) -> Iterator[Entry]:
    """`name` is "malicious" or "benign"."""
    for block in re.split(r"(?m)^=== ", (CORPUS / f"{name}.txt").read_text(encoding="utf-8"))[1:]:
        title, _, body = block.partition("\n")
        yield Entry(title, _tool(title, re.sub(r"\\u\{([0-9A-F]+)\}", lambda found: chr(int(found[1], 16)), body.rstrip("\n"))))


def _tool(title: str, body: str) -> JsonObject:
    name, properties, description = title.replace("-", "_"), dict[str, Json](), list[str]()
    for line in body.split("\n"):
        argument = re.match(r"@argument (\S+) (.*)", line)
        if line.startswith("@name "):
            name = line.removeprefix("@name ")
        elif argument:
            properties[argument[1]] = {"type": "string", "description": argument[2]}
        else:
            description.append(line)
    return {"name": name, "description": "\n".join(description), "inputSchema": {"type": "object", "properties": properties}}
