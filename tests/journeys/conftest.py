"""Today's demo shop, made once, and the whole application over it, in process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from mcp_gateway.asgi.application import Application, open_application
from mcp_gateway.asgi.serving import Listeners, open_listeners_near
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.settings import Settings, load_settings
from mcp_gateway.wiring.demo import DemoShop, prepare_demo


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def shop(cache_dir: Path) -> DemoShop:
    return prepare_demo(cache_dir, today=SystemClock().now().date())


def over(shop: DemoShop, cache_dir: Path) -> Settings:
    return load_settings(
        {
            "tables_url": str(shop.database),
            "glossary_file": shop.glossary,
            "cache_dir": cache_dir,
            "log_level": "ERROR",
            "login": "none",
        }
    )


@pytest.fixture
def settings(shop: DemoShop, cache_dir: Path) -> Settings:
    return over(shop, cache_dir)


@asynccontextmanager
async def open_served(settings: Settings) -> AsyncIterator[tuple[Application, httpx.AsyncClient, Listeners]]:
    """The application, a client that calls it in process, and the sockets it would listen on."""
    listeners = open_listeners_near("127.0.0.1", 0)
    try:
        async with open_application(settings, clock=SystemClock(), listeners=listeners) as application:
            transport = httpx.ASGITransport(application.main)
            async with httpx.AsyncClient(transport=transport, base_url=listeners.url, timeout=60) as client:
                yield application, client, listeners
    finally:
        listeners.close()


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with open_served(settings) as (_, opened, _listeners):
        yield opened
