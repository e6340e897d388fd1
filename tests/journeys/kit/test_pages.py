"""The examples on the kit's pages run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).resolve().parents[3] / "docs" / "kit").glob("*.md"))
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_there_are_pages_to_run() -> None:
    assert any(EXAMPLE.search(page.read_text(encoding="utf-8")) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_example_runs_by_itself(page: Path) -> None:
    for example in EXAMPLE.findall(page.read_text(encoding="utf-8")):
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", example], capture_output=True, text=True, timeout=30, check=False
        )
        assert run.returncode == 0, run.stderr
