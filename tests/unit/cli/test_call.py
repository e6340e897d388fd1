"""`call` and `diagnose`: the gateway's own tools from the command line, JSON in and out."""

import contextlib
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mcp_gateway.cli import main

OK, FAILED, USAGE, COULD_NOT_TELL = 0, 1, 2, 3


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "REDIS_URL",
        "BACKEND_ORCHESTRATOR_URL",
        "BACKEND_ORCHESTRATOR_TOKEN",
        "AI_ENGINE_URL",
        "AI_ENGINE_TOKEN",
        "DATABASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    try:
        main(list(arguments))
    except SystemExit as ended:
        return int(ended.code or 0), capsys.readouterr().out
    raise AssertionError("a command ends")


def test_a_tool_prints_its_result_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = ran(capsys, "call", "generate_enterprise_router", '{"router_name": "products"}')
    assert code == OK
    assert json.loads(out)["router_name"] == "products"


def test_arguments_come_from_standard_input_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"router_name": "orders", "operations": ["list"]}'))
    code, out = ran(capsys, "call", "generate_enterprise_router", "-")
    assert code == OK
    assert json.loads(out)["operations"] == ["list"]


@pytest.mark.parametrize(
    ("tool", "arguments", "error"),
    [
        ("generate_enterprise_router", '{"router_name": "../etc"}', "INVALID_ROUTER_ORDER"),
        ("generate_enterprise_router", "[]", "INVALID_INPUT"),
        ("generate_enterprise_router", "{", "INVALID_INPUT"),
        ("no_such_tool", "{}", "UNKNOWN_OWN_TOOL"),
        ("validate_enterprise_patterns", '{"router_path": "../../etc/passwd"}', "OUTSIDE_PROJECT"),
    ],
)
def test_what_goes_wrong_is_json_too_and_ends_with_one(
    capsys: pytest.CaptureFixture[str], tool: str, arguments: str, error: str
) -> None:
    code, out = ran(capsys, "call", tool, arguments)
    assert code == FAILED
    assert json.loads(out)["error"]["code"] == error


def test_a_member_of_the_result_is_compared_as_a_whole_and_not_searched_for(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("call", "test_ai_engine_integration", '{"test_type": "connectivity"}', "--expect")
    assert ran(capsys, *arguments, "overall_status=could_not_tell")[0] == OK
    assert ran(capsys, *arguments, "overall_status=tell")[0] == FAILED
    assert ran(capsys, *arguments, "overall_status")[0] == USAGE


def test_routers_of_the_named_project_are_judged(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    routers = tmp_path / "src" / "backend" / "routers"
    routers.mkdir(parents=True)
    (routers / "orders.py").write_text(
        'from fastapi import APIRouter\nrouter = APIRouter()\n@router.get("/")\nasync def all_of_them():\n    return []\n'
    )
    code, out = ran(capsys, "call", "validate_enterprise_patterns", '{"router_path": "orders.py"}', "--project", str(tmp_path))
    judged = json.loads(out)
    assert code == OK
    assert judged["files_validated"] == 1
    assert {one["file"] for one in judged["issues_found"]} == {"src/backend/routers/orders.py"}


@pytest.mark.parametrize("text", ["(" * 5_000, "-" * 50_000 + "1", "\0", "x = " + "+".join(["1"] * 20_000)])
def test_code_that_breaks_whoever_parses_it_breaks_nothing_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    hostile = {"code": "from fastapi import APIRouter\nrouter = APIRouter()\n" + text}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(hostile)))
    _, out = ran(capsys, "call", "validate_enterprise_patterns", "-")
    told = json.loads(out)
    assert told.get("unreadable") or told["error"]["code"] == "NOT_JUDGED"


def test_what_nobody_may_look_at_cannot_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = ran(capsys, "diagnose", "--json")
    assert code == COULD_NOT_TELL
    assert json.loads(out)["verdict"] == "could_not_tell"


def test_a_gateway_nobody_answers_for_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = ran(capsys, "diagnose", "--gateway", "http://127.0.0.1:9", "--engine", "http://127.0.0.1:9")
    assert code == FAILED
    assert "The gateway at 127.0.0.1:9 refuses the connection" in out


def test_a_person_gets_lines_and_a_program_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("call", "test_ai_engine_integration", '{"test_type": "cache"}')
    told = "could not tell  (0/0)\n· cache integration\n    No store is configured: set REDIS_URL.\n"
    assert ran(capsys, *arguments, "--text") == (OK, told)
    monkeypatch.setattr("mcp_gateway.cli.calling.at_a_terminal", lambda: True)
    assert ran(capsys, *arguments) == (OK, told)
    assert json.loads(ran(capsys, *arguments, "--json")[1])["pass_rate"] == "0/0"


def test_a_person_is_told_what_went_wrong_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = ran(capsys, "call", "validate_enterprise_patterns", '{"router_path": "../../etc/passwd"}', "--text")
    assert code == FAILED
    assert (
        out == "This path leads out of the project's folder.\nName a file or folder below the project's folder, without `..`.\n"
    )


@contextlib.contextmanager
def engine_with_a_door(token: str) -> Iterator[str]:
    """An engine that answers whoever brings this token."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            let_in = self.headers.get("Authorization") == f"Bearer {token}"
            body = b'{"status": "healthy", "reply": "here"}' if let_in or self.path == "/health" else b"{}"
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(200 if len(body) > len(b"{}") else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815  (the library's names)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  (the library's name)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_token_for_the_engine_is_taken_from_its_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ('{"test_type": "performance"}', "--expect", "overall_status=all_pass")
    with engine_with_a_door("let-me-in") as url:
        kept_out = ran(capsys, "call", "test_ai_engine_integration", *order, "--engine", url)
        monkeypatch.setenv("AI_ENGINE_TOKEN", "let-me-in")
        let_in = ran(capsys, "call", "test_ai_engine_integration", *order, "--engine", url)
    assert (kept_out[0], json.loads(kept_out[1])["overall_status"]) == (FAILED, "incomplete")
    assert "set AI_ENGINE_TOKEN" in kept_out[1]
    assert (let_in[0], json.loads(let_in[1])["overall_status"]) == (OK, "all_pass")
    assert "let-me-in" not in let_in[1]


def test_calling_an_operations_tool_loads_neither_databases_nor_servers() -> None:
    loaded = "print(*{'duckdb', 'sqlalchemy', 'sqlglot', 'mcp', 'fastapi'} & {*sys.modules})"
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys, mcp_gateway.cli.calling; {loaded}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout == "\n"
