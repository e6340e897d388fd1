"""The HTTP API against its own description: whatever fits it, or nearly fits it, is never answered with a fault of ours."""

import subprocess
import sys
from pathlib import Path

from tests.depth import DEPTH, examples
from tests.programs import gateway

EXAMPLES = examples(5)
LONGEST_SECONDS = min(60.0, 12.0 * DEPTH)
LIMIT_SECONDS = 110.0


def test_no_request_makes_the_api_fail(tmp_path: Path) -> None:
    with gateway(tmp_path, {}) as program:
        # Its phase of covering values walks into a fault of Python 3.11's parser, so it is left out.
        done = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{program.url}/openapi.json"),
                *("--checks", "not_a_server_error", "--phases", "examples,fuzzing", "--max-examples", str(EXAMPLES)),
                *(
                    "--workers",
                    "1",
                    "--seed",
                    "1",
                    "--request-timeout",
                    "20",
                    "--max-time",
                    f"{LONGEST_SECONDS:g}",
                    "--no-shrink",
                    "--no-color",
                ),
                *("--generation-database", "none", "--warnings", "off"),
            ],
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode == 0, done.stdout[-4000:]
