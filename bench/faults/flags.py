"""What a replica of the rig can be told: its builds' mistakes and its configuration. A new process begins without any."""

from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Defaults are a healthy build.

    `keys_without_ttl`: counting keys a request leaves behind. `cache_seconds`: how long lists are fresh. `catalog_near`: keep the
    catalog in the process too. `deaf`: the invalidation channel is not heard. `scripts_by_id`: a limiter that never sends its
    script's text. `engine_url`, `store_url`: "" is as configured. `pool_size`: connections to the engine; 0 as built.
    `leak_every`: every so many chats a connection stays behind. `keep_bytes`: memory a chat leaves behind.
    `follow_allocations`: Python follows them. `block_seconds`: the loop stands still so long in a share `block_share` of chats.
    `clock_seconds`: this machine's clock is ahead. `breaker`: mode of the engine's breaker.
    """

    keys_without_ttl: int = 0
    cache_seconds: float = 12.0
    catalog_near: bool = False
    deaf: bool = False
    scripts_by_id: bool = False
    engine_url: str = ""
    store_url: str = ""
    pool_size: int = 0
    leak_every: int = 0
    keep_bytes: int = 0
    follow_allocations: bool = False
    block_seconds: float = 0.0
    block_share: float = 1.0
    clock_seconds: float = 0.0
    breaker: str = "automatic"

    def changed(self, told: dict[str, Any]) -> "Flags":
        """Raises `ValueError` for a flag there is not."""
        known = {field.name for field in fields(self)}
        if unknown := told.keys() - known:
            raise ValueError(f"no such flags: {sorted(unknown)}")
        return replace(self, **told)
