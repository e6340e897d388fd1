"""A sample of the keys: which families there are, whether they expire, how large they are. Names and sizes only, no value.

A family is what a key is for: `rate_limit`, `cache:lists` (the kit's values of that cache, or the convention `cache:lists:…`),
else what stands before the first colon. Its tenants are not part of it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from mcp_gateway.adapters.deployment.redis_reading import SAMPLING_SECONDS, CarefulRedis
from mcp_gateway.diagnostics.caching.sample import KeySample, SampledKey
from mcp_gateway.kit.redis.wire import Reply

SCANS = 8
SCAN_COUNT = 300
MAX_LOOKED_AT = 56
MAX_FAMILIES = 12
MAX_SUSPECTS = 6
MAX_FREQUENCIES = 20
MAX_FAMILY_LETTERS = 60
MAX_NAMESPACES = 4
OTHER = "(other)"

_KIT = re.compile(r"cache:\{([^{}]{1,120})\}:[0-9a-f]{1,16}:([vlt]):([^:]{1,120}):")
_KIT_KINDS = {"v": "cache:", "l": "cache_lease:", "t": "cache_tag:"}
_KIT_OTHER = re.compile(r"cache:\{([^{}]{1,120})\}:")
_FAMILY = re.compile(r"[A-Za-z][\w.-]{0,40}", re.ASCII)


def family_of(key: str) -> str:
    """What a key is for."""
    if found := _KIT.match(key):
        return f"{_KIT_KINDS[found[2]]}{found[3]}"[:MAX_FAMILY_LETTERS]
    if _KIT_OTHER.match(key):
        return "cache_events" if ":events:" in key else "cache_members"
    first, colon, rest = key.partition(":")
    if not colon or not _FAMILY.fullmatch(first):
        return OTHER
    second = rest.partition(":")
    if first == "cache" and second[1] and _FAMILY.fullmatch(second[0]):
        return f"cache:{second[0]}"
    return first


def namespace_of(key: str) -> str | None:
    """The kit cache's namespace that a key belongs to."""
    found = _KIT_OTHER.match(key)
    return found[1] if found else None


async def sample_keys(redis: CarefulRedis, *, suspects: Sequence[bytes], frequencies: bool) -> KeySample:
    """`suspects`: keys to look at whatever the sample is, because a slow command named them. Raises as `CarefulRedis.ask`."""
    names, whole = await _scan(redis)
    families: dict[str, list[bytes]] = defaultdict(list)
    for name in names:
        families[family_of(name.decode("utf-8", "replace"))].append(name)
    chosen = list(dict.fromkeys([*suspects[:MAX_SUSPECTS], *_spread(families)]))
    spaces = {space for name in names if (space := namespace_of(name.decode("utf-8", "replace")))}
    return KeySample(
        keys=tuple(await _look_at(redis, chosen, frequencies=frequencies)),
        seen=len(names),
        whole=whole,
        families={family: len(found) for family, found in families.items()},
        namespaces=tuple(sorted(spaces)[:MAX_NAMESPACES]),
    )


async def _look_at(redis: CarefulRedis, names: list[bytes], *, frequencies: bool) -> list[SampledKey]:
    told = await redis.ask_each([words for name in names for words in (("PTTL", name), ("MEMORY", "USAGE", name))])
    times, sizes = told[::2], told[1::2]
    often = await redis.ask_each([("OBJECT", "FREQ", name) for name in names[:MAX_FREQUENCIES]]) if frequencies else []
    keys = []
    for name, left, size, frequency in zip_longest(names, times, sizes, often):
        if not isinstance(left, int) or left == -2:
            continue  # not asked, or gone meanwhile: nothing is known of when it would end
        shown = name.decode("utf-8", "replace")
        keys.append(
            SampledKey(
                key=shown,
                family=family_of(shown),
                ttl_seconds=left / 1000 if left >= 0 else None,
                size_bytes=size if isinstance(size, int) else 0,
                frequency=frequency if isinstance(frequency, int) else None,
            )
        )
    return keys


async def _scan(redis: CarefulRedis) -> tuple[list[bytes], bool]:
    """Names in the server's order, each once, and whether these are all."""
    names: dict[bytes, None] = {}
    cursor: Reply = b"0"
    for _ in range(SCANS):
        if redis.seconds_spent > SAMPLING_SECONDS / 2:
            break
        match await redis.ask("SCAN", cursor if isinstance(cursor, bytes) else b"0", "COUNT", SCAN_COUNT):
            case [bytes() as cursor, list() as found]:
                names.update(dict.fromkeys(name for name in found if isinstance(name, bytes)))
            case _:
                break
        if cursor == b"0":
            return list(names), True
    return list(names), False


def _spread(families: dict[str, list[bytes]]) -> Iterable[bytes]:
    """Some of each of the largest families, taking turns, so that a family of one key is seen beside one of a million."""
    largest = sorted(families.items(), key=lambda one: (-len(one[1]), one[0]))
    rarest = sorted(largest, key=lambda one: (len(one[1]), one[0]))[: MAX_FAMILIES // 2]
    lines = dict([*largest[:MAX_FAMILIES], *rarest])
    turns = [_evenly(found, MAX_LOOKED_AT) for found in lines.values()]
    chosen = [line[turn] for turn in range(MAX_LOOKED_AT) for line in turns if turn < len(line)]
    return chosen[: MAX_LOOKED_AT - MAX_SUSPECTS]


def _evenly(names: list[bytes], most: int) -> list[bytes]:
    step = max(1, len(names) // most)
    return names[::step][:most]
