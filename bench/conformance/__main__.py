"""Conformance through the gateway beside the upstream itself; writes docs/gateway/conformance.md and .json.

`python -m bench.conformance [--check] [--clients REVISION ...] [--upstreams ERA ...] [--paths PATH ...]`. With `--check` nothing
is written, and the exit status says whether all verdicts are as expected. It needs the npm registry once.
"""

import argparse
import sys
from pathlib import Path

from bench.conformance import expectations
from bench.conformance.pairings import CLIENTS, ERAS, compare
from bench.conformance.report import as_json, page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "gateway"
PATHS = ("/mcp", "/servers/fixture/mcp")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is expected, and write nothing")
    parser.add_argument("--clients", nargs="+", default=CLIENTS, choices=CLIENTS)
    parser.add_argument("--upstreams", nargs="+", default=ERAS, choices=ERAS)
    parser.add_argument("--paths", nargs="+", default=PATHS)
    options = parser.parse_args()
    outcome = compare(options.clients, options.upstreams, options.paths)
    expected = expectations.read()
    for pairing, verdicts in outcome.through.items():
        passed = sum(one.state in ("pass", "warn") for one in verdicts.values())
        failed = sum(one.state == "fail" for one in verdicts.values())
        print(f"{pairing}: {passed} passed, {failed} failed")
    wrong = expectations.judge(outcome, expected)
    print("\n".join(wrong) or "every verdict is as expected")
    if not options.check:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "conformance.md").write_text(page(outcome, expected), encoding="utf-8")
        (FOLDER / "conformance.json").write_text(as_json(outcome), encoding="utf-8")
        print(f"written: {FOLDER}/conformance.md and conformance.json")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
