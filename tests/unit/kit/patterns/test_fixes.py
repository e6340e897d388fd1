"""Mends: the file compiles, its finding is gone, every other byte stays; where that cannot be, nothing is changed."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_gateway.kit.patterns.edits import edits_between, with_edits
from mcp_gateway.kit.patterns.fixes import mend_file, write_mended
from mcp_gateway.kit.patterns.model import FileReport, Order
from mcp_gateway.kit.patterns.python.source import Unparsable, normal
from mcp_gateway.kit.patterns.rules.catalogue import BY_NAME, RULES
from mcp_gateway.kit.patterns.rules.examples import PREAMBLE
from mcp_gateway.kit.patterns.validate import validate

FIXABLE = tuple(rule.card.name for rule in RULES if rule.card.fixable)
HEAD = """\
import time
from typing import Annotated
from fastapi import APIRouter, Depends, HTTPException
from redis.asyncio import Redis
from mcp_gateway.kit.fastapi import Call, Guard, GuardedRoute
router = APIRouter(route_class=GuardedRoute)
"""
GET = '\n@router.get("/a")\nasync def a(redis: Redis, kw: dict, call: Annotated[Call, Depends(Guard("a"))]) -> str:\n'
SLEEPS = HEAD + GET + "    time.sleep(1)\n"


def judged(path: Path) -> tuple[Order, FileReport]:
    order = Order(root=path.parent, paths=(path,), level="production_ready")
    (report,) = validate(order).files
    return order, report


def mended(path: Path) -> bytes:
    order, report = judged(path)
    return mend_file(path, report.findings, order, path.name).after


def mended_text(tmp_path: Path, text: str) -> str:
    path = tmp_path / "router.py"
    path.write_bytes(text.encode())
    after = mended(path).decode()
    compile(after, "router.py", "exec")
    return after


@st.composite
def routers(draw: st.DrawFn) -> tuple[str, bytes]:
    """A rule's bad example among other code, its lines ended and its bytes laid out in some way."""
    name = draw(st.sampled_from(FIXABLE))
    bad = BY_NAME[name].card.bad.replace("        return None\n", "        pass  # why\n")
    before, after = (draw(st.sampled_from(("", "# café\n", 'WORDS = """one\n  two"""\n', "\f\nX = 1;  Y = 2\n"))) for _ in "ab")
    text = PREAMBLE + before + bad + after + "def last():\n\treturn 'kept'  # so"
    lines = [line + draw(st.sampled_from(("\n", "\r\n"))) for line in text.split("\n")]
    coded = draw(st.sampled_from(("utf-8", "utf-8-sig", "latin-1")))
    cookie = "# -*- coding: latin-1 -*-\n" if coded == "latin-1" else ""
    return name, (cookie + "".join(lines).removesuffix("\n").removesuffix("\r")).encode(coded)


@settings(max_examples=60, deadline=None)
@given(routers())
def test_a_mend_changes_its_lines_alone(tmp_path_factory: pytest.TempPathFactory, made: tuple[str, bytes]) -> None:
    name, data = made
    path = tmp_path_factory.mktemp("project") / "router.py"
    path.write_bytes(data)
    after = mended(path)
    compile(after, "router.py", "exec")
    old, new = data.splitlines(keepends=True), after.splitlines(keepends=True)
    added, gone = [one for one in new if one not in old], [one for one in old if one not in new]
    assert 1 <= len(added) <= 3
    assert len(gone) <= 2
    assert [one for one in new if one in old] == [one for one in old if one not in gone]
    path.write_bytes(after)
    assert name not in {one.rule for one in judged(path)[1].findings}


LINES = st.lists(st.text(alphabet="ab\f\x1c\u2028", max_size=3).flatmap(lambda one: st.sampled_from((one + "\n", one + "\r\n"))))
TEXTS = st.tuples(LINES, st.sampled_from(("", "a"))).map(lambda made: "".join(made[0]) + made[1])


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_edits_of_lines_make_one_text_of_the_other(before: str, after: str) -> None:
    edits = edits_between(normal(before), normal(after))
    assert with_edits(normal(before), edits) == normal(after)
    assert normal(with_edits(before, edits)) == normal(after)


