"""What stands around the gateway in these measurements: the upstream, nginx and FastMCP's proxy before it, and the gateway."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.gateway.load import GATEWAY_CPU, OTHERS_CPU
from tests.programs import Program, free_port, gateway, module, token

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
FASTMCP = "4.1.6"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcp-gateway-tests"
# Everything is on and nothing is ever refused: the limits are counted and far away.
FAR = {"LIMIT_READS_PER_MINUTE": "100000000", "LIMIT_QUESTIONS_PER_MINUTE": "100000000", "LOGIN": "required"}
_NGINX_CONFIGURATION = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream behind {{ {servers} keepalive 128; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_buffering off; {more}
    }}
  }}
}}
"""
_FASTMCP_PROXY = """
import sys
import uvicorn
from fastmcp.server import create_proxy

proxy = create_proxy({{"mcpServers": {{"up": {{"url": "{url}"}}}}}}, name="peer")
app = proxy.http_app(path="/mcp", stateless_http=True, json_response=True)
uvicorn.run(app, port={port}, loop="uvloop", http="httptools", log_level="error")
"""


def upstream(era: str = "both", *options: str) -> Program:
    return module("bench.gateway.upstream", "--era", era, *options, cpu=OTHERS_CPU)


def nginx(folder: Path, *servers: Program, cpu: int | None = GATEWAY_CPU, more: str = "") -> Program | None:
    """A reverse proxy before these; None where nginx is not installed. `more` are directives of its location."""
    if NGINX is None:
        return None
    port = free_port()
    named = " ".join(f"server 127.0.0.1:{one.port};" for one in servers)
    folder.mkdir(exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX_CONFIGURATION.format(folder=folder, servers=named, port=port, more=more), encoding="utf-8")
    # `-e`: what it has to say before it read its configuration.
    return Program([NGINX, "-e", str(folder / "error.log"), "-c", str(configuration)], port, cpu=cpu)


def fastmcp(folder: Path, behind: Program) -> Program | None:
    """FastMCP's proxy as its documentation recommends it, in an environment of its own; None where it cannot be installed."""
    python = fastmcp_python()
    if python is None:
        return None
    port = free_port()
    script = folder / "fastmcp_proxy.py"
    script.write_text(_FASTMCP_PROXY.format(url=f"{behind.url}/mcp", port=port), encoding="utf-8")
    return Program([str(python), str(script)], port, cpu=GATEWAY_CPU)


def fastmcp_python() -> Path | None:
    folder = CACHE / f"fastmcp-{FASTMCP}"
    python = folder / "bin" / "python"
    if not (folder / "bin" / "fastmcp").exists():
        uv = shutil.which("uv") or str(Path(__file__).resolve().parents[2] / ".tools" / "bin" / "uv")
        CACHE.mkdir(parents=True, exist_ok=True)
        # It asks for a newer certifi than it needs, which not every index has.
        over = CACHE / "fastmcp-overrides.txt"
        over.write_text("certifi>=2026.1\n", encoding="ascii")
        try:
            for command in (
                [uv, "venv", "--quiet", "--allow-existing", str(folder)],
                [uv, "pip", "install", "--quiet", "--override", str(over), "--python", str(python), f"fastmcp=={FASTMCP}"],
                [uv, "pip", "install", "--quiet", "--python", str(python), "uvicorn[standard]"],
            ):
                subprocess.run(command, check=True, capture_output=True, timeout=300)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return None
    return python


@contextlib.contextmanager
def guarded_gateway(folder: Path, behind: Program, *, name: str = "up") -> Iterator[tuple[Program, str]]:
    """The gateway as it is meant to run - login, policy, limits, trail and figures on - and a token for it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with gateway(folder, {name: f"{behind.url}/mcp"}, cpu=GATEWAY_CPU, environment=FAR) as program:
        yield program, token(program, role="admin")
