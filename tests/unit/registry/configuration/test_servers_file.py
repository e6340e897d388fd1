"""The servers file: what it says, each fault with its line, and that a broken new version changes nothing."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.configuration.file import ServersFile
from mcp_gateway.registry.configuration.model import RegistryOptions, ServersConfiguration
from mcp_gateway.registry.configuration.read import read_servers
from mcp_gateway.registry.errors import ServersFileInvalid, ServersFileUnreadable
from mcp_gateway.registry.model import Command, Credential, Selected, Server, ServerLimits, VirtualServer

pytestmark = pytest.mark.anyio

WHOLE = """
servers:
  github:
    url: https://mcp.example.com/mcp
    transport: streamable-http
    title: Issues
    description: Issues and pull requests
    tenant: acme
    enabled: false
    prefix: gh_
    credential: {kind: bearer, secret: "${TOKEN}"}
    limits: {timeout_seconds: 2.5, connect_seconds: 1, max_answer_bytes: 4096, calls_at_once: 3, max_list_bytes: 2048}
    drift: block
    check_arguments: false
    mask: [email, secret]
  exchange:
    url: https://x.example/mcp
    transport: sse
    credential:
      kind: token_exchange
      secret: ${TOKEN}
      token_url: https://login.example.com/token
      client_id: gateway
      scope: read write
      audience: x
  files:
    command: npx
    args: [-y, "@scope/files", 3]
    env: {ROOT: /data, KEY: "${TOKEN}", N: 5}
    directory: /srv
    idle_seconds: 60
    max_memory_bytes: 268435456
virtual_servers:
  support:
    title: Support
    instructions: "Be kind.\\nBe quick."
    tenant: acme
    tools:
      - {server: github, tool: search_issues, name: find, description: Finds, hidden: [page], preset: {owner: acme, n: 5, deep: {on: [true, null, 1.5, "${TOKEN}"]}}}
    resources: [github]
    prompts: [files]
