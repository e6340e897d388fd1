"""`python -S borrowed.py ADDRESS MODULE ARGUMENTS...`: a program whose work a process forked off by `warm.server` does.

For programs that the product itself starts. Its streams are the forked one's own; each of the two ends with the other.
"""

import json
import os
import socket
import sys


def main(address: str, module: str, *arguments: str) -> int:
    order = {"module": module, "arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109 - pathlib takes longer to import than all of this
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.connect(address)
        socket.send_fds(line, [json.dumps(order).encode()], [0, 1, 2])
        for stream in (0, 1, 2):
            os.close(stream)
        status = line.recv(1)
    return status[0] if status else 1


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
