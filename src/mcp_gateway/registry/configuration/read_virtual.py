"""One entry of `virtual_servers:`."""

import math
from typing import Final

import yaml

from mcp_gateway.core.configuration.nodes import Faults, read_scalar
from mcp_gateway.core.configuration.section import Section
from mcp_gateway.core.errors import Json
from mcp_gateway.registry.check import check_virtual
from mcp_gateway.registry.configuration.read_server import place, read_prose
from mcp_gateway.registry.model import Selected, VirtualServer

_MAX_DEPTH: Final = 16
# Of one preset: an anchor that stands in itself several times would otherwise be read without end.
_MAX_VALUES: Final = 2_000
_TAG: Final = "tag:yaml.org,2002:"


def read_virtual(name: str, section: Section) -> VirtualServer:
    """The virtual server; faults are noted for what cannot be used, and the file is then not used at all."""
    before = len(section.faults.found)
    virtual = VirtualServer(
        name=name,
        title=section.text("title") or "",
        instructions=read_prose(section, "instructions"),
        tenant=section.text("tenant") or "",
        tools=tuple(_read_selected(one) for one in section.sections("tools")),
        resources=section.texts("resources"),
        prompts=section.texts("prompts"),
        source="file",
    )
    section.refuse_unknown_keys()
    if len(section.faults.found) == before:
        place(section, check_virtual(virtual))
    return virtual


def _read_selected(section: Section) -> Selected:
    section.missing("server", "Write the name of the server that has the tool.")
    section.missing("tool", "Write the tool's name as the server lists it.")
    preset = section.section("preset")
    read = Selected(
        server=section.text("server") or "",
        tool=section.text("tool") or "",
        name=section.text("name"),
        description=read_prose(section, "description") or None,
        hidden=frozenset(section.texts("hidden", strict=False)),
        preset={} if preset is None else _read_preset(preset),
    )
    section.refuse_unknown_keys()
    return read


def _read_preset(section: Section) -> dict[str, Json]:
    budget = [_MAX_VALUES]
    return {
        name: None if (node := section.value(name)) is None else read_json(node, section.child(name), section.faults, budget)
        for name in section.entries
    }


def read_json(node: yaml.Node, path: str, faults: Faults, budget: list[int], depth: int = _MAX_DEPTH) -> Json:
    """A value as JSON has it, `${VAR}` replaced in texts. `budget` counts down what may still be read."""
    budget[0] -= 1
    if budget[0] < 0 or not depth:
        if budget[0] >= -1:
            faults.note(node, path, "is too large or nested too deeply", "Preset less.")
        budget[0] = -2
        return None
    if isinstance(node, yaml.MappingNode):
        read: dict[str, Json] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or str(key.value) in read:
                faults.note(key, path, "has a key that stands twice or is no text", "Use each word once.")
                continue
            read[str(key.value)] = read_json(value, f"{path}.{key.value}", faults, budget, depth - 1)
        return read
    if isinstance(node, yaml.SequenceNode):
        return [read_json(item, f"{path}[{at}]", faults, budget, depth - 1) for at, item in enumerate(node.value)]
    return _read_single(node, path, faults)


def _read_single(node: yaml.Node, path: str, faults: Faults) -> Json:
    scalar = read_scalar(node, path, faults)
    if scalar is None or node.tag == f"{_TAG}null":
        return None
    if scalar.is_string or scalar.text != node.value:
        return scalar.text
    if node.tag == f"{_TAG}bool":
        return scalar.text.lower() in ("true", "yes", "on")
    try:
        number = int(scalar.text) if node.tag == f"{_TAG}int" else float(scalar.text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        faults.note(node, path, f"{scalar.shown} is no value of JSON", "Put it in quotes if it is meant as text.")
        return None
    return number
