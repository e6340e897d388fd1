"""How long tests look for what nobody thought of. `TEST_DEPTH=20` looks twenty times as long as every change is looked at."""

import os

DEPTH = float(os.environ.get("TEST_DEPTH", "1"))


def examples(usual: int) -> int:
    """How many are tried, where so many are every time."""
    return max(1, round(usual * DEPTH))
