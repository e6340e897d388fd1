"""The gateway's own store: what `DATABASE_URL` names, or a file in the state directory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.adapters.sql.engine import open_store
from mcp_gateway.settings import Settings

STORE_FILE = "gateway.db"
OWNER_ONLY = 0o700


@asynccontextmanager
async def open_own_store(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Raises `InvalidStoreUrl` and `StoreUnavailable`."""
    async with open_store(settings.database_url or _embedded_url(settings.state_dir)) as engine:
        yield engine


def _embedded_url(state_dir: Path) -> str:
    state_dir.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    return f"sqlite:///{state_dir / STORE_FILE}"
