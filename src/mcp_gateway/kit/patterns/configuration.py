"""`[tool.mcp-gateway.patterns]` of a project's pyproject.toml. Strict: an unknown key or rule is an error, not silence."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mcp_gateway.kit.patterns.errors import PatternSettingsInvalid
from mcp_gateway.kit.patterns.model import LEVELS, Level, RuleSettings, Severity
from mcp_gateway.kit.patterns.rules.catalogue import BY_NAME

SEVERITIES: Final = {one.word: one for one in Severity}
LISTS: Final = ("paths", "exclude", "limiters", "identities", "public-paths")
MAX_BYTES: Final = 1_000_000
KEYS: Final = frozenset({*LISTS, "level", "fail-on", "baseline", "rules"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternSettings:
    """`fail_on`: the severity from which a finding is a failure; None is never."""

    level: Level = "comprehensive"
    fail_on: Severity | None = Severity.MEDIUM
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    limiters: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    public_paths: tuple[str, ...] = ()
    baseline: str | None = None
    severities: RuleSettings = field(default_factory=dict)


def read_settings(root: Path) -> PatternSettings:
    """Of `root/pyproject.toml`; the defaults without that file or table. Raises `PatternSettingsInvalid`."""
    path = root / "pyproject.toml"
    if not path.is_file():
        return PatternSettings()
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PatternSettingsInvalid(f"{path.name} is larger than {MAX_BYTES:,} bytes.")
        table: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PatternSettingsInvalid(f"{path.name} cannot be read: {error}"[:300]) from error
    except (RecursionError, MemoryError) as error:
        raise PatternSettingsInvalid(f"{path.name} is nested too deeply.") from error
    for name in ("tool", "mcp-gateway", "patterns"):
        table = table.get(name, {}) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise PatternSettingsInvalid("tool.mcp-gateway.patterns is no table.")
    return _settings(table)


def _settings(table: Mapping[str, object]) -> PatternSettings:
    unknown = sorted(set(table) - KEYS)
    if unknown:
        raise PatternSettingsInvalid(f"There is no key {unknown[0]!r}; there are {', '.join(sorted(KEYS))}.", key=unknown[0])
    level = table.get("level", "comprehensive")
    if level not in LEVELS:
        raise PatternSettingsInvalid(f"level is one of {', '.join(LEVELS)}.", key="level")
    lists = {key: _texts(key, table.get(key, [])) for key in LISTS}
    baseline = table.get("baseline")
    if baseline is not None and not isinstance(baseline, str):
        raise PatternSettingsInvalid("baseline is the path of a file.", key="baseline")
    return PatternSettings(
        level=next(one for one in LEVELS if one == level),
        fail_on=severity_of("fail-on", table.get("fail-on", "medium")),
        paths=lists["paths"],
        exclude=lists["exclude"],
        limiters=lists["limiters"],
        identities=lists["identities"],
        public_paths=lists["public-paths"],
        baseline=baseline,
        severities=_rules(table.get("rules", {})),
    )


def severity_of(key: str, word: object) -> Severity | None:
    """Of its word; None for `off`. Raises `PatternSettingsInvalid`."""
    if word == "off":
        return None
    if not isinstance(word, str) or word not in SEVERITIES:
        raise PatternSettingsInvalid(f"{key} is one of {', '.join(SEVERITIES)}, off.", key=key)
    return SEVERITIES[word]


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise PatternSettingsInvalid(f"{key} is a list of texts.", key=key)
    return tuple(value)


def _rules(value: object) -> RuleSettings:
    if not isinstance(value, dict):
        raise PatternSettingsInvalid("rules is a table: rule = severity, or off.", key="rules")
    for name in value:
        if name not in BY_NAME:
            raise PatternSettingsInvalid(f"There is no rule {str(name)[:60]!r}.", key=f"rules.{str(name)[:60]}")
    return {name: severity_of(f"rules.{name}", word) for name, word in value.items()}
