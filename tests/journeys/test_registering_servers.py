"""An engineer registers servers while two gateways run: what the one is told, clients of the other have a moment later."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest
from tests.programs import Program, folder_for, gateway, module

PATIENCE_SECONDS = 60.0
PREFIX = "io.modelcontextprotocol/"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Program]:
    with module("tests.upstreams.conformance_fixture", "--era", "modern") as program:
        yield program


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Program, Program]]:
    """Two processes over one store and one servers file."""
    with folder_for("registering") as folder, gateway(folder, {}) as one, gateway(folder, {}) as two:
        yield one, two


def api(at: Program, method: str, path: str, body: object = None) -> Any:
    reply = httpx2.request(method, f"{at.url}/api{path}", json=body, timeout=PATIENCE_SECONDS)
    assert reply.is_success, reply.text
    return reply.json()


def listed(at: Program, path: str = "/mcp") -> set[str]:
    """The tools a client of today sees there; none where there is nothing."""
    meta = {f"{PREFIX}protocolVersion": "2026-07-28", f"{PREFIX}clientCapabilities": {}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list", "accept": "application/json, text/event-stream"}
    reply = httpx2.post(f"{at.url}{path}", json=body, headers=headers, timeout=PATIENCE_SECONDS)
    message = json.loads(reply.text) if reply.text.startswith("{") else {}
    return {tool["name"] for tool in message.get("result", {}).get("tools", [])}


def until(true: Callable[[], bool]) -> None:
    end = monotonic() + PATIENCE_SECONDS
    while not true():
        assert monotonic() < end
        sleep(0.05)


def test_a_server_is_registered_offered_switched_off_and_removed_on_every_replica(
    upstream: Program, both: tuple[Program, Program]
) -> None:
    one, two = both
    order = {"name": "fixture", "url": f"{upstream.url}/mcp", "prefix": "fx_", "title": "Fixtures"}
    told = api(one, "POST", "/servers", order)
    found = told["inspection"]
    assert (found["era"], found["usable"], found["auth"]) == ("modern", True, None)
    assert {entry["kind"] for entry in found["lists"]} == {"tools", "prompts", "resources", "templates"}
    until(lambda: "fx_test_simple_text" in listed(two))
    assert "test_simple_text" in listed(two, "/servers/fixture/mcp")

    selection = {"name": "small", "tools": [{"server": "fixture", "tool": "test_simple_text", "name": "say"}]}
    api(two, "POST", "/virtual-servers", selection)
    until(lambda: listed(one, "/servers/small/mcp") == {"say"})

    api(two, "POST", "/servers/fixture/disable")
    until(lambda: "fx_test_simple_text" not in listed(one))
    api(one, "POST", "/servers/fixture/enable")
    until(lambda: "fx_test_simple_text" in listed(two))

    api(one, "PATCH", "/servers/fixture", {"prefix": "new_"})
    until(lambda: "new_test_simple_text" in listed(two) and "fx_test_simple_text" not in listed(two))

    api(one, "DELETE", "/virtual-servers/small")
    api(two, "DELETE", "/servers/fixture")
    until(lambda: "new_test_simple_text" not in listed(one))
    assert "Traceback" not in one.log() + two.log()


def test_a_server_that_is_down_is_registered_with_the_reason_and_offered_when_it_comes(both: tuple[Program, Program]) -> None:
    one, two = both
    late = module("tests.upstreams.conformance_fixture", "--era", "modern")
    told = api(one, "POST", "/servers", {"name": "late", "url": f"{late.url}/mcp", "prefix": "late_"})
    assert [(finding["code"], finding["severity"]) for finding in told["inspection"]["findings"]] == [
        ("upstream_unreachable", "error")
    ]
    with late:
        assert api(two, "POST", "/servers/late/test")["inspection"]["usable"]
        api(two, "POST", "/servers/late/refresh")
        until(lambda: "late_test_simple_text" in listed(one) and "late_test_simple_text" in listed(two))
    api(one, "DELETE", "/servers/late")


def test_the_servers_file_is_followed_and_a_faulty_one_changes_nothing(upstream: Program, both: tuple[Program, Program]) -> None:
    one, _ = both
    file = Path(one.environment["SERVERS_FILE"])
    said = json.loads(file.read_text(encoding="utf-8"))
    written = {**said, "servers": {"written": {"url": f"{upstream.url}/mcp", "prefix": "w_"}}}
    file.write_text(json.dumps(written), encoding="utf-8")
    until(lambda: "w_test_simple_text" in listed(one))
    file.write_text(json.dumps({**written, "servers": {"written": {"url": "nowhere"}}}), encoding="utf-8")
    until(lambda: "servers_file_refused" in one.log())
    assert "w_test_simple_text" in listed(one)
    file.write_text(json.dumps(said), encoding="utf-8")
    until(lambda: "w_test_simple_text" not in listed(one))
