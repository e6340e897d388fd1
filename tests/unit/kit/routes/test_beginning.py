"""The application that a project begins with: it serves whoever has a token, and nobody else."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ASKING = """
import asyncio, json
import httpx
from backend.app import app

async def main():
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        sent = [
            {"Authorization": "Bearer let-me-in"},
            {"Authorization": "Bearer let-me-in", "X-Tenant-ID": "acme"},
            {"Authorization": "Bearer let-me-in", "X-Tenant-ID": "other"},
            {"Authorization": "Bearer wrong"},
            {"X-Tenant-ID": "acme"},
            {},
        ]
        told = [(await client.get("/api/products/", headers=headers)).status_code for headers in sent]
        health = (await client.get("/health")).json()
        print(json.dumps([*told, health["status"], *health["parts"]]))

asyncio.run(main())
"""


def test_it_serves_who_has_a_token_of_the_tenant_that_is_named_and_tells_its_health(project: Path, tmp_path: Path) -> None:
    tokens = {hashlib.sha256(b"let-me-in").hexdigest(): "acme"}
    environment = {
        **{name: value for name, value in os.environ.items() if name != "REDIS_URL"},
        "PYTHONPATH": os.fspath(project / "src"),
        "API_TOKENS": json.dumps(tokens),
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/things.db",
    }
    done = subprocess.run(
        [sys.executable, "-c", ASKING], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [200, 200, 403, 401, 401, 401, "healthy", "products", "orders"]
