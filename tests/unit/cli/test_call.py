"""`call` and `diagnose`: the gateway's own tools from the command line, JSON in and out."""

import io
import json
from pathlib import Path

import pytest

from mcp_gateway.cli import main

OK, FAILED, USAGE, COULD_NOT_TELL = 0, 1, 2, 3


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("REDIS_URL", "BACKEND_ORCHESTRATOR_URL", "AI_ENGINE_URL", "DATABASE_URL"):
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
