"""Generated routers behind uvicorn, each with the world of its own tests behind it: `PORT STORE ROOT MODULE...`."""

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from mcp_gateway.kit.application import Kit

# No limit is what is looked at here.
NEVER_REACHED = 100_000


async def serve(port: int, store: str, root: Path, modules: list[str]) -> None:
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        kit = Kit(caller=import_module(f"tests.test_{modules[0]}").caller_of, redis_url=store, store_timeout_seconds=5)
        app = FastAPI(lifespan=kit.lifespan)
        kit.install(app)
        for module in modules:
            tests, router = import_module(f"tests.test_{module}"), import_module(f"backend.routers.{module}")
            folder = root / "worlds" / module
            folder.mkdir(parents=True)
            await stack.enter_async_context(tests.open_world(folder, patch))
            rules = vars(router).get("RULES", ())
            patch.setattr(router, "RULES", tuple(replace(rule, limit=NEVER_REACHED) for rule in rules), raising=False)
            app.include_router(router.router)
        config = uvicorn.Config(app, port=port, log_level="warning", access_log=False)
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    number, address, folder, *names = sys.argv[1:]
    sys.path[:0] = [folder, f"{folder}/src"]
    asyncio.run(serve(int(number), address, Path(folder), names))
