"""Rules as a JSON document and back: how they are stored and how a configuration may give them. Strict about what comes in."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import TypeVar

from mcp_gateway.core.errors import Json
from mcp_gateway.kit.errors import InvalidRule
from mcp_gateway.kit.limits.rules import ConcurrencyRule, Rule, RuleSet

MAX_DOCUMENT_BYTES = 1_000_000
MAX_RULES = 2_000
_TUPLES = {"operations", "tenants"}
_PARTS = {"rules", "concurrency", "weights", "reads"}
# What each field may hold, by its annotation's first word; None is allowed where the default is None.
_TYPES: Mapping[str, tuple[type, ...]] = {
    "name": (str,), "author": (str,), "reason": (str,), "scope": (str,), "algorithm": (str,), "when_away": (str,), "expires_at":
    (str,), "limit": (int,), "burst": (int,), "buckets": (int,), "window_seconds": (int, float), "lease_seconds": (int, float),
    "each_operation": (bool,), "shadow": (bool,), "enabled": (bool,), "visible": (bool,), "operations": (list,), "tenants":
    (list,),
}  # fmt: skip

AnyRule = TypeVar("AnyRule", Rule, ConcurrencyRule)


def to_text(rules: RuleSet) -> str:
    """The document of a rule set, without its revision; fields at their defaults are left out."""
    document: dict[str, Json] = {
        "rules": [_to_document(rule) for rule in rules.rules],
        "concurrency": [_to_document(rule) for rule in rules.concurrency],
        "weights": dict(rules.weights),
        "reads": list(rules.reads),
    }
    return json.dumps(document, sort_keys=True)


def from_text(text: str, *, revision: int = 0) -> RuleSet:
    """Raises `InvalidRule` naming the rule and field: an unknown field, a wrong type, a value out of range."""
    if len(text) > MAX_DOCUMENT_BYTES:
        raise InvalidRule(f"A document of rules is at most {MAX_DOCUMENT_BYTES} bytes long.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRule("The document of rules is not JSON.") from error
    return from_document(document, revision=revision)


def from_document(document: Json, *, revision: int = 0) -> RuleSet:
    """As `from_text`, for a document already read (a part of a YAML file, the body of a request)."""
    if not isinstance(document, dict) or not document.keys() <= _PARTS:
        raise InvalidRule(f"A document of rules is an object with {', '.join(sorted(_PARTS))}.")
    return RuleSet(
        rules=_rules(document.get("rules", []), Rule),
        concurrency=_rules(document.get("concurrency", []), ConcurrencyRule),
        weights=_weights(document.get("weights", {})),
        reads=_words("reads", document.get("reads", [])),
        revision=revision,
    )


def _rules(entries: Json, kind: type[AnyRule]) -> tuple[AnyRule, ...]:
    if not isinstance(entries, list) or len(entries) > MAX_RULES:
        raise InvalidRule(f"Rules are a list of at most {MAX_RULES}.")
    return tuple(_rule(entry, kind) for entry in entries)


def _rule(entry: Json, kind: type[AnyRule]) -> AnyRule:
    if not isinstance(entry, dict):
        raise InvalidRule("A rule is an object.")
    shown = str(entry.get("name", "without a name"))[:64]
    known = {field.name: field for field in fields(kind)}
    if unknown := sorted(entry.keys() - known.keys()):
        raise InvalidRule(f"Rule {shown}: there is no field {unknown[0][:64]}.", rule=shown, field=unknown[0][:64])
    if missing := [name for name, field in known.items() if field.default is MISSING and name not in entry]:
        raise InvalidRule(f"Rule {shown}: {missing[0]} is missing.", rule=shown, field=missing[0])
    values = {
        name: _value(shown, name, value) for name, value in entry.items() if value is not None or known[name].default is not None
    }
    return kind(**values)  # type: ignore[arg-type]  # names and types have been checked one by one


def _value(rule: str, name: str, value: Json) -> object:
    wanted = _TYPES[name]
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise InvalidRule(f"Rule {rule}: {name} has the wrong type.", rule=rule, field=name)
    if name in _TUPLES:
        return _words(name, value)
    if name == "expires_at":
        try:
            return datetime.fromisoformat(str(value))
        except ValueError as error:
            raise InvalidRule(
                f"Rule {rule}: expires_at is a time like 2026-12-31T18:00:00+00:00.", rule=rule, field=name
            ) from error
    return value


def _words(name: str, value: Json) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InvalidRule(f"{name} is a list of texts.", field=name)
    return tuple(str(word) for word in value)


def _weights(value: Json) -> dict[str, int]:
    if not isinstance(value, dict):
        raise InvalidRule("weights is an object of operation and number.", field="weights")
    weights = {}
    for operation, weight in value.items():
        if not isinstance(weight, int) or isinstance(weight, bool):
            raise InvalidRule("A weight is a whole number.", field="weights")
        weights[operation] = weight
    return weights


def _to_document(rule: Rule | ConcurrencyRule) -> Json:
    shown: dict[str, Json] = {}
    for field in fields(rule):
        value = getattr(rule, field.name)
        if value == field.default:
            continue
        shown[field.name] = (
            list(value) if isinstance(value, tuple) else value.isoformat() if isinstance(value, datetime) else value
        )
    return shown
