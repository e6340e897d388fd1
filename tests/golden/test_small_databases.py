"""Small databases such as newcomers bring, without a glossary: most questions are answered, and none is answered wrongly."""

from pathlib import Path

import pytest
from bench.golden_elsewhere import ask_all, databases

pytestmark = pytest.mark.anyio

SHARE_RIGHT = 0.75


@pytest.mark.parametrize("name", databases())
async def test_the_engine_answers_a_database_it_never_saw_right_or_not_at_all(name: str, tmp_path: Path) -> None:
    outcomes = await ask_all(name, tmp_path)
    wrong = [
        f"{each.case.name}: {each.note} {each.answer.sql if each.answer else ''}" for each in outcomes if each.verdict == "wrong"
    ]
    assert wrong == []
    assert sum(1 for each in outcomes if each.verdict == "right") >= SHARE_RIGHT * len(outcomes)
