"""Values of the environment that stand in for those of the file.

`MCP_SERVERS__<SERVER>__<FIELD>` and `ORCHESTRATION__<FIELD>`, letter case aside, hyphens of a server's key written as `_`:
`MCP_SERVERS__DATABASE_MCP__URL`. A list is separated by commas; a header is `MCP_SERVERS__<SERVER>__HEADERS__<NAME>` with `_`
for its hyphens. A value from the environment is taken as it is: no `${VAR}` in it. Servers cannot be added this way, nor what a
stdio server runs (`command`, `args`, `env`, `cwd`).
"""

import yaml

from mcp_gateway.core.configuration.nodes import Faults, OverrideNode, nearest

_SERVERS, _ORCHESTRATION = "MCP_SERVERS__", "ORCHESTRATION__"
_NEVER = ("command", "args", "env", "cwd")
_MAP = "tag:yaml.org,2002:map"


def apply_overrides(root: yaml.MappingNode, faults: Faults) -> None:
    """Put the environment's values into the nodes, noting a fault for each that fits nothing."""
    environment = faults.environment or {}
    for variable in sorted(environment):
        upper = variable.upper()
        node = OverrideNode(environment[variable], variable)
        if upper.startswith(_SERVERS):
            _override_server(root, upper.removeprefix(_SERVERS), node, faults)
        elif upper.startswith(_ORCHESTRATION):
            _put(_child(root, "orchestration"), upper.removeprefix(_ORCHESTRATION).lower(), node)


def _override_server(root: yaml.MappingNode, rest: str, node: OverrideNode, faults: Faults) -> None:
    servers = _child(root, "mcp_servers")
    keys = {_normal(str(key.value)): str(key.value) for key, _ in servers.value if isinstance(key, yaml.ScalarNode)}
    key = max((key for key in keys if rest.startswith(f"{key}__")), key=len, default=None)
    if key is None:
        near = nearest(rest.split("__", 1)[0], keys)
        fix = f"Did you mean {_SERVERS}{near}__...?" if near else f"Servers of the file: {', '.join(sorted(keys)) or 'none'}."
        faults.note(node, "mcp_servers", "names no server of the file", fix)
        return
    field, _, name = rest.removeprefix(f"{key}__").lower().partition("__")
    path = f"mcp_servers.{keys[key]}.{field}"
    if field in _NEVER:
        faults.note(node, path, "may not come from the environment", "Write it into the file, with ${VAR} if need be.")
    elif name and field == "headers":
        _put(_child(_child(servers, keys[key]), "headers"), name.replace("_", "-"), node)
    elif name:
        faults.note(node, f"{path}.{name}", "is not a setting of a server", "Use MCP_SERVERS__<SERVER>__<FIELD>.")
    else:
        _put(_child(servers, keys[key]), field, node)


def _normal(key: str) -> str:
    return key.upper().replace("-", "_")


def _child(parent: yaml.MappingNode, key: str) -> yaml.MappingNode:
    """The mapping under this key, made when it is absent. One that is no mapping is left for the reader to complain about."""
    for key_node, value in parent.value:
        if isinstance(key_node, yaml.ScalarNode) and key_node.value == key and isinstance(value, yaml.MappingNode):
            return value
        if isinstance(key_node, yaml.ScalarNode) and key_node.value == key and value.value not in ("", "null", "~"):
            return yaml.MappingNode(_MAP, [])
    made = yaml.MappingNode(_MAP, [], parent.start_mark, parent.end_mark)
    parent.value = [pair for pair in parent.value if getattr(pair[0], "value", None) != key]
    parent.value.append((yaml.ScalarNode("tag:yaml.org,2002:str", key, parent.start_mark, parent.end_mark), made))
    return made


def _put(parent: yaml.MappingNode, key: str, node: OverrideNode) -> None:
    # A header's name is the same in any case, a field of the file is in lower case only.
    kept = [pair for pair in parent.value if not (isinstance(pair[0], yaml.ScalarNode) and pair[0].value.lower() == key)]
    kept.append((OverrideNode(key, node.origin), node))
    parent.value = kept
