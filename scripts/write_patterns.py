"""Writes the rules into docs/operations/patterns.md from their cards; with --check says that it is out of date (exit 1)."""

import sys
from pathlib import Path

from mcp_gateway.kit.patterns.judge import VOID
from mcp_gateway.kit.patterns.model import RuleCard
from mcp_gateway.kit.patterns.rules.catalogue import RULES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "operations" / "patterns.md"
MEASURED = """\
On code it was not made with it is right less often than on the benchmark. Of its 79 findings in Netflix/dispatch (51 files with
routes; those about limits and repeated writes left out), read on 2026-11-22, 75 were right, which is 95 %. The 4 others
miss figures for webhooks whose routes are mounted at run time."""
MARK = "<!-- The rules below are written by scripts/write_patterns.py from their cards; edit there. -->"


def rules_part() -> str:
    """A table of all rules, then each with its reason, example and remedy."""
    cards = [*(rule.card for rule in RULES), VOID]
    rows = [
        f"| [{card.name}](#{card.name}) | {card.pattern} | {card.level} | {card.severity.word} | {card.title} |" for card in cards
    ]
    table = "\n".join(["| rule | pattern | from level | severity | finds |", "|---|---|---|---|---|", *rows])
    return f"{MARK}\n\n{MEASURED}\n\n{table}\n\n" + "\n".join(section(card) for card in cards)


def table_row(card: RuleCard) -> str:
    return f"| [{card.name}](#{card.name}) | {card.pattern} | {card.level} | {card.severity.word} | {card.title} |"


def section(card: RuleCard) -> str:
    fixable = " `--fix` mends what is safe.\n" if card.fixable else "\n"
    words = f"### {card.name}\n\n{card.reason} {card.remedy}{fixable}"
    return f"{words}\nFound:\n\n```text\n{card.bad}```\n\nPasses:\n\n```text\n{card.good}```\n"


def main() -> int:
    before = PAGE.read_text(encoding="utf-8")
    after = before.partition(MARK)[0] + rules_part()
    if "--check" in sys.argv:
        return 0 if before == after else 1
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
