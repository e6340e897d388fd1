"""The value a row filter compares with: typed as it is written, or taken from the caller. Never text of SQL."""

import math
import re

import yaml

from mcp_gateway.access.policy.model import CallerValue, Operator, Scalar
from mcp_gateway.core.configuration.nodes import Scalar as Written
from mcp_gateway.core.configuration.nodes import check_text, read_scalar
from mcp_gateway.core.configuration.section import Section

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.+Z-]{1,30})?")
_MAX_VALUES = 1_000
_WITHOUT_VALUE = ("is null", "is not null")
_OF_LISTS = ("in", "not in")


def read_value(section: Section, operator: Operator) -> Scalar | tuple[Scalar, ...] | CallerValue | None:
    """What the operator needs; None too when a fault was noted."""
    node = section.value("value")
    path = section.child("value")
    if operator in _WITHOUT_VALUE:
        if node is not None:
            section.faults.note(node, path, f"means nothing for {operator}", "Remove it.")
        return None
    if node is None:
        section.missing("value", "Write the value to compare with, or {caller: tenant}.")
        return None
    if isinstance(node, yaml.MappingNode):
        return _read_caller_value(section, operator)
    if operator not in _OF_LISTS:
        return _read_typed(node, path, section)
    if not isinstance(node, yaml.SequenceNode) or not 0 < len(node.value) <= _MAX_VALUES:
        section.faults.note(node, path, f"must be a list of 1 to {_MAX_VALUES} values", "Write [one, two].")
        return None
    read = [_read_typed(item, f"{path}[{position}]", section) for position, item in enumerate(node.value)]
    values = tuple(value for value in read if value is not None)
    if len({_kind(value) for value in values}) > 1:
        section.faults.note(node, path, "mixes texts, numbers and true or false", "Put texts in quotes, all of them.")
    return values


def _read_caller_value(section: Section, operator: Operator) -> CallerValue | None:
    mapping = section.section("value")
    if mapping is None:
        return None
    mapping.missing("caller", "Write {caller: tenant}, {caller: subject} or {caller: ATTRIBUTE}.")
    attribute = mapping.text("caller", longest=128)
    mapping.refuse_unknown_keys()
    if operator not in ("=", "!="):
        fix = "Compare what the caller is with = or !=."
        section.faults.note(section.value("operator"), section.child("operator"), f"is {operator}", fix)
    return None if attribute is None else CallerValue(attribute=attribute)


def _read_typed(node: yaml.Node, path: str, section: Section) -> Scalar | None:
    written = read_scalar(node, path, section.faults)
    if written is None:
        return None
    if written.is_string or _DAY.fullmatch(written.text):
        return check_text(written, path, section.faults, strict=False, longest=1_000)
    value = _number_or_flag(written)
    if value is None:
        fix = "Put it in quotes if it is text; write true or false, or a plain number, otherwise."
        section.faults.note(node, path, f"could be read in several ways: {written.shown}", fix)
    return value


def _number_or_flag(written: Written) -> int | float | bool | None:
    text = written.text.strip()
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return None


def _kind(value: Scalar) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
