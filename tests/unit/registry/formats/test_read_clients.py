"""Configuration files of clients become orders; what cannot be taken over is said, and no program is ever an order."""

import json

import pytest

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.errors import ServersFileInvalid
from mcp_gateway.registry.formats.errors import ClientFileInvalid
from mcp_gateway.registry.formats.model import Endpoint, Imported
from mcp_gateway.registry.formats.read import read_client_file
from mcp_gateway.registry.formats.write import ClientName, write_client_file, write_programs
from mcp_gateway.registry.model import Credential

CLAUDE = """{
  // what people have
  "mcpServers": {
    "GitHub": {"type": "http", "url": "https://api.example/mcp/", "headers": {"Authorization": "Bearer s3cr3t"}},
    "files": {"command": "npx", "args": ["-y", "@x/files", "--api-key", "s3cr3t", "/srv"], "env": {"TOKEN": "s3cr3t"}},
    "old": {"type": "sse", "url": "https://old.example/sse", "headers": {"X-Key": "s3cr3t"},},
  }
}"""
VSCODE = """{"inputs": [{"type": "promptString", "id": "key", "password": true}],
"servers": {"asks": {"type": "http", "url": "https://a.example/mcp", "headers": {"X-Key": "${input:key}"}},
            "plain": {"type": "http", "url": "https://b.example/mcp"}}}"""
ZED = """{"context_servers": {"one": {"source": "custom", "url": "https://z.example/mcp"},
"two": {"source": "custom", "command": {"path": "uvx", "args": ["thing"], "env": {}}}}}"""
CODEX = """
model = "x"
[mcp_servers.docs]
url = "https://docs.example/mcp"
bearer_token_env_var = "DOCS_TOKEN"
enabled_tools = ["search"]
[mcp_servers.local]
command = "npx"
args = ["-y", "thing"]
"""
GOOSE = """
extensions:
  developer: {type: builtin, name: developer, enabled: true}
  web: {type: streamable_http, uri: "https://web.example/mcp", enabled: false, timeout: 300}
  prog: {type: stdio, cmd: uvx, args: [thing], env_keys: [A_TOKEN]}
"""
OURS = """
servers:
  issues: {url: "https://i.example/mcp", prefix: issues_, drift: block, mask: [email]}
  prog: {command: npx, args: [x]}
"""


def held(read: Imported) -> dict[str, str]:
    return {note.server: note.field for note in read.notes if note.held_back}


def test_the_servers_of_claude_and_its_kin_are_read_with_their_secrets_as_credentials() -> None:
    read = read_client_file(CLAUDE)
    assert read.format == "claude"
    first, old = read.orders
    assert (first.name, first.title, first.url, first.transport) == ("github", "GitHub", "https://api.example/mcp/", "http")
    assert first.credential == Credential(kind="bearer", secret="s3cr3t")
    assert (old.transport, old.credential) == ("sse", Credential(kind="header", header="X-Key", secret="s3cr3t"))


def test_a_program_is_shown_for_the_servers_file_without_its_secrets_and_never_ordered() -> None:
    read = read_client_file(CLAUDE)
    shown = write_programs(read.programs)
    assert [one.name for one in read.programs] == ["files"]
    assert "files" not in {one.name for one in read.orders}
    assert "s3cr3t" not in shown + repr(read)
    again = read_client_file(shown, environment={"TOKEN": "t", "FILES_ARGUMENT_4": "k"})
    assert (again.format, [one.program for one in again.programs]) == ("ours", ["npx"])


@pytest.mark.parametrize("key", ["url", "serverUrl", "httpUrl"])
def test_cursor_and_windsurf_and_others_name_the_address_differently(key: str) -> None:
    read = read_client_file(json.dumps({"mcpServers": {"a": {key: "https://a.example/mcp"}}}))
    assert [one.url for one in read.orders] == ["https://a.example/mcp"]


def test_what_a_client_asks_its_user_for_is_held_back() -> None:
    read = read_client_file(VSCODE, environment={"key": "x"})
    assert (read.format, [one.name for one in read.orders], held(read)) == ("vscode", ["plain"], {"asks": "headers"})


def test_zed_codex_and_goose_are_read() -> None:
    zed = read_client_file(ZED)
    assert (zed.format, [one.name for one in zed.orders], [one.program for one in zed.programs]) == ("zed", ["one"], ["uvx"])
    codex = read_client_file(CODEX, environment={"DOCS_TOKEN": "s3cr3t"})
    assert (codex.format, codex.orders[0].credential.secret, codex.programs[0].name) == ("codex", "s3cr3t", "local")
    assert [note.field for note in codex.notes] == ["enabled_tools"]
    goose = read_client_file(GOOSE)
    assert (goose.format, goose.orders[0].enabled, goose.programs[0].variables) == ("goose", False, ("A_TOKEN",))
    assert held(goose) == {"developer": "type"}


def test_a_servers_file_keeps_everything_an_order_can_hold() -> None:
    read = read_client_file(OURS)
    (order,) = read.orders
    assert (read.format, order.prefix, order.drift, order.mask) == ("ours", "issues_", "block", frozenset({"email"}))
    assert [one.name for one in read.programs] == ["prog"]
    with pytest.raises(ServersFileInvalid):
        read_client_file("servers: {a: {ulr: x}}")


