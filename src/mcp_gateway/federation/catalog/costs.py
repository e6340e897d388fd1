"""What a definition costs a model that reads it, about: a token for every four bytes of what is put before it.

An estimate: the models' tokenizers differ, and none of them is asked. JSON schemas come out at 3.5 to 4.5 bytes a token.
"""

from typing import Final

from mcp_gateway.core.protocol.frames import JsonObject, render

BYTES_PER_TOKEN: Final = 4
_READ: Final = ("name", "description", "inputSchema")


def tokens_of(tool: JsonObject) -> int:
    """Of its name, description and input schema; clients show a model nothing else."""
    return -(-len(render({key: tool[key] for key in _READ if key in tool})) // BYTES_PER_TOKEN)
