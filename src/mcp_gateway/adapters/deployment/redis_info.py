"""What INFO says, as signals. A hostile server may say anything: what is no number where one belongs is left out."""

import re
from collections.abc import Iterator

from mcp_gateway.diagnostics.signals.snapshot import Reading, reading

SECTIONS = (
    "server",
    "clients",
    "memory",
    "persistence",
    "stats",
    "cpu",
    "commandstats",
    "latencystats",
    "errorstats",
    "keyspace",
)
MAX_COMMANDS = 150
MAX_ERRORS = 50
MAX_LETTERS = 60

# A field of INFO that is a signal as it stands.
_NUMBERS = {
    "uptime_in_seconds": "redis.uptime_seconds",
    "loading": "redis.loading",
    "used_memory": "redis.used_memory_bytes",
    "maxmemory": "redis.maxmemory_bytes",
    "mem_fragmentation_ratio": "redis.fragmentation",
    "evicted_keys": "redis.evicted_keys_total",
    "expired_keys": "redis.expired_keys_total",
    "keyspace_hits": "redis.keyspace_hits_total",
    "keyspace_misses": "redis.keyspace_misses_total",
    "connected_clients": "redis.clients",
    "maxclients": "redis.maxclients",
    "blocked_clients": "redis.blocked_clients",
    "rejected_connections": "redis.rejected_connections_total",
    "total_net_input_bytes": "redis.net_input_bytes_total",
    "total_net_output_bytes": "redis.net_output_bytes_total",
    "number_of_cached_scripts": "redis.cached_scripts",
}
_WORDS = {"run_id": "redis.run_id", "maxmemory_policy": "redis.maxmemory_policy"}
_VERSIONS = ("valkey_version", "redis_version")
_NAME = re.compile(r"[a-z0-9_|.:-]{1,60}", re.ASCII)
_ERROR = re.compile(r"[A-Z0-9_]{1,40}", re.ASCII)


def read_info(text: str) -> dict[str, str]:
    """Fields by name; a name that stands twice keeps its first value."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            fields.setdefault(name.strip(), value.strip())
    return fields


def info_signals(fields: dict[str, str], *, database: int) -> tuple[Reading, ...]:
    """`database`: the one whose keys are meant."""
    return (
        *_plain(fields),
        *_keyspace(fields.get(f"db{database}", ""), whole="redis_version" in fields),
        *_commands(fields),
        *_percentiles(fields),
        *_errors(fields),
    )


def number_of(fields: dict[str, str], name: str) -> float | None:
    """None when it is not there or no number."""
    return _number(fields.get(name, ""))


def _plain(fields: dict[str, str]) -> Iterator[Reading]:
    for name, signal in _NUMBERS.items():
        if (value := number_of(fields, name)) is not None:
            yield reading(signal, value)
    for name, signal in _WORDS.items():
        if name in fields:
            yield reading(signal, fields[name][:MAX_LETTERS])
    for name in _VERSIONS:
        if name in fields:
            yield reading("redis.version", f"{name.partition('_')[0]} {fields[name][:20]}")
            break
    failed = [fields.get(name) for name in ("rdb_last_bgsave_status", "aof_last_write_status") if name in fields]
    if failed:
        yield reading("redis.save_failed", float("err" in failed))
    used = [number_of(fields, name) for name in ("used_cpu_sys", "used_cpu_user")]
    if None not in used:
        yield reading("redis.cpu_seconds_total", sum(value for value in used if value is not None))


def _keyspace(line: str, *, whole: bool) -> Iterator[Reading]:
    """A database without keys has no line."""
    told = _pairs(line)
    keys, expiring = told.get("keys", 0.0 if whole else None), told.get("expires", 0.0 if whole else None)
    if keys is None or expiring is None:
        return
    yield reading("redis.keys", keys)
    yield reading("redis.keys_with_ttl", expiring)
    yield reading("redis.keys_without_ttl", max(0.0, keys - expiring))
    if (average := told.get("avg_ttl")) is not None and average > 0:
        yield reading("redis.average_ttl_seconds", average / 1000)


def _commands(fields: dict[str, str]) -> Iterator[Reading]:
    names = [name for name in fields if name.startswith("cmdstat_")][:MAX_COMMANDS]
    signals = {
        "calls": "redis.command_calls_total",
        "usec": "redis.command_usec_total",
        "failed_calls": "redis.command_failed_total",
        "rejected_calls": "redis.command_rejected_total",
    }
    for name in names:
        command = name.removeprefix("cmdstat_").lower()
        if not _NAME.fullmatch(command):
            continue
        for field, value in _pairs(fields[name]).items():
            if field in signals:
                yield reading(signals[field], value, command=command)


def _percentiles(fields: dict[str, str]) -> Iterator[Reading]:
    names = [name for name in fields if name.startswith("latency_percentiles_usec_")][:MAX_COMMANDS]
    for name in names:
        command = name.removeprefix("latency_percentiles_usec_").lower()
        if not _NAME.fullmatch(command):
            continue
        told = _pairs(fields[name])
        for field, signal in (("p50", "redis.command_p50_ms"), ("p99", "redis.command_p99_ms")):
            if field in told:
                yield reading(signal, told[field] / 1000, command=command)


def _errors(fields: dict[str, str]) -> Iterator[Reading]:
    for name in [name for name in fields if name.startswith("errorstat_")][:MAX_ERRORS]:
        error, count = name.removeprefix("errorstat_"), _pairs(fields[name]).get("count")
        if count is not None and _ERROR.fullmatch(error):
            yield reading("redis.errors_total", count, error=error)


def _pairs(line: str) -> dict[str, float]:
    pairs = (pair.partition("=") for pair in line.split(",")[:20])
    return {name: number for name, _, value in pairs if (number := _number(value)) is not None}


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e18 else None
