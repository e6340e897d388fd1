"""The golden questions on the demo shop, engine alone, through the whole pipeline: enough are right, and none is wrong."""

from pathlib import Path

import pytest
from bench.golden_shop import FOLDER, Outcome, ask_case, open_rows, open_shop, plain, read_cases, rows_agree

pytestmark = pytest.mark.anyio

SHARE_RIGHT = 0.95


async def test_the_engine_answers_the_shop_right_or_not_at_all(tmp_path: Path) -> None:
    outcomes: list[Outcome] = []
    async with open_shop(tmp_path) as (gateway, path):
        with open_rows(path) as shop:
            for place, case in enumerate(read_cases()):
                outcomes.append(await ask_case(gateway, shop, case, f"golden-{place}"))
    wrong = [
        f"{each.case.name}: {each.note} {each.answer.sql if each.answer else ''}" for each in outcomes if each.verdict == "wrong"
    ]
    assert wrong == []
    right = sum(1 for each in outcomes if each.verdict == "right")
    assert right >= SHARE_RIGHT * len(outcomes)


def test_there_are_questions_of_every_kind() -> None:
    cases = read_cases()
    answerable = [case for case in cases if case.sqls]
    assert len(answerable) >= 150
    assert sum(1 for case in cases if case.abstain) >= 30
    assert sum(1 for case in cases if len(case.asks) > 1) >= 20
    assert all(bool(case.sqls) != bool(case.abstain) for case in cases)
    assert len({case.name for case in cases}) == len(cases)
    assert len(list(FOLDER.glob("*.txt"))) >= 12


@pytest.mark.parametrize(
    ("expected", "actual", "ordered", "agree"),
    [
        ([("a", 1)], [("a", 1)], False, True),
        ([("a", 1)], [(1, "a")], False, True),
        ([("a",)], [("a", 7)], False, True),
        ([("a", 1)], [("a",)], False, False),
        ([("a",), ("b",)], [("b",), ("a",)], False, True),
        ([("a",), ("b",)], [("b",), ("a",)], True, False),
        ([("a",)], [("a",), ("a",)], False, False),
        ([(1, 2), (2, 1)], [(1, 1), (2, 2)], False, False),
        ([], [], True, True),
        ([], [("a",)], False, False),
    ],
)
def test_rows_agree_only_when_they_say_the_same(
    expected: list[tuple[object, ...]],
    actual: list[tuple[object, ...]],
    ordered: bool,  # noqa: FBT001 - a parameter of the table above
    agree: bool,  # noqa: FBT001
) -> None:
    rows = [[tuple(plain(cell) for cell in row) for row in side] for side in (expected, actual)]
    assert rows_agree(rows[0], rows[1], ordered=ordered) == agree
