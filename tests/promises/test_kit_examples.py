"""Every example in the pages of the kit and of its operation runs as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted((DOCS / "kit").glob("*.md"))
OPERATIONS = sorted((DOCS / "operations").glob("*.md"))
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    (page.stem, number, text)
    for page in (*PAGES, *OPERATIONS)
    for number, text in enumerate(EXAMPLE.findall(page.read_text("utf-8")), 1)
]


@pytest.mark.parametrize(("page", "number", "text"), EXAMPLES, ids=[f"{page}-{number}" for page, number, _ in EXAMPLES])
def test_an_example_runs(page: str, number: int, text: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    run = subprocess.run(
        [sys.executable, "-c", text], check=False, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment
    )
    assert run.returncode == 0, f"{page}.md, example {number}:\n{run.stderr}"


def test_every_page_but_the_index_has_an_example() -> None:
    without = {page.stem for page in PAGES} - {page for page, _, _ in EXAMPLES} - {"index"}
    assert not without
