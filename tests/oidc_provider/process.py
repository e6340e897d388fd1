"""A real OpenID provider of our own, for tests: started, rotated, stopped, started again on the same port; and its users."""

import base64
import hashlib
import json
import re
import secrets
import select
import subprocess
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Self
from urllib.parse import parse_qs, urlsplit

import httpx2
from tests.oidc_provider.installation import NODE, installed_program

from mcp_gateway.core.errors import Json

STARTING_SECONDS = 30.0
TENANT_A = "aaaaaaaa-0000-4000-8000-000000000001"
TENANT_B = "bbbbbbbb-0000-4000-8000-000000000002"
AUDIENCE = "api://gateway"
DESKTOP_CALLBACK = "http://127.0.0.1:1/callback"


class OpenIdProviderProcess:
    """Listens on loopback. With `entra`, tokens have Entra's shape and issuers; without, they are plain RFC 9068."""

    def __init__(self, *, entra: bool = False, audiences: Sequence[str] = (AUDIENCE,)) -> None:
        self.entra = entra
        self._audiences = list(audiences)
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def issuer(self, tenant: str = TENANT_A) -> str:
        """As configured: the provider's own, or the tenant's (`organizations` for all) in Entra's shape."""
        return f"{self.url}/{tenant}/v2.0" if self.entra else self.url

    def start(self) -> None:
        """Start, or start again on the same port with new keys."""
        order = {"audiences": self._audiences, "entra": self.entra, "port": self.port}
        self._process = subprocess.Popen(
            [str(NODE), str(installed_program()), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        spoke, _, _ = select.select([self._process.stdout], [], [], STARTING_SECONDS)
        said = self._process.stdout.readline() if spoke else ""
        if not said:
            self.stop()
            raise RuntimeError("The OpenID provider of the tests did not start")
        self.port = json.loads(said)["port"]

    def stop(self) -> None:
        """End it; nothing happens when it is not running."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def rotate_keys(self) -> None:
        """New keys; tokens signed with the old ones are of a key nobody publishes."""
        httpx2.post(f"{self.url}/_test/rotate").raise_for_status()

    def program_token(self, *, audience: str = AUDIENCE) -> str:
        """A token a program gets for itself, without any person."""
        form = {"grant_type": "client_credentials", "resource": audience}
        return _token(httpx2.post(f"{self.url}/token", data=form, auth=("daemon", "daemon-secret")))

    def user_token(self, user: str, *, scope: str = "gateway.ask", audience: str = AUDIENCE) -> str:
        """A token a person's desktop client gets, by logging in as a browser does."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": "desktop",
            "response_type": "code",
            "redirect_uri": DESKTOP_CALLBACK,
            "scope": scope,
            "resource": audience,
            "state": "s",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        arrived = self.log_in(str(httpx2.URL(f"{self.url}/auth", params=query)), user)
        code = parse_qs(urlsplit(arrived).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "client_id": "desktop",
            "code": code,
            "redirect_uri": DESKTOP_CALLBACK,
            "code_verifier": verifier,
        }
        return _token(httpx2.post(f"{self.url}/token", data=form))

    def log_in(self, url: str, user: str) -> str:
        """Follow a login from the authorization address; the address the browser is sent to when it leaves the provider."""
        with httpx2.Client(follow_redirects=False) as browser:
            response = browser.get(url)
            for _ in range(12):
                if response.is_redirect:
                    target = str(response.url.join(response.headers["location"]))
                    if not target.startswith(self.url):
                        return target
                    response = browser.get(target)
                else:
                    action, fields = _filled_form(response, user)
                    response = browser.post(action, data=fields)
        raise RuntimeError("The login does not come to an end")


def _filled_form(response: httpx2.Response, user: str) -> tuple[str, Mapping[str, str]]:
    """Where the provider's login or consent form goes, and with what."""
    action = re.search(r'<form[^>]* action="([^"]+)"', response.text)
    if action is None:
        raise RuntimeError(f"The provider shows no form: {response.status_code} {response.text[:300]}")
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', response.text)
    fields = {name: unescape(value) for name, value in hidden}
    if 'name="login"' in response.text:
        fields |= {"login": user, "password": "any"}
    return str(response.url.join(unescape(action[1]))), fields


def _token(response: httpx2.Response) -> str:
    answer: Mapping[str, Json] = response.json()
    token = answer.get("access_token")
    if not isinstance(token, str):
        raise TypeError(f"The provider gives no token: {answer}")
    return token
