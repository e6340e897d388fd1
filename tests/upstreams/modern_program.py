"""The conformance fixture over stdio as a server of 2026-07-28 alone: handshakes are refused, all else is passed on.

`python -m tests.upstreams.modern_program COMMAND...`, where the command starts the fixture.
"""

import json
import subprocess
import sys
import threading

REFUSAL = {"code": -32022, "message": "Unsupported protocol version", "data": {"supported": ["2026-07-28"], "requested": ""}}


def main() -> None:
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as fixture:
        assert fixture.stdin is not None
        assert fixture.stdout is not None
        saying = threading.Lock()

        def say(line: bytes) -> None:
            with saying:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()

        def pass_back(lines: "subprocess.Popen[bytes]") -> None:
            for line in lines.stdout or ():
                say(line)

        threading.Thread(target=pass_back, args=(fixture,), daemon=True).start()
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if message.get("method") == "initialize":
                say(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": REFUSAL}).encode() + b"\n")
            else:
                fixture.stdin.write(line)
                fixture.stdin.flush()
        fixture.terminate()


if __name__ == "__main__":
    main()
