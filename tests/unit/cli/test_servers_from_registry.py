"""`servers add NAME com.example/server`: the address comes from a registry, and packages never do."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mcp_gateway.cli import main

Run = Callable[..., tuple[int, str, str]]
KNOWN = {
    "com.example/weather": [
        {"type": "streamable-http", "url": "https://w.example/mcp", "headers": [{"name": "X-Key\u001b[2J", "isRequired": True}]}
    ],
    "com.example/package": [],
}


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.removeprefix("/v0.1/servers/").removesuffix("/versions/latest").replace("%2F", "/")
        server = {"name": name, "version": "2.0.0", "packages": [{"identifier": "x"}], "remotes": KNOWN.get(name)}
        body = json.dumps({"server": server}).encode()
        self.send_response(200 if name in KNOWN else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], registry: str) -> Run:
    (tmp_path / "servers.yaml").write_text(
        f"allowed_networks: [127.0.0.0/8]\nregistry: {{directory: '{registry}'}}\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("SERVERS_FILE", str(tmp_path / "servers.yaml"))
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def run_it(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["servers", *words])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run_it


def test_a_name_becomes_the_address_its_registry_has(run: Run, registry: str) -> None:
    code, _, err = run("add", "w", "com.example/weather", "--no-look")
    assert code == 0
    assert "2.0.0 at https://w.example" in err
    assert "It needs the header X-Key" not in err, "a name with control characters is no header"
    assert "\x1b" not in err
    assert json.loads(run("show", "w", "--json")[1])["url"] == "https://w.example/mcp"
    assert run("add", "w2", "com.example/weather", "--from-registry", registry, "--no-look")[0] == 0


@pytest.mark.parametrize(("name", "error"), [("com.example/package", "NO_REMOTE"), ("com.example/nothing", "NOT_IN_REGISTRY")])
def test_what_a_registry_has_no_address_for_is_not_registered(run: Run, name: str, error: str) -> None:
    code, _, err = run("add", "w", name, "--no-look")
    assert (code, error in err) == (1, True)
    assert run("show", "w")[0] == 1
