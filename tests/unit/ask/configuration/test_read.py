"""The configuration file: every fault is named with its place, and what is right is read as it stands."""

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis.strategies import DataObject, data, integers, sampled_from, text
from tests.depth import examples

from mcp_gateway.ask.configuration import (
    ConfigurationInvalid,
    MCPConfig,
    MCPServerConfig,
    OrchestrationConfig,
    read_configuration,
)

CASES = Path(__file__).resolve().parents[3] / "golden" / "configuration" / "faults.txt"
ENVIRONMENT = {"TOKEN": "s3cret", "PORT": "8000", "EMPTY": ""}
# The specification's own example.
SPECIFIED = """
mcp_servers:
  database_mcp:
    name: "Database MCP Server"
    url: "http://localhost:8000/sse"
    priority: 10
    domains: ["sales", "transactions", "orders"]
    capabilities: ["execute_query", "list_resources"]
    transport: "sse"

  product_metadata_mcp:
    name: "Product Metadata MCP"
    url: "http://localhost:8002/sse"
    priority: 1
    domains: ["products", "aliases", "mappings"]
    capabilities: ["list_resources"]
    transport: "sse"

orchestration:
  fail_fast: true  # ALWAYS true - no partial results
  enable_logging: true
  log_level: "DEBUG"
"""


def cases() -> list[tuple[str, str, list[str]]]:
    blocks = CASES.read_text(encoding="utf-8").split("\n=== ")[1:]
    read = []
    for block in blocks:
        title, _, rest = block.partition("\n")
        text, _, expected = rest.partition("\n--\n")
        read.append((title, text, [line for line in expected.strip().splitlines() if line]))
    return read


def read(text: str, **environment: str) -> MCPConfig:
    return read_configuration(text, file="c.yaml", environment={**ENVIRONMENT, **environment}, allow_stdio=True)


@pytest.mark.parametrize(("title", "written", "expected"), cases(), ids=[title for title, _, _ in cases()])
def test_every_fault_is_named_with_its_line_and_key(title: str, written: str, expected: list[str]) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        read(written)
    found = [f"{fault.line or '-'} {fault.path}: {fault.problem}" for fault in caught.value.faults]
    assert len(found) == len(expected), found
    unsaid = [line for line in expected if not any(one.startswith(line) for one in found)]
    assert not unsaid, found
    assert all(fault.fix and fault.where == "c.yaml" for fault in caught.value.faults)
    assert "s3cret" not in caught.value.message


def test_the_example_of_the_specification_is_read() -> None:
    config = read(SPECIFIED)
    assert [server.key for server in config.mcp_servers] == ["product_metadata_mcp", "database_mcp"]
    database = config.database
    assert database is not None
    assert (database.url, database.priority, database.transport) == ("http://localhost:8000/sse", 10, "sse")
    assert database.domains == ("sales", "transactions", "orders")
    assert (config.orchestration.fail_fast, config.orchestration.log_level) == (True, "DEBUG")
    assert database.timeout_seconds == 5.0


def test_the_shipped_example_is_valid() -> None:
    path = CASES.parents[3] / "examples" / "mcp_config.yaml"
    assert len(read(path.read_text(encoding="utf-8")).mcp_servers) == 2


def test_variables_are_replaced_with_their_type() -> None:
    config = read(
        "mcp_servers:\n  a:\n    name: ${NAME:-The A}\n    url: http://h:${PORT}/mcp\n    priority: ${PRIORITY:-7}\n"
        '    headers: {Authorization: "Bearer ${TOKEN}", Cost: "$$5"}\n'
    )
    server = config.mcp_servers[0]
    assert (server.name, server.url, server.priority) == ("The A", "http://h:8000/mcp", 7)
    assert server.headers == {"Authorization": "Bearer s3cret", "Cost": "$5"}


def test_what_is_secret_is_not_shown_when_a_server_is_printed() -> None:
    config = read('mcp_servers: {a: {name: A, url: "http://h/?k=${TOKEN}", priority: 1, headers: {K: "${TOKEN}"}}}')
    assert "s3cret" not in repr(config)


def test_a_variable_does_not_smuggle_in_structure() -> None:
    config = read("mcp_servers: {a: {name: '${NAME}', url: 'http://h/mcp', priority: 1}}", NAME="x, priority: 9} # ")
    assert config.mcp_servers[0].name == "x, priority: 9} # "


