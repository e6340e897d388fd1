"""Runs every measurement and writes docs/benchmarks.md: what each printed, and on what machine.

`python -m bench.all [--nl2sql DIRECTORY] [--only MODULE ...]`; the directory holds `questions/` and `databases/` for
`bench/nl2sql.py` and is no part of this repository. A measurement that fails is reported with the end of its output, and the
others still run. With `--only` the other sections stay as they are, each of which says how busy the machine was.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from mcp_gateway.core.clock import SystemClock

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "benchmarks.md"
LIMIT_SECONDS = 3_600
SHOWN_OF_FAILURE = 30
# A quarter of an hour; each fault once at two of its three strengths, each control once.
FAULTS = ("--strengths", "clear,mild", "--controls", "1")


@dataclass(frozen=True, slots=True)
class Measurement:
    """A module of this folder that can be run, and its options; `places` are options that name files of this machine."""

    title: str
    module: str
    options: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    @property
    def there(self) -> bool:
        path = ROOT / self.module.replace(".", "/")
        return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()

    @property
    def command(self) -> str:
        """For people."""
        return " ".join(("python -m", self.module, *self.options))


def main() -> int:
    options = _options()
    kept, failed = _written_before(), 0
    sections: list[str] = []
    for measurement in _measurements(options.nl2sql):
        if options.only and measurement.module not in options.only:
            sections.extend(text for title, text in kept.items() if title == measurement.title)
            continue
        print(f"== {measurement.title}", flush=True)
        text, ok = run(measurement)
        failed += not ok
        print(text, flush=True)
        sections.append(f"## {measurement.title}\n\n`{measurement.command}`\n\n{text.strip()}\n")
    sections.extend(text for title, text in kept.items() if not any(one.startswith(f"## {title}\n") for one in sections))
    REPORT.write_text("\n".join([_preface(), *sections]), encoding="utf-8")
    print(f"written: {REPORT.relative_to(ROOT)}")
    return 1 if failed else 0


def _written_before() -> dict[str, str]:
    """The sections of the report by title; none when there is no report."""
    if not REPORT.is_file():
        return {}
    _, *parts = REPORT.read_text(encoding="utf-8").split("\n## ")
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in parts}


def _measurements(nl2sql: Path | None) -> list[Measurement]:
    found = [
        Measurement("Speed and memory", "bench.ask"),
        Measurement("Golden questions on the demo shop", "bench.golden"),
        Measurement("Golden questions on small databases without a glossary", "bench.golden_elsewhere"),
        Measurement("Repair of broken SQL", "bench.recovery"),
        Measurement("Golden questions under rights, beside a database without the rest", "bench.golden_rights"),
        Measurement("Access: what knowing, deciding and writing down cost a request", "bench.auth"),
        Measurement("Rights over tables, columns and rows", "bench.access_data"),
        Measurement("Tokens: remembered and verified", "bench.access_tokens"),
        Measurement("Decisions: remembered and made anew", "bench.access_policy"),
        Measurement("The audit trail: a line, committed", "bench.audit"),
        Measurement("The MCP gateway: a call beside nginx and FastMCP's proxy", "bench.gateway.calls"),
        Measurement("The MCP gateway: clients and servers of different revisions", "bench.gateway.bridged"),
        Measurement("The MCP gateway: 1,000 servers", "bench.gateway.many_servers"),
        Measurement("The MCP gateway: 1,000 clients that listen", "bench.gateway.listeners"),
        Measurement("The MCP gateway: three replicas, one killed", "bench.gateway.replicas"),
        Measurement("Rate limits: speed beside the floor and other libraries", "bench.kit.limits"),
        Measurement("Rate limits: most in any window", "bench.kit.limits_exactness"),
        Measurement("What guarding a route costs", "bench.kit.route"),
        Measurement("A guarded route while its store is gone", "bench.kit.route_faults"),
        Measurement("The cache: hits, invalidation, stampedes", "bench.kit.cache"),
        Measurement("The cache: stale reads while everything breaks", "bench.kit.cache_history"),
        Measurement("Circuit breakers beside other libraries", "bench.kit.breaker"),
        Measurement("Adaptive concurrency on a simulated backend", "bench.kit.adaptive"),
        Measurement("The MCP gateway: what a call through a link costs beside other HTTP clients", "bench.gateway.clients"),
        Measurement("Diagnostics: what the analyses cost Redis", "bench.diagnostics_redis"),
        Measurement("Faults put into a real gateway, found and mended", "bench.faults", FAULTS),
        Measurement("Routers that are made: a sample put through everything", "bench.routes", ("--sample", "20")),
        Measurement("The validator: recall, precision, crashes, speed", "bench.patterns"),
    ]
    if nl2sql is not None:
        questions = tuple(str(path) for path in sorted((nl2sql / "questions").glob("*.jsonl")))
        predictions = str(Path(tempfile.gettempdir()) / "mcp-gateway-predictions.jsonl")
        options = ("--questions", *questions, "--databases", str(nl2sql / "databases"), "--predictions", predictions)
        found.append(Measurement("Public question sets", "bench.nl2sql", places=options))
    return [measurement for measurement in found if measurement.there]


def run(measurement: Measurement) -> tuple[str, bool]:
    """What it printed, and whether it ended well."""
    begun = perf_counter()
    try:
        ended = subprocess.run(  # noqa: S603 - our own scripts
            [sys.executable, "-m", measurement.module, *measurement.options, *measurement.places],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
            env={**os.environ, "LOG_LEVEL": "ERROR"},
        )
    except subprocess.TimeoutExpired:
        return f"Not finished within {LIMIT_SECONDS} s.", False
    if ended.returncode:
        lines = (ended.stdout + ended.stderr).splitlines()[-SHOWN_OF_FAILURE:]
        return "It failed:\n\n```\n" + "\n".join(lines) + "\n```", False
    text = ended.stdout.strip()
    shown = text if "|--" in text else f"```\n{text}\n```"
    load = f", load average {os.getloadavg()[0]:.1f} at its end" if hasattr(os, "getloadavg") else ""
    return f"{shown}\n\n(took {perf_counter() - begun:.0f} s{load})", True


def _preface() -> str:
    return (
        "# Measurements\n\n"
        "Written by `make bench`; every figure stands beside a baseline from the same run, because machines differ.\n\n"
        f"mcp-gateway {version('mcp-gateway')}, Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, {SystemClock().now().date().isoformat()}.\n"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="MODULE", help="measure these alone, such as bench.ask")
    parser.add_argument("--nl2sql", type=Path, help="directory with questions/ and databases/ of public sets")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