@pytest.mark.parametrize("line", ["import asyncio_extra\nasyncio = None\n", "from x import *\n", "class asyncio: ...\n"])
def test_no_sleep_is_handed_to_something_else_of_that_name(line: str, tmp_path: Path) -> None:
    text = SLEEPS.replace("import time\n", f"import time\n{line}")
    assert mended_text(tmp_path, text) == text


def test_no_sleep_is_handed_to_a_parameter(tmp_path: Path) -> None:
    text = SLEEPS.replace("kw: dict", "asyncio: int")
    assert mended_text(tmp_path, text) == text


@pytest.mark.parametrize("line", ["import asyncio as aio\n", "from x import asyncioish\n", "import asyncio2\n"])
def test_what_is_needed_is_imported_whatever_sounds_like_it(line: str, tmp_path: Path) -> None:
    after = mended_text(tmp_path, SLEEPS.replace("import time\n", f"import time\n{line}"))
    assert after.startswith("import asyncio\nimport time\n")
    assert "    await asyncio.sleep(1)\n" in after


def test_an_import_stands_behind_what_has_to_be_first(tmp_path: Path) -> None:
    first = '"""Words."""\nfrom __future__ import annotations\n'
    after = mended_text(tmp_path, first + SLEEPS + '"""More words."""\n')
    assert after.startswith(first + "import asyncio\nimport time\n")


def test_what_is_imported_is_not_imported_again(tmp_path: Path) -> None:
    assert mended_text(tmp_path, "import asyncio, json\n" + SLEEPS).count("import asyncio") == 1


@pytest.mark.parametrize(
    "body",
    [
        "    def inner():\n        time.sleep(1)\n    inner()\n",
        "    f = lambda: time.sleep(1)\n    f()\n",
        "    g = list(time.sleep(x) for x in range(3))\n",
        "    x = time.sleep(1) or 2\n",
    ],
)
def test_a_sleep_that_cannot_simply_wait_stays_and_is_no_promise(body: str, tmp_path: Path) -> None:
    assert mended_text(tmp_path, HEAD + GET + body) == HEAD + GET + body
    assert {one.mend for one in judged(tmp_path / "router.py")[1].findings if one.rule == "blocking-in-async"} <= {""}


def test_several_of_a_file_are_mended_at_once(tmp_path: Path) -> None:
    after = mended_text(tmp_path, HEAD + GET + "    time.sleep(1)\n    time.sleep(2)\n")
    assert after.endswith("    await asyncio.sleep(1)\n    await asyncio.sleep(2)\n")


@pytest.mark.parametrize(
    ("handler", "kept"),
    [
        ("    except OSError:\n        raise {}\n", "    except OSError as error:\n        raise {} from error\n"),
        ("    except OSError as e:\n        raise {}\n", "    except OSError as e:\n        raise {} from e\n"),
        ("    except* OSError:\n        raise {}\n", None),
        ("    except OSError:\n        def later():\n            raise {}\n        later()\n", None),
        ("    except OSError as e:\n        e = 1\n        raise {}\n", None),
        ("    except:\n        raise {}\n", None),
    ],
)
def test_a_cause_is_kept_where_there_is_one(handler: str, kept: str | None, tmp_path: Path) -> None:
    text = HEAD + GET + "    try:\n        work()\n" + handler.format('HTTPException(502, detail="no")')
    expected = (
        text if kept is None else text.replace(handler.format(raised := 'HTTPException(502, detail="no")'), kept.format(raised))
    )
    assert mended_text(tmp_path, text) == expected