def test_nothing_of_the_environment_is_used_unless_asked_for() -> None:
    text = json.dumps({"mcpServers": {"a": {"url": "https://evil.example/${HOME}"}, "b": {"url": "https://b.example/${X:-y}"}}})
    assert held(read_client_file(text)) == {"a": "url", "b": "url"}
    read = read_client_file(text, environment={"HOME": "${X}"})
    assert [one.url for one in read.orders] == ["https://b.example/y"]
    assert held(read) == {"a": "url"}
    assert held(read_client_file(CODEX)) == {"docs": "bearer_token_env_var"}


def test_a_server_that_wants_several_headers_is_held_back() -> None:
    entry: Json = {"url": "https://a.example", "headers": {"X-Key": "s3cr3t", "X-Read-Only": "true"}}
    read = read_client_file(json.dumps({"mcpServers": {"a": entry}}))
    assert (read.orders, held(read)) == ((), {"a": "headers"})
    assert "s3cr3t" not in repr(read)


def test_an_entry_that_only_bridges_to_an_address_becomes_that_address() -> None:
    entry: Json = {
        "command": "npx",
        "args": ["-y", "mcp-remote@latest", "https://a.example/mcp", "--header", "Authorization: ${AUTH}"],
        "env": {"AUTH": "Bearer s3cr3t"},
    }
    read = read_client_file(json.dumps({"mcpServers": {"a": entry}}))
    (order,) = read.orders
    assert (order.url, order.credential) == ("https://a.example/mcp", Credential(kind="bearer", secret="s3cr3t"))
    assert [note.field for note in read.notes] == ["command"]


@pytest.mark.parametrize(
    "words",
    [
        ["mcp-remote"],
        ["mcp-remote", "https://a.example", "--allow-http"],
        ["mcp-remote", "https://a.example", "--header"],
        ["other", "https://a.example"],
        ["mcp-remote", "--header", "X: y", "https://a.example"],
    ],
)
def test_a_bridge_with_options_that_would_be_lost_stays_a_program(words: list[str]) -> None:
    read = read_client_file(json.dumps({"mcpServers": {"a": {"command": "npx", "args": words}}}))
    assert (len(read.orders), len(read.programs)) == (0, 1)


def test_names_become_usable_and_stay_apart() -> None:
    names = ["My Server", "my_server", "gateway", "日本", "x" * 80, "x" * 81]
    read = read_client_file(json.dumps({"mcpServers": {name: {"url": "https://a.example"} for name in names}}))
    made = [one.name for one in read.orders]
    assert made[:4] == ["my-server", "my-server-2", "gateway-server", "server"]
    assert len(set(made)) == 6
    assert all(len(name) <= 40 for name in made)


HOSTILE = {
    "nothing": "",
    "a list": "[1, 2]",
    "no servers": '{"mcpServers": []}',
    "other JSON": '{"a": 1}',
    "twice": '{"mcpServers": {"a": {"url": "https://a"}, "a": {"url": "https://b"}}}',
    "deep JSON": '{"mcpServers":' * 100 + "1" + "}" * 100,
    "very deep JSON": '{"a":' + "[" * 200_000,
    "deep YAML": "extensions: " + "[" * 5_000,
    "anchors": "a: &a [x, x]\nextensions: {b: {uri: *a}}",
    "tag": "extensions: !!python/object/apply:os.system [x]",
    "binary": "\x00\x01\x02",
    "half a character": '{"mcpServers": {"\ud800": 1',
    "bad TOML": "[mcp_servers.a]\nurl = ",
    "huge number": '{"mcpServers": ' + "9" * 10_000 + "}",
    "not a number": '{"mcpServers": {"a": NaN}}',
    "too long": " " * 1_000_001,
    "an open comment": "{ /* " + "/* " * 100_000,
    "an open text": '{"' + '\\"' * 100_000,
    "many brackets": "[" * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ClientFileInvalid):
        read_client_file(text)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        "x",
        {},
        {"url": 1},
        {"url": "file:///etc/passwd"},
        {"url": "https://u:p@a.example"},
        {"url": "https://a.example", "type": "ws"},
        {"url": "https://a.example", "type": ["http"]},
        {"url": "https://a.example", "headers": {"Host": "x"}},
        {"url": "https://a.example", "headers": {"X-A": "a\r\nX-B: b"}},
        {"url": "https://a.example", "headers": {"X-A": {"x": 1}}},
        {"url": "https://a.example", "headers": ["x"]},
        {"command": ["sh", "-c", "x"]},
        {"command": "x", "args": [1]},
        {"command": "x", "args": "y"},
        {"type": "stdio"},
    ],
)
def test_an_odd_entry_is_held_back_and_the_others_are_taken(entry: Json) -> None:
    read = read_client_file(json.dumps({"mcpServers": {"odd": entry, "good": {"url": "https://a.example"}}}))
    assert [one.name for one in read.orders] == ["good"]
    assert read.programs == ()
    assert "odd" in held(read)


@pytest.mark.parametrize("client", ["claude", "vscode", "cursor", "codex", "ours"])
def test_what_is_written_for_a_client_is_read_back(client: ClientName) -> None:
    ends = [
        Endpoint(name="mcp-gateway", url="https://gw.example/mcp"),
        Endpoint(name="b", url="https://gw.example/servers/b/mcp"),
    ]
    read = read_client_file(write_client_file(client, ends))
    assert [(one.name, one.url) for one in read.orders] == [(one.name, one.url) for one in ends]
    assert not read.notes
