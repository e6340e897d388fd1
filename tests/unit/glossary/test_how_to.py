"""Every file shown in docs/how-to/write-a-glossary.md is a glossary without a fault."""

import re
from pathlib import Path

import pytest

from mcp_gateway.glossary.load import parse_glossary

PAGE = (Path(__file__).parents[3] / "docs/how-to/write-a-glossary.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```(yaml|csv)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("kind", "content"), SHOWN)
def test_a_shown_file_is_accepted(kind: str, content: str) -> None:
    words = parse_glossary(Path(f"words.{kind}"), content.encode()).vocabulary
    assert words.terms


def test_the_page_shows_both_kinds_of_file() -> None:
    assert {kind for kind, _ in SHOWN} == {"yaml", "csv"}
