"""Arguments held against the tool's schema before they are sent. Each schema is compiled once and kept under its fingerprint.

Schemas come from strangers: nothing is fetched for them, expressions run in linear time (or, with lookaround, under a limit), and
what a schema could make the validator do is counted before. A schema that cannot be used closes its tool.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Final

import jsonschema_rs

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.guard.errors import ArgumentsRefused, SchemaUnusable
from mcp_gateway.federation.guard.schema_cost import ENDLESS, costs_of
from mcp_gateway.federation.guard.sizes import USUAL_LIMITS, Measured, SizeLimits, measure

KEPT: Final = 4_096
# About a fifth of a second.
MAX_WORK: Final = 10_000_000
_WORK_IN_WORDS: Final = 100_000
_LINEAR: Final = jsonschema_rs.RegexOptions(size_limit=1024 * 1024, dfa_size_limit=1024 * 1024)
_LIMITED: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000, size_limit=1024 * 1024)
_MASK: Final = "the value"
_FAULTS_TOLD: Final = 5
_FAULT_LENGTH: Final = 300
_DIALECTS: Final = ("http://json-schema.org/", "https://json-schema.org/")
_EITHER: Final = frozenset({"anyOf", "oneOf"})


@dataclass(frozen=True, slots=True)
class _Ready:
    validator: jsonschema_rs.Validator
    costs: tuple[int, ...]


class ArgumentChecks:
    """Keeps the `kept` schemas that were used last. Not for threads."""

    def __init__(self, *, kept: int = KEPT, limits: SizeLimits = USUAL_LIMITS) -> None:
        self._kept, self._limits = kept, limits
        # A text says why the schema cannot be used.
        self._ready: OrderedDict[str, _Ready | str] = OrderedDict()

    def check(self, fingerprint: str, definition: JsonObject, arguments: Json) -> None:
        """`definition` is the tool's, and `fingerprint` that of it. Raises `ArgumentsRefused`, `ArgumentsTooLarge` and
        `SchemaUnusable`.
        """
        if not isinstance(arguments, dict):
            raise ArgumentsRefused("The arguments must be an object.")
        measured = measure(arguments, self._limits)
        ready = self._ready.get(fingerprint)
        if ready is None:
            ready = self._remember(fingerprint, definition)
        else:
            self._ready.move_to_end(fingerprint)
        if isinstance(ready, str):
            raise SchemaUnusable(ready)
        work = _work_of(ready, measured)
        if not ready.validator.is_valid(arguments):
            raise _refusal(ready.validator, definition, arguments, in_words=work <= _WORK_IN_WORDS)

    def _remember(self, fingerprint: str, definition: JsonObject) -> "_Ready | str":
        ready: _Ready | str
        try:
            ready = prepare(definition)
        except SchemaUnusable as error:
            ready = error.message
        self._ready[fingerprint] = ready
        if len(self._ready) > self._kept:
            self._ready.popitem(last=False)
        return ready


def prepare(definition: JsonObject) -> _Ready:
    """Raises `SchemaUnusable`; so a server's schemas can be tried when it is registered."""
    schema = definition.get("inputSchema")
    if schema is None:
        schema = {}
    if not isinstance(schema, dict | bool):
        raise SchemaUnusable("The tool's inputSchema is not a schema.", reason="not a schema")
    try:
        costs = costs_of(schema)
    except RecursionError:
        raise SchemaUnusable("The tool's schema is nested too deep.", reason="nested too deep") from None
    if costs[1] >= ENDLESS:
        raise SchemaUnusable("The tool's schema would take forever to check.", reason="too much work")
    return _Ready(_compile(schema), costs)


def _compile(schema: "dict[str, Json] | bool") -> jsonschema_rs.Validator:
    """The dialect it names, else 2020-12; expressions in linear time where they can be."""
    try:
        return _compiled(schema, _LINEAR)
    except (ValueError, jsonschema_rs.ReferencingError):
        pass
    if isinstance(schema, dict) and "$schema" in schema and not str(schema["$schema"]).startswith(_DIALECTS):
        schema = {key: value for key, value in schema.items() if key != "$schema"}
    try:
        return _compiled(schema, _LIMITED)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        reason = str(error).splitlines()[0][:_FAULT_LENGTH]
        raise SchemaUnusable(f"The tool's schema cannot be used: {reason}", reason=reason) from error


def _compiled(
    schema: "dict[str, Json] | bool", patterns: "jsonschema_rs.RegexOptions | jsonschema_rs.FancyRegexOptions"
) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema, offline=True, pattern_options=patterns, mask=_MASK)


def _work_of(ready: _Ready, measured: Measured) -> int:
    """How often schemas are applied at worst. Raises `ArgumentsRefused` for too often."""
    work = ready.costs[-1] * measured.nodes
    if work <= MAX_WORK:
        return work
    work = ready.costs[min(measured.depth, len(ready.costs) - 1)] * measured.nodes
    if work > MAX_WORK:
        raise ArgumentsRefused("The tool's schema is too intricate to check arguments as large or as deep as these.", work=work)
    return work


def _refusal(
    validator: jsonschema_rs.Validator, definition: JsonObject, arguments: JsonObject, *, in_words: bool
) -> ArgumentsRefused:
    """Says what to correct, and repeats nothing of what was sent but names. Every fault found is held in memory meanwhile."""
    if not in_words:
        return ArgumentsRefused()
    known = _names_of(definition)
    faults = list(
        islice((fault for error in validator.iter_errors(arguments) for fault in _told(error, known)), _FAULTS_TOLD + 1)
    )
    told: list[Json] = [*faults[:_FAULTS_TOLD]]
    more = "; and more" if len(faults) > _FAULTS_TOLD else ""
    return ArgumentsRefused(f"The arguments do not fit: {'; '.join(faults[:_FAULTS_TOLD])}{more}.", faults=told)


def _told(error: jsonschema_rs.ValidationError, known: tuple[str, ...]) -> Iterator[str]:
    kind = error.kind.name
    if kind == "required":
        yield _at(error, f"{error.kind.value!r} is missing")
    elif kind == "additionalProperties" and not error.instance_path:
        for name in error.kind.value:
            yield f"{str(name)[:80]!r} is not an argument of this tool{_perhaps(str(name), known)}"
    elif kind in _EITHER:
        yield _at(error, _alternatives(error))
    else:
        yield _at(error, error.message)


def _alternatives(error: jsonschema_rs.ValidationError) -> str:
    branches = [branch[0] for branch in error.kind.value if branch]
    if not branches:
        return error.message
    return "none of the allowed forms: " + ", or ".join(dict.fromkeys(_at(one, one.message) for one in branches[:4]))


def _at(error: jsonschema_rs.ValidationError, words: str) -> str:
    path = ".".join(str(step)[:80] for step in error.instance_path)
    return f"{path}: {words}"[:_FAULT_LENGTH] if path else words[:_FAULT_LENGTH]


def _perhaps(name: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(name[:80], known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; it takes {', '.join(known[:20])}" if known else "; it takes none"


def _names_of(definition: JsonObject) -> tuple[str, ...]:
    schema = definition.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return tuple(properties) if isinstance(properties, dict) else ()
