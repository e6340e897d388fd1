"""The OpenID provider's program, beside its packages."""

import shutil
from pathlib import Path

from tests.npm_programs import NODE, fingerprint, installed

__all__ = ["NODE", "installed_program"]
HERE = Path(__file__).parent


def installed_program() -> Path:
    """Raises `NotInstalled`, which fails the tests: they must not pass unseen."""
    folder = installed(HERE)
    program = folder / f"provider-{fingerprint(HERE / 'provider.mjs')}.mjs"
    if not program.exists():
        shutil.copyfile(HERE / "provider.mjs", program)
    return program
