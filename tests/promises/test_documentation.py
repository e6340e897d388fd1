"""What a user can see is documented, and the documentation's links and promises hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def test_every_setting_command_tool_and_error_code_is_in_the_reference() -> None:
    script = str(ROOT / "scripts" / "write_reference.py")
    run = subprocess.run([sys.executable, script, "--check"], check=False, capture_output=True, text=True, timeout=110)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    missing = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / target).exists()]
    assert not missing


def test_decisions_are_numbered_once_and_without_gaps() -> None:
    numbers = [int(page.name[:4]) for page in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_file_the_how_to_pages_name_exists() -> None:
    named = {
        found
        for page in PAGES
        for found in re.findall(r"`((?:src|docs|examples|scripts|tests|bench)/[\w./-]+\.\w+)`", page.read_text(encoding="utf-8"))
    }
    assert not {name for name in named if not (ROOT / name).exists()}