def test_a_name_of_the_function_is_not_taken_for_the_cause(tmp_path: Path) -> None:
    body = (
        '    error = "fine"\n    try:\n        work()\n    except OSError:\n        raise HTTPException(502)\n    return error\n'
    )
    after = mended_text(tmp_path, HEAD + GET + body)
    assert "except OSError as cause:\n        raise HTTPException(502) from cause\n" in after


@pytest.mark.parametrize("arguments", ['"c", 1, nx=True', '"c", 1, **kw', "*kw", '"c", 1, None', '"c", 1, px=None'])
def test_an_entry_of_which_more_is_said_gets_no_end(arguments: str, tmp_path: Path) -> None:
    text = HEAD + GET + f"    await redis.set({arguments})\n"
    assert mended_text(tmp_path, text) == text


def test_words_in_an_empty_handler_stay(tmp_path: Path) -> None:
    body = "    try:\n        work()\n    except Exception:\n        # keep\n        pass  # and this\n"
    assert mended_text(tmp_path, HEAD + GET + body).endswith("        # keep\n        raise  # and this\n")


def test_an_object_that_carries_the_error_keeps_its_shape(tmp_path: Path) -> None:
    body = "    try:\n        work()\n    except OSError as e:\n        raise HTTPException(502, detail=str(e)[:9]) from e\n"
    assert mended_text(tmp_path, HEAD + GET + body) == HEAD + GET + body


def test_what_was_changed_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "router.py"
    path.write_text(SLEEPS)
    order, report = judged(path)
    change = mend_file(path, report.findings, order, path.name)
    path.write_text("mine = 1\n")
    assert not write_mended(change, tmp_path)
    assert path.read_text() == "mine = 1\n"
    assert [one.name for one in tmp_path.iterdir()] == ["router.py"]


def test_a_mended_file_keeps_its_rights_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text(SLEEPS)
    (tmp_path / "real.txt").chmod(0o640)
    link = tmp_path / "router.py"
    link.symlink_to("real.txt")
    order, report = judged(link)
    assert write_mended(mend_file(link, report.findings, order, link.name), tmp_path)
    assert link.is_symlink()
    assert "await asyncio.sleep" in (tmp_path / "real.txt").read_text()
    assert (tmp_path / "real.txt").stat().st_mode & 0o777 == 0o640


def test_nothing_outside_of_the_project_is_written(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside.py"
    project.mkdir()
    outside.write_text(SLEEPS)
    order, report = judged(outside)
    (project / "router.py").symlink_to(outside)
    with pytest.raises(Unparsable, match="outside of the project"):
        write_mended(mend_file(project / "router.py", report.findings, order, "router.py"), project)
    assert outside.read_text() == SLEEPS


def test_a_pipe_is_said_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "router.py").write_text(SLEEPS)
    report = validate(Order(root=tmp_path, paths=(tmp_path,)))
    assert [(one.file, one.why) for one in report.unreadable] == [("pipe.py", "not a regular file")]
    assert [one.file for one in report.files] == ["router.py"]


@pytest.mark.parametrize("coding", ["undefined", "punycode", "idna", "utf-7", "rot13", "zip", "unknown-9"])
def test_an_encoding_that_is_none_for_source_is_said(coding: str, tmp_path: Path) -> None:
    (tmp_path / "router.py").write_text(f"# coding: {coding}\n{SLEEPS}")
    (tmp_path / "other.py").write_text(SLEEPS)
    report = validate(Order(root=tmp_path, paths=(tmp_path,)))
    assert [one.file for one in report.unreadable] == ["router.py"]
    assert "encoding" in report.unreadable[0].why
    assert [one.file for one in report.files] == ["other.py"]


@pytest.mark.parametrize("deep", ["[" * 90 + "]" * 90, " and ".join("a" * 20_000)])
def test_what_would_end_the_process_is_left_alone(deep: str, tmp_path: Path) -> None:
    text = f"{SLEEPS}x = {deep}\n"
    assert mended_text(tmp_path, text) == text