def test_the_environment_overrides_the_file() -> None:
    config = read(
        SPECIFIED,
        MCP_SERVERS__database_mcp__URL="http://db:9/mcp",
        MCP_SERVERS__DATABASE_MCP__TRANSPORT="http",
        MCP_SERVERS__DATABASE_MCP__PRIORITY="20",
        MCP_SERVERS__DATABASE_MCP__DOMAINS="a, b",
        MCP_SERVERS__DATABASE_MCP__HEADERS__X_API_KEY="k",
        ORCHESTRATION__FAIL_FAST="false",
        ORCHESTRATION__RESOURCES="fresh",
    )
    server = config.server("database_mcp")
    assert server is not None
    assert (server.url, server.transport, server.priority) == ("http://db:9/mcp", "streamable_http", 20)
    assert server.domains == ("a", "b")
    assert server.headers == {"x-api-key": "k"}
    assert (config.orchestration.fail_fast, config.orchestration.resources) == (False, "fresh")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("MCP_SERVERS__DATABASE_MPC__URL", "http://h", "Did you mean MCP_SERVERS__DATABASE_MCP__"),
        ("MCP_SERVERS__DATABASE_MCP__PRIORITY", "s3cret", "must be a whole number, not its value"),
        ("MCP_SERVERS__DATABASE_MCP__COLOUR", "red", "is not a known key"),
        ("MCP_SERVERS__DATABASE_MCP__COMMAND", "rm", "may not come from the environment"),
        ("ORCHESTRATION__LOG_LEVEL", "s3cret", "its value is not known"),
    ],
)
def test_a_faulty_override_is_named_by_its_variable(variable: str, value: str, words: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        read(SPECIFIED, **{variable: value})
    assert [fault.where for fault in caught.value.faults] == [f"environment variable {variable}"]
    assert words in str(caught.value.faults[0])
    assert "s3cret" not in str(caught.value.to_dict())


@pytest.mark.parametrize(
    ("written", "rule", "seconds"),
    [
        ("{}", "coherent", 300.0),
        ("{resource_cache_ttl: 0}", "fresh", 300.0),
        ("{resource_cache_ttl: 45}", "ttl", 45.0),
        ("{resources: ttl}", "ttl", 300.0),
        ("{resources: fresh, resource_cache_ttl: 0}", "fresh", 300.0),
    ],
)
def test_both_ways_of_saying_how_long_copies_live_are_understood(written: str, rule: str, seconds: float) -> None:
    text = f'mcp_servers: {{a: {{name: A, url: "http://h/mcp", priority: 1}}}}\norchestration: {written}\n'
    orchestration = read(text).orchestration
    assert (orchestration.resources, orchestration.resource_cache_ttl) == (rule, seconds)


def test_a_command_is_allowed_only_from_a_file_on_this_machine() -> None:
    text = "mcp_servers: {a: {name: A, priority: 1, transport: stdio, command: python, args: [-m, server, 1], env: {N: 1}}}"
    server = read_configuration(text, allow_stdio=True).mcp_servers[0]
    assert (server.command, server.args, server.env) == ("python", ("-m", "server", "1"), {"N": "1"})
    with pytest.raises(ConfigurationInvalid, match="stdio is not allowed here"):
        read_configuration(text)


@pytest.mark.parametrize(
    "text", ["a: &x [*x]", "a: !!python/object:os.system {}", "[" * 5_000, "\x00", "a: *nothing", "? [1]\n: 2"]
)
def test_hostile_files_are_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(ConfigurationInvalid):
        read(text)


@settings(max_examples=examples(60), deadline=None)
@given(data())
def test_no_text_is_answered_with_anything_but_faults_or_a_configuration(data: DataObject) -> None:
    lines = SPECIFIED.splitlines()
    for _ in range(data.draw(integers(1, 4))):
        at = data.draw(integers(0, len(lines) - 1))
        lines[at] = data.draw(
            sampled_from(
                [
                    lines[at][::-1],
                    lines[at] + ": x",
                    lines[at].replace('"', ""),
                    "  - " + lines[at],
                    lines[at] + " ${",
                    "? !!set",
                    "&a",
                ]
            )
            | text(max_size=30)
        )
    try:
        assert read("\n".join(lines)).mcp_servers
    except ConfigurationInvalid as refused:
        assert refused.faults  # noqa: PT017  # either end is right


def test_every_key_is_explained_in_the_how_to() -> None:
    page = (CASES.parents[3] / "docs" / "how-to" / "configure-servers.md").read_text(encoding="utf-8")
    known = [field.name for kind in (MCPServerConfig, OrchestrationConfig) for field in fields(kind) if field.name != "key"]
    assert [name for name in known if f"`{name}`" not in page] == []
