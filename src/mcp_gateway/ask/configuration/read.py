"""From the YAML's text to the configuration. Collects every fault before it complains; reads nothing but the text it is given."""

from collections import defaultdict
from collections.abc import Mapping

import yaml

from mcp_gateway.ask.configuration.errors import ConfigurationInvalid
from mcp_gateway.ask.configuration.model import DEFAULT_TTL_SECONDS, MCPConfig, MCPServerConfig, OrchestrationConfig
from mcp_gateway.ask.configuration.overrides import apply_overrides
from mcp_gateway.ask.configuration.read_server import read_server
from mcp_gateway.core.configuration.faults import sorted_by_line
from mcp_gateway.core.configuration.nodes import Faults, compose
from mcp_gateway.core.configuration.section import Section

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def read_configuration(
    text: str, *, file: str = "configuration", environment: Mapping[str, str] | None = None, allow_stdio: bool = False
) -> MCPConfig:
    """Read, replace `${VAR}`, apply overrides, check.

    `environment` serves references and overrides (`MCP_SERVERS__<KEY>__<FIELD>`, `ORCHESTRATION__<FIELD>`); `file` is only a name
    for messages. `allow_stdio` only for a file on this machine: such a server is a command that will be run.
    Raises `ConfigurationInvalid` with every fault found, in the order of their lines.
    """
    faults = Faults(file, environment or {})
    node = compose(text, faults)
    if node is None and not faults.found:
        faults.note(None, "", "is empty", "Write at least mcp_servers with one server.")
    config = _read_root(node, faults, allow_stdio=allow_stdio) if node is not None else None
    if faults.found or config is None:
        raise ConfigurationInvalid(sorted_by_line(faults.found))
    return config


def _read_root(node: yaml.Node, faults: Faults, *, allow_stdio: bool) -> MCPConfig | None:
    if not isinstance(node, yaml.MappingNode):
        faults.note(node, "", "must be a mapping", "Begin with `mcp_servers:`.")
        return None
    apply_overrides(node, faults)
    root = Section(node, "", faults)
    root.missing("mcp_servers", "Write `mcp_servers:` with one entry per server below it.")
    servers = _read_servers(root.section("mcp_servers"), faults, allow_stdio=allow_stdio)
    section = root.section("orchestration")
    orchestration = OrchestrationConfig() if section is None else _read_orchestration(section)
    root.refuse_unknown_keys()
    return MCPConfig(mcp_servers=tuple(sorted(servers, key=lambda server: server.priority)), orchestration=orchestration)


def _read_servers(section: Section | None, faults: Faults, *, allow_stdio: bool) -> list[MCPServerConfig]:
    if section is None:
        return []
    if isinstance(section.node, yaml.MappingNode) and not section.entries:
        faults.note(section.node, section.path, "has no server", "Add at least one.")
    read: list[MCPServerConfig] = []
    same: dict[tuple[str, str], list[tuple[str, yaml.Node]]] = defaultdict(list)
    for key in list(section.entries):
        child = section.section(key)
        if child is None:
            section.missing(key, "Write name, url and priority below it, or remove the entry.")
            continue
        if not isinstance(child.node, yaml.MappingNode):
            continue
        server = read_server(key, child, allow_stdio=allow_stdio)
        if server is not None:
            read.append(server)
        for field, value in (("priority", child.scalar_text("priority")), ("name", child.scalar_text("name"))):
            node = child.value(field)
            if value is not None and node is not None:
                same[(field, value.casefold())].append((key, node))
        same[("key", key.casefold().replace("-", "_"))].append((key, section.entries[key][0]))
    _note_duplicates(same, section, faults)
    return read


def _note_duplicates(same: Mapping[tuple[str, str], list[tuple[str, yaml.Node]]], section: Section, faults: Faults) -> None:
    fixes = {
        "priority": "Give each server its own number; 1 is most trusted.",
        "name": "Give each server its own name.",
        "key": "Use keys that differ in more than case and hyphens.",
    }
    for (field, _), holders in same.items():
        first, *others = holders
        for key, node in others:
            path = section.child(key) if field == "key" else f"{section.child(key)}.{field}"
            faults.note(node, path, f"is the same {field} as that of {first[0]}", fixes[field])


def _read_orchestration(section: Section) -> OrchestrationConfig:
    fail_fast, logging = section.flag("fail_fast"), section.flag("enable_logging")
    level = section.choice("log_level", {level.lower(): level for level in LEVELS})
    rule = section.choice("resources", {rule: rule for rule in ("fresh", "ttl", "coherent")})
    ttl = section.number("resource_cache_ttl", 0, 86_400)
    section.refuse_unknown_keys()
    contradiction = (rule == "coherent" and bool(ttl)) or (rule == "fresh" and bool(ttl)) or (rule == "ttl" and ttl == 0)
    if contradiction:
        section.faults.note(
            section.value("resource_cache_ttl"),
            section.child("resource_cache_ttl"),
            f"contradicts resources: {rule}",
            "0 means fresh, a number of seconds means ttl; leave one of the two keys out.",
        )
    if rule is None:
        rule = "coherent" if ttl is None else "ttl" if ttl else "fresh"
    # choice() gives back only the names it was given.
    return OrchestrationConfig(
        fail_fast=bool(fail_fast),
        enable_logging=logging is not False,
        log_level=level or "INFO",  # type: ignore[arg-type]  # one of LEVELS
        resources=rule,  # type: ignore[arg-type]  # one of the three rules
        resource_cache_ttl=ttl or DEFAULT_TTL_SECONDS,
    )
