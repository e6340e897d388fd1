"""The page about the validator tells every rule as its card does."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_the_page_is_written_from_the_cards() -> None:
    run = subprocess.run([sys.executable, "scripts/write_patterns.py", "--check"], cwd=ROOT, check=False, timeout=60)
    assert run.returncode == 0, "run scripts/write_patterns.py"


def test_the_validator_loads_libcst_for_fixes_alone() -> None:
    program = "import sys, mcp_gateway.cli.patterns; assert not {'libcst', 'fastapi', 'redis', 'mcp'} & set(sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
