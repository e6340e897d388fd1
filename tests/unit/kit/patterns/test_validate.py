"""What is read, what is followed, what is hostile, and what stays the same when lines move."""

import sys
from pathlib import Path
from types import FrameType

import pytest

from mcp_gateway.kit.patterns.errors import PatternPathNotFound
from mcp_gateway.kit.patterns.index import find_router
from mcp_gateway.kit.patterns.model import Level, Order, Severity
from mcp_gateway.kit.patterns.python.source import Unparsable
from mcp_gateway.kit.patterns.suppressions import read_suppressions
from mcp_gateway.kit.patterns.validate import validate, validate_source

BARE = """\
from fastapi import APIRouter

router = APIRouter()


@router.get("/items/{item}")
async def read_item(item: str) -> dict[str, str]:
    return {"item": item}
"""

NEWER = """

type Name = str


def first[T](values: list[T]) -> T:
    try:
        return values[0]
    except IndexError, KeyError:
        raise
"""


def order(root: Path, level: Level = "basic") -> Order:
    return Order(root=root, paths=(root,), level=level)


def rules_of(text: str, root: Path) -> list[str]:
    return sorted(one.rule for one in validate_source(text, order(root)).findings if one.suppressed is None)


def test_files_without_routes_are_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("x = 1\n")
    (tmp_path / "router.py").write_text(BARE)
    report = validate(order(tmp_path))
    assert ([one.file for one in report.files], report.skipped) == (["router.py"], 1)


def test_a_file_that_is_no_python_is_told_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("from fastapi import APIRouter\ndef (:\n")
    (tmp_path / "deep.py").write_text("# fastapi\nx = " + "(" * 5_000 + ")" * 5_000 + "\n")
    (tmp_path / "other.py").write_bytes(b"# -*- coding: nonsense -*-\nimport fastapi\n")
    report = validate(order(tmp_path))
    assert [one.file for one in report.unreadable] == ["bad.py", "deep.py", "other.py"]


def test_newer_syntax_is_read_with_its_lines(tmp_path: Path) -> None:
    newer = BARE + NEWER
    report = validate_source(newer, order(tmp_path))
    assert {one.place.line for one in report.findings} == {7}
    with pytest.raises(Unparsable):
        validate_source("def (:", order(tmp_path))


@pytest.mark.parametrize(
    "newer",
    [
        'f"{kept["item"]}"',
        'f"-{\n    kept(\n        1,\n    )\n}"',
        'f"{\'\\n\'.join(kept)} {{as}} \\N{EM DASH} \\""',
        'f"{kept["item"]:>{kept["width"]}}" + "f{not[" + rf"\\d{kept["b"]}"',
        'f"{\n    kept  # and "why"\n}"',
        'f"""{kept["item"]} "said" {item}""" + f"{kept["item"]}"',
    ],
)
def test_texts_of_newer_pythons_are_read_with_their_lines(newer: str, tmp_path: Path) -> None:
    report = validate_source(f"# it's\nkept = {{}}\ntold = {newer}\n{BARE}", order(tmp_path))
    assert {one.place.line for one in report.findings} == {10 + newer.count("\n")}


@pytest.mark.parametrize(
    "newer", ['f"{', 'f"{a["b"]', 'f"' + "{f'" * 50, "f'''{" + "[" * 5_000, "class A[\n", "type X[" * 2_000, 'f"{a:{"']
)
def test_newer_syntax_without_an_end_is_told(newer: str, tmp_path: Path) -> None:
    with pytest.raises(Unparsable):
        validate_source(newer, order(tmp_path))


def test_types_over_several_lines_are_read(tmp_path: Path) -> None:
    newer = "class Kept[\n    A: (int, str),\n    *B,\n](dict[A, B]):\n    pass\n\ntype Pair[A] = tuple[\n    A, A\n]\n"
    assert {one.place.line for one in validate_source(newer + BARE, order(tmp_path)).findings} == {16}


def test_a_suppression_with_a_reason_holds(tmp_path: Path) -> None:
    text = BARE.replace(
        "async def", "# patterns: allow rate-limit-missing, tenant-missing: the partner network limits at its edge\nasync def"
    )
    report = validate_source(text, order(tmp_path))
    assert {one.suppressed for one in report.findings} == {"the partner network limits at its edge"}
    assert report.score == 1.0


