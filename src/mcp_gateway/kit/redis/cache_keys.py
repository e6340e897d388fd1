"""The cache's keys and channels in Redis. All keys of one namespace share a hash tag, so they live in one slot of a cluster.

    cache:{NAMESPACE}:RUN:v:CACHE:TENANT:KEY    a value (hash: payload, fresh until, tags with their versions)
    cache:{NAMESPACE}:RUN:l:CACHE:TENANT:KEY    the lease to fill it (hash: token, who waits)
    cache:{NAMESPACE}:RUN:t:CACHE:TENANT:TAG    a tag's version
    cache:{NAMESPACE}:RUN:members               replicas and until when they trust their copies (hash)
    cache:{NAMESPACE}:events:CACHE              the latest invalidations (stream)
    channel cache_coherence:NAMESPACE           invalidations, to all
    channel cache_coherence:NAMESPACE:REPLICA   to one: "I have heard", "the lease you wait for has ended"

RUN is the server's run id: what a restart brings back from an old snapshot, or a failover from a late copy, is never read.
Every key expires.
"""

from mcp_gateway.kit.cache.ports import Invalidation, Place
from mcp_gateway.kit.keys import escape_part

_RUN_LETTERS = 16


class CacheKeys:
    """Names for one namespace at one run of the server."""

    __slots__ = ("channel", "members", "namespace", "prefix", "reply_prefix")

    def __init__(self, namespace: str, run_id: str) -> None:
        self.namespace = escape_part(namespace)
        self.prefix = f"cache:{{{self.namespace}}}:{run_id[:_RUN_LETTERS]}:"
        self.members = f"{self.prefix}members"
        self.channel = f"cache_coherence:{self.namespace}"
        self.reply_prefix = f"{self.channel}:"

    def entry(self, place: Place) -> tuple[str, str]:
        """Value and lease."""
        name = f"{escape_part(place.cache)}:{escape_part(place.tenant)}:{escape_part(place.key)}"
        return f"{self.prefix}v:{name}", f"{self.prefix}l:{name}"

    def tags(self, cache: str, tenant: str) -> str:
        """What stands before a tag, which is escaped already."""
        return f"{self.prefix}t:{escape_part(cache)}:{escape_part(tenant)}:"

    def ended_by(self, invalidation: Invalidation) -> list[str]:
        cache, tenant, keys, tags, _ = invalidation
        ended = [name for key in keys for name in self.entry(Place(cache, tenant, key))]
        if tags:
            before = self.tags(cache, tenant)
            ended += [before + tag for tag in tags]
        return ended

    def events(self, cache: str) -> str:
        return f"cache:{{{self.namespace}}}:events:{escape_part(cache)}"
