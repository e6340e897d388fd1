"""Flags of a test service, set over HTTP and taken back when the context is left."""

import contextlib
from collections.abc import AsyncIterator, Mapping

import httpx

from mcp_gateway.core.errors import Json

WAIT_SECONDS = 5.0


@contextlib.asynccontextmanager
async def flagged(
    client: httpx.AsyncClient, url: str, flags: Mapping[str, Json], *, before: Mapping[str, Json]
) -> AsyncIterator[None]:
    """POST `flags` to `url`, and `before` at the end. Raises `httpx.HTTPError` when the service does not take them."""
    await _post(client, url, flags)
    try:
        yield
    finally:
        with contextlib.suppress(httpx.TransportError):  # it is gone, and its flags with it
            await _post(client, url, before)


async def _post(client: httpx.AsyncClient, url: str, flags: Mapping[str, Json]) -> None:
    (await client.post(url, json=dict(flags), timeout=WAIT_SECONDS)).raise_for_status()
