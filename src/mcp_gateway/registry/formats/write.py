"""Configuration for clients of this gateway: where its endpoints are, and never a secret. Clients log in by themselves."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import yaml

from mcp_gateway.registry.formats.model import Endpoint, Program
from mcp_gateway.registry.formats.values import variable_name

ClientName: TypeAlias = Literal["claude", "vscode", "cursor", "codex", "ours"]


def write_client_file(client: ClientName, endpoints: Sequence[Endpoint]) -> str:
    """Ends with a line break."""
    return _WRITERS[client](endpoints)


def write_programs(programs: Sequence[Program]) -> str:
    """For the servers file. Values of variables are references, to be set where the gateway runs."""
    entries: dict[str, object] = {}
    for one in programs:
        entry: dict[str, object] = {"command": one.program}
        if one.arguments:
            entry["args"] = list(one.arguments)
        if one.variables:
            entry["env"] = {name: "${" + variable_name(name) + "}" for name in one.variables}
        if one.directory:
            entry["directory"] = one.directory
        entries[one.name] = entry
    return _yaml({"servers": entries})


def _json(key: str, entries: Mapping[str, Mapping[str, str]]) -> str:
    return json.dumps({key: entries}, ensure_ascii=False, indent=2) + "\n"


def _yaml(value: object) -> str:
    written: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)
    return written


def _codex(endpoints: Sequence[Endpoint]) -> str:
    # What JSON quotes is a quoted key and text of TOML too.
    pieces = (f"[mcp_servers.{json.dumps(one.name)}]\nurl = {json.dumps(one.url)}\n" for one in endpoints)
    return "\n".join(pieces)


def _ours(endpoints: Sequence[Endpoint]) -> str:
    return _yaml({"servers": {one.name: {"url": one.url, **({"title": one.title} if one.title else {})} for one in endpoints}})


_WRITERS: Final[Mapping[ClientName, Callable[[Sequence[Endpoint]], str]]] = {
    "claude": lambda all_: _json("mcpServers", {one.name: {"type": "http", "url": one.url} for one in all_}),
    "cursor": lambda all_: _json("mcpServers", {one.name: {"url": one.url} for one in all_}),
    "vscode": lambda all_: _json("servers", {one.name: {"type": "http", "url": one.url} for one in all_}),
    "codex": _codex,
    "ours": _ours,
}
