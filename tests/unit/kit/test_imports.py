"""The kit loads what it is asked for and nothing else, and works where the rest is not installed."""

import subprocess
import sys

import pytest

# As if none of these were installed.
PROGRAM = """
import sys
for name in {hidden}:
    sys.modules[name] = None
import mcp_gateway.kit
{more}
loaded = sorted({{name.partition(".")[0] for name in sys.modules}} & {{{watched}}})
print(",".join(name for name in loaded if sys.modules[name] is not None))
"""
HEAVY = ("redis", "hiredis", "fastapi", "starlette", "prometheus_client", "pydantic", "mcp", "httpx", "sqlalchemy", "uvicorn")


def loaded_by(more: str, hidden: tuple[str, ...]) -> str:
    program = PROGRAM.format(hidden=hidden, more=more, watched=", ".join(repr(name) for name in HEAVY))
    run = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_the_kit_needs_neither_redis_nor_a_web_framework_nor_a_metrics_library() -> None:
    assert loaded_by("", HEAVY) == ""


@pytest.mark.parametrize(
    ("more", "needed"),
    [
        ("import mcp_gateway.kit.redis.limits, mcp_gateway.kit.redis.cache", {"hiredis"}),
        ("import mcp_gateway.kit.prometheus", {"prometheus_client"}),
    ],
)
def test_each_outside_part_needs_its_own_library_alone(more: str, needed: set[str]) -> None:
    found = loaded_by(more, tuple(name for name in HEAVY if name not in needed))
    assert set(found.split(",")) == needed
