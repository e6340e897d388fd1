"""Why the cache answers less: values that live too briefly, lost invalidations, keys read too often, values too large."""

import math

from mcp_gateway.diagnostics.causes.case import Case, sign
from mcp_gateway.diagnostics.causes.comparing import FEWEST, LIVE, either, fell, larger, neither, rose, slower, store_lines
from mcp_gateway.diagnostics.causes.redis_health import command_share, used_more
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.diagnostics.verdict import Hypothesis

READS, TTL = "gateway.cache_reads_total", "redis.sampled_ttl_p50_seconds"
HITS = ("near_hit", "shared_hit", "stale")
# Below this share of all reads no key is hot, whatever is usual.
HOT = 0.2
LEAST_READS, LEAST_HITS = 50, 15
# Above this share of the usual time left, values live as long as ever.
AS_LONG = 0.8
# So many keys of one prefix within a sample are many; a value is large that is so many times the size of such.
MANY, FAR_LARGER = 10, 4.0
# So many standard deviations of a share are not chance.
HITS_DEVIATIONS = 3.0
# Below this share of the usual reads, a cache answers fewer of them whatever its times are.
READ_AS_USUAL = 0.6
# Each call of a command costs so many times what is usual: not the noise of a busy processor.
DEARER = 4.0
# Commands that return a whole value, whose cost is the value's size.
WHOLE_VALUES = ("hgetall", "get", "smembers", "lrange", "zrange", "hvals", "hkeys", "mget", "hmget")


def ttl_too_short(window: Window) -> Hypothesis:
    """Values are gone because their time is over, not for want of room: expiries rise, evictions do not."""
    case = Case(window, "cache_ttl_too_short", "cache", "Cached values live too briefly")
    expired = either(_more_expire(window), *(_ttl_fell(window, one) for one in _cached(window)))
    case.must(
        expired,
        sign("redis.expired_keys_total"),
        *(sign(TTL, prefix=one) for one in _cached(window)),
        but="Values expire no sooner than usual.",
    )
    case.must(hits_fell(window), sign("gateway.cache_hit_share"), but="The cache answers as large a share of reads as usual.")
    stored = [f"cache:{one}" for one, fewer in _fewer_hits(window).items() if fewer]
    if stored and all(_lives_as_usual(window, one) for one in stored):
        case.must(False, *(sign(TTL, prefix=one) for one in stored), but="What it stores has as much time left as usual.")
    case.must(
        neither(rose(window, "redis.evicted_keys_total", least=5)),
        sign("redis.evicted_keys_total"),
        but="Keys are thrown out for room.",
    )
    case.must(_store_answers(window), sign("gateway.limit_away_total"), but="The store does not answer, so nothing is kept.")
    reads = window.ratio(READS)
    case.must(
        None if reads is None else reads > READ_AS_USUAL,
        sign(READS),
        but="Far less is read than usual, so that values are over before anybody asks for them again.",
    )
    case.may(rose(window, READS, factor=1.3, outcome="miss"), sign(READS, outcome="miss"))
    return case.concluded("Fewer reads are answered from the cache while more values expire and none is evicted.")


def invalidations_lost(window: Window) -> Hypothesis:
    """A replica that does not hear the channel trusts nothing near, and is waited for until its membership ends."""
    channel = _channel_with_fewer(window)
    case = Case(
        window, "invalidations_lost", f"channel {channel}" if channel else "cache", "A replica does not hear invalidations"
    )
    case.must(
        bool(channel) if window.knows("redis.subscribers") else None,
        sign("redis.subscribers", channel=channel),
        but="As many as usual listen to the channel of invalidations.",
    )
    case.must(_store_answers(window), sign("redis.up"), but="The store does not answer at all.")
    lines = store_lines(window)
    case.must(
        min(lines) == LIVE if lines else None,
        sign("gateway.store_state"),
        but="A replica has no line to the store now, and hears nothing for that reason.",
    )
    near, waits = _less_near(window), slower(window, "gateway.cache_invalidation_p95_ms", factor=3)
    case.must(
        either(near, waits),
        sign(READS, outcome="near_hit"),
        sign("gateway.cache_invalidation_p95_ms"),
        but="Near copies are trusted as usual, and invalidations are acknowledged as soon.",
    )
    return case.concluded(
        "Fewer listen to the channel of invalidations than usual, so near copies are not trusted and invalidations wait."
    )


def hot_key(window: Window) -> Hypothesis:
    """One key takes most reads of the store."""
    shares = window.by("redis.hot_key_share", "key")
    key = next(iter(shares), "")
    case = Case(window, "hot_key", f"key {key}" if key else "redis", "One key gets most of the reads")
    usual = window.baseline("redis.hot_key_share")
    case.must(
        None if not key or usual is None or _few_reads(window) else shares[key] > 2.2 * usual and shares[key] > HOT,
        sign("redis.hot_key_share", key=key),
        but="Reads are spread over the keys as usual.",
    )
    if (grown := _values_grew(window)) is not None:
        case.must(not grown, sign("redis.biggest_key_bytes"), but="It is its size, not how often it is read.")
    case.may(rose(window, "redis.keyspace_hits_total", factor=1.3), sign("redis.keyspace_hits_total"))
    return case.concluded("One key takes a share of the store's reads that is several times what is usual for any.")


