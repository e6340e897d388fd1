"""What links to servers of older eras share: the seal of waiting calls, and the environment of programs."""

import random
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from mcp_gateway.adapters.key_file import open_signing_key
from mcp_gateway.adapters.links.legacy.elsewhere import CallsElsewhere
from mcp_gateway.adapters.links.older import OlderEras, older_eras
from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.peers import Peers
from mcp_gateway.settings import Settings, process_environment

# Where things are found and how text is written; nothing that could be a secret.
_HANDED_ON: Final = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE")


@asynccontextmanager
async def open_older_eras(settings: Settings, *, clock: Clock, peers: Peers) -> AsyncIterator[OlderEras]:
    """`peers` are this process's replicas: a client may come back with an answer to another one than its call waits at."""
    older = older_eras(
        key=open_signing_key(settings.state_dir).private_bytes_raw(),
        replica=peers.replica,
        environment=_handed_on(process_environment()),
        clock=clock,
        random=random.random,
        random_bytes=secrets.token_bytes,
    )
    elsewhere = older.parked.elsewhere = CallsElsewhere(older.parked, peers)
    try:
        yield older
    finally:
        await elsewhere.close()
        await older.close()


def _handed_on(environment: Mapping[str, str]) -> Mapping[str, str]:
    return {name: environment[name] for name in _HANDED_ON if name in environment}
