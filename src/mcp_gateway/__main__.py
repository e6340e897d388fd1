"""The way in: `mcp-gateway` and `python -m mcp_gateway`.

Importing what a command needs takes a second and more. Ctrl-C in that while ends the process as the shell expects it, without a
word: half-imported modules have nothing to tidy, and much to complain about. `cli/endings.py` ends that while.
"""

import signal


def main() -> None:
    """Run the command line."""
    # Who started us may have had interrupts ignored; that stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mcp_gateway.cli import main as run  # noqa: PLC0415 - slow; see above

    run()


if __name__ == "__main__":
    main()
