"""Why something was answered, for whoever looks for what went wrong."""

import sys
from collections.abc import Iterable

from mcp_gateway.diagnostics.verdict import Hypothesis


def explain(hypotheses: Iterable[Hypothesis]) -> None:
    for one in hypotheses:
        print(f"      {one.cause} {one.confidence:.2f}: {one.why}", file=sys.stderr)
        for piece in (*one.supports, *one.against):
            print(f"          {piece.signal} {piece.value} usual {piece.baseline}", file=sys.stderr)
