"""A gateway that people log in at, and the ways in that its command line and its administrators give."""

import json
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.browser.gateway_process import GatewayProcess
from tests.warm.process import run


class GuardedGateway:
    """The process with a state of its own."""

    def __init__(self, cache_dir: Path, state_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self._state = {"STATE_DIR": str(state_dir), "LOGIN": "required"}
        self.process = GatewayProcess(cache_dir, self._state | dict(environment or {}))

    @property
    def url(self) -> str:
        return self.process.url

    def token(self, role: str, *, tenant: str = "local", subject: str = "ada") -> str:
        """As `mcp-gateway tokens issue` prints it."""
        arguments = ["tokens", "issue", "--tenant", tenant, "--subject", subject, "--role", role, "--expires", "1h"]
        done = run([sys.executable, "-m", "mcp_gateway", *arguments], environment=self._state | {"LOG_LEVEL": "ERROR"})
        assert done.returncode == 0, done.stderr
        return next(word for word in done.stdout.split() if word.count(".") == 2 and len(word) > 100)

    def link(self, role: str, *, subject: str = "ada") -> str:
        """A sign-in link, made by an administrator."""
        body = self.call("POST", "/api/login/link", self.token("admin", subject="root"), {"subject": subject, "roles": [role]})
        return str(body["link"])

    def call(self, method: str, path: str, token: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
        """One request as a program sends it."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.url.rstrip("/") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
            found: dict[str, object] = json.loads(response.read())
        return found
