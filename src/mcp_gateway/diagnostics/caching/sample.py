"""Some of the keys of a store: names, families, sizes and times to live. No values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import median

from mcp_gateway.diagnostics.signals.names import Names
from mcp_gateway.diagnostics.signals.snapshot import Reading, reading

MOST_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class SampledKey:
    """`ttl_seconds` None: it never expires. `frequency`: how often it is used, on the server's logarithmic scale, or None."""

    key: str
    family: str
    ttl_seconds: float | None
    size_bytes: int
    frequency: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySample:
    """`seen` names were listed, `families` says of which; `keys` were looked at. `whole`: there are no others."""

    keys: tuple[SampledKey, ...] = ()
    seen: int = 0
    whole: bool = False
    families: Mapping[str, int] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()

    def of(self, family: str) -> tuple[SampledKey, ...]:
        return tuple(one for one in self.keys if one.family == family)

    def shown_to(self, names: Names) -> "KeySample":
        """The same without the names this caller may not see."""
        return replace(
            self,
            keys=tuple(replace(one, key=names.key(one.key), family=names.family(one.family)) for one in self.keys),
            families={names.family(family): count for family, count in self.families.items()},
            namespaces=tuple(names.namespace(one) for one in self.namespaces),
        )

    def largest(self) -> tuple[SampledKey, ...]:
        """A few, the largest first."""
        return tuple(sorted(self.keys, key=lambda one: (-one.size_bytes, one.key))[:MOST_SHOWN])

    def signals(self, total_keys: float | None) -> tuple[Reading, ...]:
        """As the catalogue names them; `total_keys` of the database, None when unknown: then nothing is estimated."""
        found: list[Reading] = []
        for family in sorted(self.families):
            looked_at = self.of(family)
            if looked_at:
                found += self._family(family, looked_at, total_keys)
        found += [
            reading("redis.biggest_key_bytes", float(one.size_bytes), key=one.key, prefix=one.family) for one in self.largest()
        ]
        used = sorted((one for one in self.keys if one.frequency is not None), key=lambda one: (-(one.frequency or 0), one.key))
        found += [reading("redis.hot_key_frequency", float(one.frequency or 0), key=one.key) for one in used[:MOST_SHOWN]]
        return tuple(found)

    def _family(self, family: str, keys: tuple[SampledKey, ...], total: float | None) -> list[Reading]:
        lasting = sum(one.ttl_seconds is None for one in keys)
        times = [one.ttl_seconds for one in keys if one.ttl_seconds is not None]
        sizes = [one.size_bytes for one in keys]
        found = [
            reading("redis.sampled_keys", float(len(keys)), prefix=family),
            reading("redis.sampled_without_ttl", float(lasting), prefix=family),
            reading("redis.sampled_without_ttl_share", lasting / len(keys), prefix=family),
            reading("redis.sampled_bytes_p50", float(median(sizes)), prefix=family),
        ]
        if times:
            found.append(reading("redis.sampled_ttl_p50_seconds", round(median(times), 3), prefix=family))
        if total is not None and self.seen:
            count = self.families[family] * (1.0 if self.whole else max(1.0, total / self.seen))
            found.append(reading("redis.prefix_keys", round(count), prefix=family))
            found.append(reading("redis.prefix_bytes", round(count * sum(sizes) / len(sizes)), prefix=family))
        return found