def big_key(window: Window) -> Hypothesis:
    """A value so large that each read of it holds the server and fills the line."""
    command = _dearest(window)
    grown, slow = _values_grew(window), _slow_read(window)
    key = next(iter(window.by("redis.biggest_key_bytes", "key")), "") if grown else ""
    read = command or slow
    component = f"key {key}" if key else f"keys read by {read.upper()}" if read else "redis"
    case = Case(window, "big_key", component, "A value is far larger than any other")
    # A list of all keys is long, and whatever is read beside it seems slow.
    walking, _ = command_share(window)
    walked = bool(walking) and used_more(window, walking) is True
    sent = None if walked else rose(window, "redis.net_output_bytes_total", factor=2.0, least=100_000)
    told = (command and slow) if walked else slow or (command and sent)
    case.must(
        either(grown, True if told else None),
        sign("redis.biggest_key_bytes", key=key),
        sign("redis.slowlog_ms", command=slow),
        sign("redis.command_usec_total", command=command),
        but="No value is much larger than usual.",
    )
    case.must(
        either(sent, bool(command)),
        sign("redis.net_output_bytes_total"),
        but="Reading values costs the store no more than usual.",
    )
    return case.concluded("A value has become many times larger than any was, and reading it costs the store accordingly.")


def _dearest(window: Window) -> str:
    """The command returning whole values that costs the server several times what it did for each call; empty: none."""
    costs = {one: cost for one in WHOLE_VALUES if (cost := usec_per_call(window, one)) is not None and cost > DEARER}
    return max(costs, key=lambda one: (costs[one], one), default="")


def hits_fell(window: Window) -> bool | None:
    """Whether any cache answers a clearly smaller share of its reads than usual."""
    fewer = _fewer_hits(window)
    return either(*fewer.values()) if fewer else None


def _fewer_hits(window: Window) -> dict[str, bool | None]:
    """The same of each cache; None of those that were read too little."""
    told: dict[str, bool | None] = {}
    for cache in window.labels(READS, "cache"):
        now, usual = window.value("gateway.cache_hit_share", cache=cache), window.baseline("gateway.cache_hit_share", cache=cache)
        reads = sum(window.change(READS, cache=cache, outcome=one) or 0.0 for one in (*HITS, "miss", "load_through"))
        told[cache] = None
        if now is not None and usual is not None and reads >= LEAST_HITS:
            told[cache] = now < 0.8 * usual and _beyond_chance(now, usual, reads)
    return told


def _beyond_chance(now: float, usual: float, reads: float) -> bool:
    """Whether a share of so many reads is lower than usual by more than such a share varies."""
    return usual - now > HITS_DEVIATIONS * math.sqrt(max(usual * (1 - usual), 0.01) / reads)


def _few_reads(window: Window) -> bool:
    """Whether so little was read of the store that one key of many would stand out by chance."""
    reads = [window.change(f"redis.keyspace_{one}_total") for one in ("hits", "misses")]
    known = [one for one in reads if one is not None]
    return bool(known) and sum(known) < LEAST_READS


def usec_per_call(window: Window, command: str) -> float | None:
    """What a command costs the server, over what is usual; None when unknown."""
    calls, usec = (
        window.change("redis.command_calls_total", command=command),
        window.change("redis.command_usec_total", command=command),
    )
    usual_calls = window.baseline("redis.command_calls_total", of="change", command=command)
    usual_usec = window.baseline("redis.command_usec_total", of="change", command=command)
    if not calls or usec is None or not usual_calls or not usual_usec or calls < 5:
        return None
    return (usec / calls) / (usual_usec / usual_calls)


def _values_grew(window: Window) -> bool | None:
    """Whether a value is far larger than any was, and than those that there are many of."""
    many = [one for one, keys in window.by("redis.sampled_keys", "prefix", of="value").items() if keys >= MANY]
    common = max((window.value("redis.sampled_bytes_p50", prefix=one) or 0.0 for one in many), default=0.0)
    return larger(window, "redis.biggest_key_bytes", factor=8, least=FAR_LARGER * common)


def _slow_read(window: Window) -> str:
    """A command in the slow log that returns whole values; empty when there is none."""
    return next((one for one in WHOLE_VALUES if (window.value("redis.slowlog_recent", command=one) or 0.0) >= 2), "")


def _cached(window: Window) -> tuple[str, ...]:
    """Families of cached values; not those by which caches speak with each other."""
    return tuple(one for one in window.labels(TTL, "prefix") if one == "cache" or one.startswith("cache:"))


def _ttl_fell(window: Window, prefix: str) -> bool | None:
    ratio = _time_left(window, prefix)
    return None if ratio is None else ratio < 0.4


def _lives_as_usual(window: Window, prefix: str) -> bool:
    ratio = _time_left(window, prefix)
    return ratio is not None and ratio > AS_LONG


def _more_expire(window: Window) -> bool | None:
    """None where nothing ever expired while all was well: then it was too short a time to know."""
    usual = window.baseline("redis.expired_keys_total", of="change")
    return rose(window, "redis.expired_keys_total", factor=1.5) if usual else None


def _time_left(window: Window, prefix: str) -> float | None:
    """Over what is usual; None when it is not known, or of too few keys."""
    sampled = window.value("redis.sampled_keys", prefix=prefix)
    return None if sampled is not None and sampled < FEWEST else window.ratio(TTL, prefix=prefix)


def _less_near(window: Window) -> bool | None:
    return fell(window, READS, to=0.75, outcome="near_hit")


def _channel_with_fewer(window: Window) -> str:
    for channel in window.labels("redis.subscribers", "channel"):
        now, usual = window.value("redis.subscribers", channel=channel), window.baseline("redis.subscribers", channel=channel)
        if now is not None and usual is not None and now < usual - 0.5:
            return channel
    return ""


def _store_answers(window: Window) -> bool | None:
    up = window.value("redis.up")
    away = rose(window, "gateway.limit_away_total", least=10)
    return None if up is None and away is None else up != 0 and not away