@pytest.mark.parametrize(
    "comment",
    ["# patterns: allow rate-limit-missing", "# patterns: allow rate-limit-missing: ok", "# patterns: allow: because so"],
)
def test_a_suppression_without_a_reason_holds_for_nothing(comment: str, tmp_path: Path) -> None:
    text = BARE.replace("async def", f"{comment}\nasync def")
    assert rules_of(text, tmp_path) == ["rate-limit-missing", "suppression-void", "tenant-missing"]


@pytest.mark.parametrize("comment", [f"# patterns: allow{' ' * 100_000}!", "# patterns: allow x: reason enough\n" * 20_000])
def test_comments_cost_what_they_are_long(comment: str) -> None:
    assert {one.line for one in read_suppressions(f"{comment}\nx = 1\n")} <= {20_002}


def test_a_text_that_looks_like_a_suppression_is_none(tmp_path: Path) -> None:
    text = BARE.replace('{"item": item}', '{"item": "# patterns: allow rate-limit-missing: not a comment"}')
    assert "rate-limit-missing" in rules_of(text, tmp_path)


def test_fingerprints_stay_when_lines_move(tmp_path: Path) -> None:
    before = [one.fingerprint for one in validate_source(BARE, order(tmp_path)).findings]
    after = [one.fingerprint for one in validate_source("# moved\n\n\n" + BARE, order(tmp_path)).findings]
    assert before == after
    assert len(set(before)) == len(before)


def test_places_count_characters_not_bytes(tmp_path: Path) -> None:
    text = BARE.replace("    return", '    é = "ä"; print(é)\n    return')
    found = [
        one
        for one in validate_source(text, Order(root=tmp_path, paths=(), level="comprehensive")).findings
        if one.rule == "log-unstructured"
    ]
    assert [(one.place.line, one.place.column) for one in found] == [(8, 14)]


def test_severities_and_names_of_the_project_count(tmp_path: Path) -> None:
    text = BARE.replace("APIRouter()", "APIRouter(dependencies=[Depends(guarded_by_edge)])").replace(
        "import APIRouter", "import APIRouter, Depends\nfrom edge import guarded_by_edge"
    )
    asked = Order(
        root=tmp_path, paths=(), level="basic", limiters=("guarded_by_edge",), severities={"tenant-missing": Severity.LOW}
    )
    assert [(one.rule, one.severity) for one in validate_source(text, asked).findings] == [("tenant-missing", Severity.LOW)]
    off = Order(root=tmp_path, paths=(), level="basic", severities={"tenant-missing": None, "rate-limit-missing": None})
    assert validate_source(BARE, off).findings == ()


def test_a_router_is_found_by_the_end_of_its_path(tmp_path: Path) -> None:
    (tmp_path / "src" / "routers").mkdir(parents=True)
    (tmp_path / "src" / "routers" / "products.py").write_text(BARE)
    assert find_router(tmp_path, "products.py") == find_router(tmp_path, "routers/products.py")
    for name in ("nothing.py", "../secret.py", "/etc/passwd"):
        with pytest.raises(PatternPathNotFound):
            find_router(tmp_path, name)


def test_nothing_of_what_is_checked_runs(tmp_path: Path) -> None:
    (tmp_path / "router.py").write_text(BARE + f"\nopen({str(tmp_path / 'ran')!r}, 'w').close()\n")
    validate(order(tmp_path))
    assert not (tmp_path / "ran").exists()


def test_tests_are_neither_judged_nor_believed_about_mountings(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    for name in ("tests/app.py", "test_router.py", "conftest.py"):
        (tmp_path / name).write_text(BARE)
    assert validate(order(tmp_path)).files == ()


def test_a_link_that_leads_out_of_the_project_is_not_read(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret.py").write_text(BARE)
    (project / "linked.py").symlink_to(tmp_path / "secret.py")
    report = validate(Order(root=project, paths=(project,), level="basic"))
    assert [one.why for one in report.unreadable] == ["a link that leads out of the project"]
    assert report.files == ()


def calls_to_judge(paths: int, root: Path) -> int:
    """How many functions of ours are called to judge one handler under so many paths: a measure of work that knows no clock."""
    decorators = "".join(f'@router.get("/x{number}")\n' for number in range(paths))
    (root / "many.py").write_text(BARE.replace('@router.get("/items/{item}")\n', decorators))
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        validate(order(root, "production_ready"))
    finally:
        sys.setprofile(None)
    return calls


def test_a_handler_under_four_times_as_many_paths_is_four_times_the_work(tmp_path: Path) -> None:
    few, many = calls_to_judge(100, tmp_path), calls_to_judge(400, tmp_path)
    assert many < 5 * few