allowed_networks: [10.20.0.0/16, "fd12:3456::/32", 127.0.0.1]
registry: {operators: [ops], exchanges: [https://login.example.com], directory: https://registry.example.com/}
"""  # noqa: E501


def test_everything_is_read_as_written() -> None:
    read = read_servers(WHOLE, environment={"TOKEN": "s3cr3t"})
    github, exchange, files = read.servers.values()
    assert github == Server(
        name="github",
        url="https://mcp.example.com/mcp",
        title="Issues",
        description="Issues and pull requests",
        tenant="acme",
        enabled=False,
        prefix="gh_",
        credential=Credential(kind="bearer", secret="s3cr3t"),
        limits=ServerLimits(timeout_seconds=2.5, connect_seconds=1, max_answer_bytes=4096, calls_at_once=3, max_list_bytes=2048),
        drift="block",
        check_arguments=False,
        mask=frozenset({"email", "secret"}),
        source="file",
    )
    assert exchange.transport == "sse"
    assert exchange.credential == Credential(
        kind="token_exchange",
        secret="s3cr3t",
        token_url="https://login.example.com/token",
        client_id="gateway",
        scope="read write",
        audience="x",
    )
    command = Command(
        program="npx",
        arguments=("-y", "@scope/files", "3"),
        environment={"ROOT": "/data", "KEY": "s3cr3t", "N": "5"},
        directory="/srv",
        idle_seconds=60,
        max_memory_bytes=268435456,
    )
    assert (files.transport, files.command, files.url) == ("stdio", command, "")
    preset: dict[str, Json] = {"owner": "acme", "n": 5, "deep": {"on": [True, None, 1.5, "s3cr3t"]}}
    tool = Selected(
        server="github", tool="search_issues", name="find", description="Finds", hidden=frozenset({"page"}), preset=preset
    )
    assert read.virtual_servers == {
        "support": VirtualServer(
            name="support",
            title="Support",
            instructions="Be kind.\nBe quick.",
            tenant="acme",
            tools=(tool,),
            resources=("github",),
            prompts=("files",),
            source="file",
        )
    }
    assert read.allowed_networks == tuple(map(ip_network, ("10.20.0.0/16", "fd12:3456::/32", "127.0.0.1/32")))
    assert read.options == RegistryOptions(
        operators=frozenset({"ops"}), exchanges=frozenset({"https://login.example.com"}), directory="https://registry.example.com"
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "servers: {}\n", "servers:\nvirtual_servers:\n"])
def test_a_file_may_say_nothing(text: str) -> None:
    assert read_servers(text) == ServersConfiguration()


def entry(lines: str, name: str = "a") -> str:
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"servers:\n  {name}:\n{body}"


GOOD = "url: https://a.example/mcp"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("servers: [a]", 1, "must be a mapping"),
        ("servers: {a", 1, "not valid YAML"),
        ("server: {}", 1, "Did you mean servers?"),
        ("servers:\n  a:\n", 2, "servers.a.url: is missing"),
        (entry("url: ''"), 3, "is empty"),
        (entry(GOOD, name="A"), 3, "'A' is not usable"),
        (entry(GOOD, name="gateway"), 3, "is the gateway's own"),
        (entry(GOOD, name="a" * 41), 3, "is not usable"),
        (entry("url: ftp://a.example"), 3, "is no address of a server"),
        (entry("url: https://user:s3cr3t@a.example"), 3, "holds a user name"),
        (entry("url: https://a.example/#s3cr3t"), 3, "has a # in it"),
        (entry("url: 'https://a.example/\\ud83d'"), 3, "characters no address has"),
        (entry(f"{GOOD}\ntransport: stdio"), 3, "command: is missing"),
        (entry(f"{GOOD}\ntransport: websocket"), 4, "is not known"),
        (entry(f"{GOOD}\nargs: [x]"), 4, "belongs to a command"),
        (entry(f"{GOOD}\ncommand: sh"), 3, "does not belong to a program"),
        (entry("command: sh\ntransport: http"), 4, "does not fit a command"),
        (entry("command: sh\ncredential: {kind: bearer, secret: s3cr3t}"), 4, "does not belong to a program"),
        (entry(f"{GOOD}\ncredential: {{secret: s3cr3t}}"), 4, "credential.kind: is missing"),
        (entry(f"{GOOD}\ncredential: {{kind: basic, secret: s3cr3t}}"), 4, "is not known"),
        (entry(f"{GOOD}\ncredential:\n  kind: bearer"), 5, "credential.secret: is missing"),
        (entry(f"{GOOD}\ncredential:\n  kind: header\n  header: Host\n  secret: s3cr3t"), 6, "is set by the gateway itself"),
        (entry(f"{GOOD}\ncredential:\n  kind: header\n  header: 'A: b'\n  secret: s3cr3t"), 6, "is no name of a header"),
        (entry(f"{GOOD}\ncredential:\n  kind: bearer\n  secret: ${{UNSET}}"), 6, "UNSET is not set"),
        (entry(f"{GOOD}\ncredential:\n  kind: client_credentials\n  client_id: x\n  secret: s3cr3t"), 5, "token_url: is missing"),
        (entry(f"{GOOD}\nlimits: {{timeout_seconds: 0}}"), 4, "outside"),
        (entry(f"{GOOD}\nlimits:\n  timeout: 5"), 5, "Did you mean timeout_seconds?"),
        (entry(f"{GOOD}\nmask: [emails]"), 4, "which is not known"),
        (entry(f"{GOOD}\nprefix: 'a b'"), 4, "is not usable"),
        (entry(f"{GOOD}\ndrift: maybe"), 4, "is not known"),
        (entry(f"{GOOD}\n{GOOD}"), 4, "stands twice"),
        (f"{entry(GOOD)}  a: {{{GOOD}}}\n", 4, "stands twice"),
        (f"{entry(GOOD)}virtual_servers:\n  a: {{resources: [a]}}\n", 5, "has the name of a server"),
        ("virtual_servers:\n  v: {title: x}\n", 2, "tools: is empty"),
        ("virtual_servers:\n  v:\n    tools:\n      - {server: a}\n", 4, "tool: is missing"),
        (
            "virtual_servers:\n  v:\n    tools:\n      - {server: a, tool: t}\n      - {server: b, tool: t}\n",
            4,
            "is there already",
        ),
        ("virtual_servers:\n  v:\n    tools:\n      - {server: a, tool: t, preset: {x: .nan}}\n", 4, "is no value of JSON"),
        ("allowed_networks: [10.0.0.1/8]", 1, "is no network"),
        ("allowed_networks: [0.0.0.0/0]", 1, "most of the internet"),
        ("allowed_networks: ['::/0']", 1, "most of the internet"),
        ("allowed_networks:\n  - localhost", 2, "is no network"),
        ("registry: {operator: [a]}", 1, "Did you mean operators?"),
        ("registry: {directory: registry.example}", 1, "is no address"),
        ("registry: {exchanges: [https://login.example/x]}", 1, "no origin"),
        ("registry: {exchanges: ['http://login.example']}", 1, "no origin"),
    ],
)
def test_each_fault_is_found_at_its_line_and_no_secret_is_told(text: str, line: int, words: str) -> None:
    with pytest.raises(ServersFileInvalid) as caught:
        read_servers(text, file="servers.yaml", environment={})
    shown = [str(fault) for fault in caught.value.faults]
    assert len(shown) == 1
    assert shown[0].startswith(f"servers.yaml:{line}: ")
    assert words in shown[0]
    assert "s3cr3t" not in str(caught.value.to_dict())


def test_all_faults_are_told_at_once_in_the_order_of_their_lines() -> None:
    with pytest.raises(ServersFileInvalid) as caught:
        read_servers(f"{entry('url: nowhere')}  b:\n    {GOOD}\n    drift: x\nallowed_networks: [x]\n")
    assert [fault.line for fault in caught.value.faults] == [3, 6, 7]


def test_an_anchor_that_multiplies_is_not_followed_to_its_end() -> None:
    levels = "".join(f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    text = (
        "virtual_servers:\n  v:\n    tools:\n    - server: a\n      tool: t\n      preset:\n        x:\n"
        "        - &a0 [lol]\n" + "".join(f"      {line}\n" for line in levels.splitlines())
    )
    with pytest.raises(ServersFileInvalid, match="too large"):
        read_servers(text)


@pytest.mark.parametrize(
    "text", ["&a [*a]", "servers: &a {b: *a}", "servers: {a: " + "[" * 5_000, "servers: !!python/object/apply:os.system [id]"]
)
def test_hostile_yaml_is_a_fault_and_nothing_else(text: str) -> None:
    with pytest.raises(ServersFileInvalid):
        read_servers(text)


async def test_a_file_is_followed_and_a_faulty_new_version_keeps_the_old_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "servers.yaml"
    path.write_text(entry(GOOD))
    file = ServersFile(path)
    assert set(file.load().servers) == {"a"}
    assert await file.reload() is None

    path.write_text(entry(f"{GOOD}\ndrift: x"))
    with capture_logs() as lines:
        assert [await file.reload() for _ in range(4)] == [None] * 4
    assert [(line["event"], line["kept"]) for line in lines] == [("servers_file_refused", "previous")]

    path.write_text("")
    with capture_logs() as lines:
        assert [await file.reload() for _ in range(3)] == [None] * 3
    assert "is empty" in str(lines)

    path.write_text(entry(GOOD, name="bee"))
    read = [await file.reload() for _ in range(3)]
    assert [one and set(one.servers) for one in read] == [None, {"bee"}, None]


async def test_a_file_that_goes_away_keeps_what_it_said(tmp_path: Path) -> None:
    path = tmp_path / "servers.yaml"
    path.write_text(entry(GOOD))
    file = ServersFile(path)
    file.load()
    path.unlink()
    with capture_logs() as lines:
        assert [await file.reload() for _ in range(3)] == [None] * 3
    assert "cannot be read" in str(lines)


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ServersFileUnreadable, match="nowhere"):
        ServersFile(tmp_path / "nowhere.yaml").load()


def test_the_example_of_the_documentation_is_a_good_file() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "gateway" / "registry.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    read = read_servers(example, environment={"ISSUES_TOKEN": "x", "FILES_TOKEN": "y"})
    assert (set(read.servers), set(read.virtual_servers)) == ({"issues", "files"}, {"support"})
