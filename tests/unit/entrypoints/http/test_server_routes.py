"""Registered servers and virtual servers over HTTP: who may do what, what is told, and that no secret ever is."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from tests.unit.entrypoints.http.guarded import Guarded, open_guarded

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.registry.configuration.read import read_servers
from mcp_gateway.registry.inspection import AuthNeeded, Finding, Inspection, ListFacts
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.official.reading import Found

pytestmark = pytest.mark.anyio

FILE = """
servers:
  everyones: {url: "https://everyones.example/mcp?key=s3cr3t-of-file", credential: {kind: bearer, secret: s3cr3t-of-file}}
  program: {command: /usr/bin/thing, args: [--token, s3cr3t-argument], env: {TOKEN: s3cr3t-env}}
virtual_servers:
  written: {tools: [{server: everyones, tool: x, preset: {password: s3cr3t-preset}}]}
registry: {operators: [ops]}
"""
ORDER: dict[str, Json] = {
    "name": "github",
    "url": "https://mcp.example.com/team/mcp?api_key=s3cr3t-query",
    "title": "Issues",
    "credential": {"kind": "bearer", "secret": "s3cr3t-token"},
}
SELECTION: dict[str, Json] = {"name": "support", "tools": [{"server": "github", "tool": "search", "preset": {"owner": "acme"}}]}
FOUND = Inspection(
    server="github",
    reachable=True,
    era="modern",
    revision="2026-07-28",
    supported=("2026-07-28",),
    capabilities=("tools",),
    lists=(ListFacts(kind="tools", count=3, bytes=900, tokens=225, took_ms=1.25),),
    latency_ms=1.25,
    auth=AuthNeeded(scheme="bearer", authorization_servers=("https://login.example.com",)),
    findings=(Finding(code="slow", severity="warning", message="It is slow.", hint="Ask why."),),
)
EVERY_ACT = [
    ("POST", "/api/servers", ORDER),
    ("PATCH", "/api/servers/github", {"title": "x"}),
    ("DELETE", "/api/servers/github", None),
    *(("POST", f"/api/servers/github/{verb}", None) for verb in ("test", "enable", "disable", "refresh")),
    ("POST", "/api/virtual-servers", SELECTION),
    ("PATCH", "/api/virtual-servers/support", {"title": "x"}),
    ("DELETE", "/api/virtual-servers/support", None),
]


class Looker:
    def __init__(self) -> None:
        self.looked_at: list[Server] = []
        self.refreshed: list[str] = []

    async def inspect(self, server: Server, caller: Caller, /) -> Inspection:
        self.looked_at.append(server)
        return replace(FOUND, server=server.name)

    async def refresh(self, server: Server, /) -> None:
        self.refreshed.append(server.name)


@pytest.fixture
async def gate() -> AsyncIterator[Guarded]:
    async with open_guarded(servers=read_servers(FILE)) as opened:
        yield opened


def code(reply: httpx.Response) -> str:
    return str(reply.json()["error"]["code"])


async def added(gate: Guarded, order: dict[str, Json] = ORDER, **who: str) -> httpx.Response:
    reply = await gate.client.post("/api/servers", json=order, headers=gate.bearer("admin", **who))
    assert reply.status_code == 201, reply.text
    return reply


@pytest.mark.parametrize(("method", "path", "body"), EVERY_ACT, ids=lambda part: str(part)[:40])
async def test_only_administrators_change_servers_and_each_refusal_is_written_down(
    gate: Guarded, method: str, path: str, body: dict[str, object] | None
) -> None:
    await added(gate)
    await gate.client.post("/api/virtual-servers", json=SELECTION, headers=gate.bearer("admin"))
    for role in ("viewer", "analyst", "operator", "developer"):
        refused = await gate.client.request(method, path, json=body, headers=gate.bearer(role))
        assert (refused.status_code, code(refused)) == (403, "NOT_ALLOWED")
    narrowed = await gate.client.request(method, path, json=body, headers=gate.bearer("admin", scope="gateway.read gateway.call"))
    assert (narrowed.status_code, code(narrowed)) == (403, "INSUFFICIENT_SCOPE")
    lines = await gate.lines("acme")
    assert sum('"manage_servers"' in line and '"refused"' in line for line in lines) == 5
    assert gate.registry.find(caller_of(gate), "github").title == "Issues"


def caller_of(gate: Guarded, tenant: str = "acme") -> Caller:
    return Caller(tenant=tenant, subject="ada", roles=frozenset({"admin"}))


@pytest.mark.parametrize(("method", "path", "body"), EVERY_ACT, ids=lambda part: str(part)[:40])
async def test_nobody_gets_in_without_a_token(gate: Guarded, method: str, path: str, body: dict[str, object] | None) -> None:
    assert (await gate.client.request(method, path, json=body)).status_code == 401


async def test_a_server_is_registered_connected_to_and_explained_in_one_go(gate: Guarded) -> None:
    looker = Looker()
    gate.registry.attach(inspecting=looker)
    told = (await added(gate)).json()
    assert looker.looked_at[0].credential.secret == "s3cr3t-token"
    assert told["server"]["url"] == "https://mcp.example.com/team/mcp?***"
    assert told["server"]["credential"] == {"kind": "bearer", "has_secret": True}
    assert (told["server"]["tenant"], told["server"]["changeable"], told["server"]["version"]) == ("acme", True, 1)
    found = told["inspection"]
    assert (found["era"], found["lists"][0]["tokens"], found["usable"]) == ("modern", 225, True)
    assert found["findings"] == [
        {"code": "slow", "severity": "warning", "message": "It is slow.", "hint": "Ask why.", "subject": ""}
    ]
    assert found["auth"]["authorization_servers"] == ["https://login.example.com"]


class OneRegistry:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def look_up(self, registry: str, name: str, /) -> Found:
        self.asked.append((registry, name))
        return Found(name=name, url="https://w.example/sse", transport="sse", title="Weather")


async def test_a_name_in_a_registry_is_looked_up_by_who_may_register_it_and_nobody_else(gate: Guarded) -> None:
    one = OneRegistry()
    gate.registry.attach(directory=one)
    order: dict[str, Json] = {"name": "w", "url": "com.example/weather", "look": False}
    refused = await gate.client.post("/api/servers", json=order, headers=gate.bearer("analyst"))
    assert (refused.status_code, one.asked) == (403, [])
    told = (await added(gate, order)).json()["server"]
    assert one.asked == [("https://registry.modelcontextprotocol.io", "com.example/weather")]
    assert (told["url"], told["transport"], told["title"]) == ("https://w.example/sse", "sse", "Weather")


async def test_looking_can_be_left_out_and_a_disabled_server_is_not_connected_to(gate: Guarded) -> None:
    looker = Looker()
    gate.registry.attach(inspecting=looker)
    told = await added(gate, {**ORDER, "look": False})
    also = await added(gate, {**ORDER, "name": "other", "enabled": False})
    assert told.json()["inspection"] is also.json()["inspection"] is None
    assert looker.looked_at == []


async def test_the_list_keeps_the_servers_behind_the_answers_and_adds_the_registered_ones(gate: Guarded) -> None:
    await added(gate)
    listed = (await gate.client.get("/api/servers", headers=gate.bearer("admin"))).json()
    assert {"servers", "health", "registered"} == set(listed)
    assert [one["name"] for one in listed["registered"]] == ["everyones", "github", "program"]
    assert {one["source"] for one in listed["registered"]} == {"file", "store"}


async def test_another_tenants_servers_look_as_if_they_were_not_there(gate: Guarded) -> None:
    await added(gate)
    await gate.client.post("/api/virtual-servers", json=SELECTION, headers=gate.bearer("admin"))
    other = gate.bearer("admin", tenant="other", subject="eve")
    listed = (await gate.client.get("/api/servers", headers=other)).json()["registered"]
    assert [one["name"] for one in listed] == ["everyones", "program"]
    missing = await gate.client.get("/api/servers/nowhere", headers=other)
    for method, path, body in [*EVERY_ACT, ("GET", "/api/servers/github", None), ("GET", "/api/virtual-servers/support", None)]:
        if path in ("/api/servers", "/api/virtual-servers"):
            continue
        reply = await gate.client.request(method, path, json=body, headers=other)
        assert (reply.status_code, code(reply)) == (404, "SERVER_NOT_FOUND"), (method, path)
        assert reply.json()["error"]["message"] == missing.json()["error"]["message"]
    assert (await gate.client.get("/api/servers/github", headers=gate.bearer("viewer"))).status_code == 200


async def test_whoever_may_only_see_a_server_is_told_neither_its_path_nor_its_credential(gate: Guarded) -> None:
    await added(gate)
    seen = (await gate.client.get("/api/servers/github", headers=gate.bearer("viewer"))).json()["server"]
    assert seen["url"] == "https://mcp.example.com"
    assert "credential" not in seen
    assert "created_by" not in seen
    assert seen["changeable"] is False


async def test_no_answer_and_no_line_of_the_trail_holds_a_secret(gate: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    gate.registry.attach(inspecting=Looker(), refreshing=Looker())
    admin, ops = gate.bearer("admin"), gate.bearer("admin", tenant="ops")
    replies = [await added(gate)]
    patch = {"url": "https://b.example/mcp?k=s3cr3t-2", "credential": {"kind": "header", "header": "X-Key", "secret": "s3cr3t-3"}}
    replies.append(await gate.client.patch("/api/servers/github", json=patch, headers=admin))
    virtual = {"name": "v", "tools": [{"server": "github", "tool": "t", "preset": {"password": "s3cr3t-4"}}]}
    made = await gate.client.post("/api/virtual-servers", json=virtual, headers=admin)
    assert made.json()["virtual_server"]["tools"][0]["preset"] == {"password": "s3cr3t-4"}
    bad = {
        **ORDER,
        "name": "bad",
        "credential": {"kind": "bearer", "secret": "s3cr3t\n"},
        "url": "https://u:s3cr3t@h/?s3cr3t#s3cr3t",
    }
    replies.append(await gate.client.post("/api/servers", json=bad, headers=admin))
    assert replies[-1].status_code == 400
    wrong: dict[str, Json] = {**ORDER, "credential": {"kind": "bearer", "secret": "s3cr3t", "s3cr": 1}, "command": "s3cr3t"}
    replies.append(await gate.client.post("/api/servers", json=wrong, headers=admin))
    assert replies[-1].status_code == 422
    for verb in ("test", "enable", "disable", "refresh"):
        replies.append(await gate.client.post(f"/api/servers/github/{verb}", headers=admin))
        assert replies[-1].status_code == 200
    for path in ("/api/servers", "/api/servers/github", "/api/servers/everyones", "/api/servers/program"):
        replies.append(await gate.client.get(path, headers=admin))
        replies.append(await gate.client.get(path, headers=ops))
    viewed = ("/api/virtual-servers", "/api/virtual-servers/v", "/api/virtual-servers/written")
    replies += [await gate.client.get(path, headers=gate.bearer("viewer")) for path in viewed]
    replies.append(await gate.client.get("/api/audit", headers=admin))
    assert [reply.text for reply in replies if "s3cr3t" in reply.text] == []
    assert [line for line in await gate.lines("acme") if "s3cr3t" in line] == []
    captured = capsys.readouterr()
    assert "s3cr3t" not in captured.out + captured.err


async def test_the_trail_says_what_was_changed(gate: Guarded) -> None:
    await added(gate)
    await gate.client.patch("/api/servers/github", json={"title": "New", "drift": "block"}, headers=gate.bearer("admin"))
    await gate.client.delete("/api/servers/github", headers=gate.bearer("admin"))
    lines = "\n".join(await gate.lines("acme"))
    for words in ("https://mcp.example.com/team/mcp", '\\"drift\\":\\"block\\"', '\\"remove\\":\\"github\\"'):
        assert words in lines, words


async def test_a_change_made_on_an_older_version_is_refused_and_says_the_newer(gate: Guarded) -> None:
    await added(gate)
    admin = gate.bearer("admin")
    first = await gate.client.patch("/api/servers/github", json={"title": "A", "expected_version": 1}, headers=admin)
    assert first.json()["server"]["version"] == 2
    late = await gate.client.patch("/api/servers/github", json={"title": "B", "expected_version": 1}, headers=admin)
    assert (late.status_code, code(late), late.json()["error"]["data"]["version"]) == (409, "SERVER_CHANGED", 2)
    removal = await gate.client.delete("/api/servers/github?expected_version=1", headers=admin)
    assert (removal.status_code, code(removal)) == (409, "SERVER_CHANGED")
    assert (await gate.client.get("/api/servers/github", headers=admin)).json()["server"]["title"] == "A"


async def test_what_is_left_out_of_a_change_stays_and_a_credential_can_be_taken_away(gate: Guarded) -> None:
    await added(gate)
    admin = gate.bearer("admin")
    await gate.client.patch("/api/servers/github", json={"title": "A"}, headers=admin)
    assert gate.registry.servers["github"].credential.secret == "s3cr3t-token"
    assert gate.registry.servers["github"].url.endswith("?api_key=s3cr3t-query")
    await gate.client.patch("/api/servers/github", json={"credential": {"kind": "none"}}, headers=admin)
    assert gate.registry.servers["github"].credential.kind == "none"


@pytest.mark.parametrize(
    "extra",
    [
        {"command": {"program": "/bin/sh", "arguments": ["-c", "id"]}},
        {"command": "/bin/sh"},
        {"args": ["-c"]},
        {"env": {"A": "b"}},
        {"transport": "stdio"},
        {"transport": "built_in"},
        {"source": "file"},
        {"version": 7},
        {"created_by": "root"},
    ],
    ids=str,
)
async def test_a_program_cannot_be_registered_over_the_network(gate: Guarded, extra: dict[str, Json]) -> None:
    reply = await gate.client.post("/api/servers", json={**ORDER, **extra}, headers=gate.bearer("admin"))
    assert (reply.status_code, code(reply)) == (422, "VALIDATION_ERROR")
    await added(gate)
    reply = await gate.client.patch("/api/servers/github", json=extra, headers=gate.bearer("admin"))
    assert reply.status_code == 422
    assert gate.registry.servers["github"].command is None


async def test_what_stands_in_the_file_is_changed_in_the_file(gate: Guarded) -> None:
    ops = gate.bearer("admin", tenant="ops")
    for method, path, body in [
        ("PATCH", "/api/servers/everyones", {"title": "x"}),
        ("DELETE", "/api/servers/everyones", None),
        ("POST", "/api/servers/everyones/disable", None),
        ("PATCH", "/api/virtual-servers/written", {"title": "x"}),
        ("DELETE", "/api/virtual-servers/written", None),
    ]:
        reply = await gate.client.request(method, path, json=body, headers=ops)
        assert (reply.status_code, code(reply)) == (409, "SERVER_WRITTEN_DOWN"), path


async def test_operators_make_servers_for_every_tenant_when_they_say_so_and_others_do_not(gate: Guarded) -> None:
    told = (await added(gate, {**ORDER, "name": "shared", "tenant": ""}, tenant="ops")).json()
    assert told["server"]["tenant"] == ""
    for name, said in (("ops-own", {"tenant": "ops"}), ("ops-too", {})):
        own = (await added(gate, {**ORDER, "name": name, **said}, tenant="ops")).json()
        assert own["server"]["tenant"] == "ops"
    refused = await gate.client.post("/api/servers", json={**ORDER, "tenant": ""}, headers=gate.bearer("admin"))
    assert (refused.status_code, code(refused)) == (400, "INVALID_SERVER")
    foreign = await gate.client.post("/api/servers", json={**ORDER, "tenant": "acme"}, headers=gate.bearer("admin", tenant="ops"))
    assert (foreign.status_code, code(foreign)) == (400, "INVALID_SERVER")
    change = await gate.client.patch("/api/servers/shared", json={"title": "mine"}, headers=gate.bearer("admin"))
    assert (change.status_code, code(change)) == (409, "SERVER_WRITTEN_DOWN")
    seen = (await gate.client.get("/api/servers/shared", headers=gate.bearer("admin"))).json()["server"]
    assert (seen["url"], "credential" in seen) == ("https://mcp.example.com", False)


async def test_a_name_is_taken_once_by_servers_and_virtual_servers_together(gate: Guarded) -> None:
    await added(gate)
    admin = gate.bearer("admin")
    for path, body in [
        ("/api/servers", ORDER),
        ("/api/servers", {**ORDER, "name": "everyones"}),
        ("/api/servers", {**ORDER, "name": "written"}),
        ("/api/virtual-servers", {**SELECTION, "name": "github"}),
        ("/api/virtual-servers", {**SELECTION, "name": "everyones"}),
    ]:
        reply = await gate.client.post(path, json=body, headers=admin)
        assert (reply.status_code, code(reply)) == (409, "SERVER_NAME_TAKEN")


async def test_a_server_in_use_is_removed_only_when_it_is_meant(gate: Guarded) -> None:
    await added(gate)
    admin = gate.bearer("admin")
    await gate.client.post("/api/virtual-servers", json=SELECTION, headers=admin)
    refused = await gate.client.delete("/api/servers/github", headers=admin)
    assert (refused.status_code, code(refused)) == (409, "SERVER_IN_USE")
    assert refused.json()["error"]["data"]["virtual_servers"] == ["support"]
    assert (await gate.client.delete("/api/servers/github?force=true", headers=admin)).json() == {"removed": "github"}


async def test_a_virtual_server_selects_nothing_of_another_tenant(gate: Guarded) -> None:
    await added(gate)
    other = gate.bearer("admin", tenant="other")
    reply = await gate.client.post("/api/virtual-servers", json=SELECTION, headers=other)
    nowhere = {**SELECTION, "tools": [{"server": "nowhere", "tool": "search"}]}
    missing = await gate.client.post("/api/virtual-servers", json=nowhere, headers=other)
    assert (reply.status_code, code(reply)) == (missing.status_code, code(missing)) == (400, "INVALID_SERVER")
    assert reply.json()["error"]["message"].replace("github", "nowhere") == missing.json()["error"]["message"]


async def test_a_virtual_server_is_made_changed_and_removed(gate: Guarded) -> None:
    await added(gate)
    admin = gate.bearer("admin")
    made = await gate.client.post("/api/virtual-servers", json=SELECTION, headers=admin)
    assert made.status_code == 201
    assert made.json()["virtual_server"]["tools"][0]["preset"] == {"owner": "acme"}
    change = {"instructions": "Be kind.\nBe quick.", "expected_version": 1}
    changed = await gate.client.patch("/api/virtual-servers/support", json=change, headers=admin)
    assert (changed.json()["virtual_server"]["version"], changed.json()["virtual_server"]["tools"][0]["tool"]) == (2, "search")
    viewed = (await gate.client.get("/api/virtual-servers/support", headers=gate.bearer("viewer"))).json()["virtual_server"]
    assert viewed["tools"][0]["preset"] == {"owner": "***"}
    assert (await gate.client.delete("/api/virtual-servers/support", headers=admin)).status_code == 200
    assert (await gate.client.get("/api/virtual-servers/support", headers=admin)).status_code == 404


async def test_refreshing_forgets_and_looks_again_and_testing_only_looks(gate: Guarded) -> None:
    looker = Looker()
    gate.registry.attach(inspecting=looker, refreshing=looker)
    await added(gate, {**ORDER, "look": False})
    admin = gate.bearer("admin")
    await gate.client.post("/api/servers/github/test", headers=admin)
    assert (looker.refreshed, len(looker.looked_at)) == ([], 1)
    await gate.client.post("/api/servers/github/refresh", headers=admin)
    assert (looker.refreshed, len(looker.looked_at)) == (["github"], 2)


@pytest.mark.parametrize(
    "name", ["", "A", "a b", "-a", "a-", "a" * 41, "ünïcode", "a\n", "../x", "gateway", "tables", "a/b", "a%2fb", "٣"]
)
async def test_names_that_are_none_are_refused(gate: Guarded, name: str) -> None:
    reply = await gate.client.post("/api/servers", json={**ORDER, "name": name}, headers=gate.bearer("admin"))
    assert reply.status_code in (400, 422)
    assert code(reply) in ("INVALID_SERVER", "VALIDATION_ERROR")


async def test_the_description_shows_how_to_register_one(gate: Guarded) -> None:
    described = (await gate.client.get("/openapi.json", headers=gate.bearer("admin"))).json()
    schema = described["components"]["schemas"]["ServerRequest"]
    assert schema["examples"][0]["name"] == "github"
    assert "command" not in schema["properties"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"v","tools":[{"server":"github","tool":"t","preset":{"a":"\\ud800"}}]}',
        b'{"name":"v","tools":[{"server":"github","tool":"t","preset":{"a":NaN}}]}',
        b'{"name":"v","tools":[{"server":"github","tool":"t","preset":{"a":1e999}}]}',
        b'{"name":"v","title":"\\ud800","resources":["github"]}',
        b'{"name":"v","resources":["\\ud800"]}',
        b'{"name":"v","tools":[{"server":"github","tool":"\\ud800"}]}',
    ],
)
async def test_what_json_cannot_say_again_is_refused_and_no_fault_of_ours(gate: Guarded, body: bytes) -> None:
    await added(gate)
    headers = {**gate.bearer("admin"), "Content-Type": "application/json"}
    reply = await gate.client.post("/api/virtual-servers", content=body, headers=headers)
    assert reply.status_code in (400, 422), reply.text
    assert (await gate.client.get("/api/virtual-servers", headers=headers)).status_code == 200
