"""Where the server is and how to greet it, read from `redis://`, `rediss://` (TLS) or `unix://`."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from mcp_gateway.kit.errors import InvalidStoreUrl

DEFAULT_PORT = 6379


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """`path` is set for a Unix socket and empty otherwise; `tls` is None for a plain connection."""

    host: str = "localhost"
    port: int = DEFAULT_PORT
    path: str = ""
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None

    @property
    def shown(self) -> str:
        """For people and logs: without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.path or f"{host}:{self.port}/{self.database}"


def read_address(url: str) -> Address:
    """`redis[s]://[user:password@]host[:port][/database][?ssl_ca_certs=FILE]` or `unix://[user:password@]/path[?db=N]`.

    Raises `InvalidStoreUrl`, which never repeats the URL: it may hold a password.
    """
    try:
        url.encode()
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
        host = unquote(parts.hostname or "localhost")
        host.encode("idna")  # as it will be looked up
    except ValueError as error:
        raise InvalidStoreUrl from error
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unix = parts.scheme == "unix"
    if parts.scheme not in {"redis", "rediss", "unix"} or (unix and not parts.path):
        raise InvalidStoreUrl
    return Address(
        host=host,
        port=port,
        path=unquote(parts.path) if unix else "",
        database=_database(options.get("db") or ("" if unix else parts.path.strip("/"))),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=_tls(options) if parts.scheme == "rediss" else None,
    )


def _database(text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal():
        raise InvalidStoreUrl
    return int(text)


def _tls(options: dict[str, str]) -> ssl.SSLContext:
    """Certificates are always checked, against the system's authorities or `ssl_ca_certs`."""
    try:
        return ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    except OSError as error:
        raise InvalidStoreUrl("The file named by `ssl_ca_certs` cannot be read.") from error
