"""Typed reading of a YAML mapping that notes a fault for each value it cannot use, with its line, and reads on."""

import math
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import yaml

from mcp_gateway.core.configuration.nodes import Faults, OverrideNode, Scalar, check_text, is_null, nearest, read_scalar
from mcp_gateway.core.configuration.substitute import has_reference

_T = TypeVar("_T")
_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}


class Section:
    """One mapping of the file. Each key read is known; `refuse_unknown_keys` names the others."""

    def __init__(self, node: yaml.Node, path: str, faults: Faults) -> None:
        self.node, self.path, self.faults = node, path, faults
        self.entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        self._known: set[str] = set()
        self._sections: dict[str, Section] = {}
        if isinstance(node, yaml.MappingNode):
            self._index(node)
        elif not is_null(node):
            faults.note(node, path, "must be a mapping", "Write keys with values below it, indented.")

    def _index(self, node: yaml.MappingNode) -> None:
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.note(key_node, self.path, "has a key that is not plain text", "Use a simple word as the key.")
                continue
            key = str(key_node.value)
            if key in self.entries:
                first = self.entries[key][0].start_mark
                line = f" (first on line {first.line + 1})" if first is not None else ""
                self.faults.note(key_node, self.child(key), f"stands twice{line}", "Keep one of the two.")
                continue
            self.entries[key] = (key_node, value_node)

    def child(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def value(self, key: str) -> yaml.Node | None:
        """The value's node; None when the key is absent or empty."""
        self._known.add(key)
        entry = self.entries.get(key)
        return None if entry is None or is_null(entry[1]) else entry[1]

    def section(self, key: str) -> "Section | None":
        """The mapping under the key; made once, so that its faults are noted once."""
        node = self.value(key)
        if node is None:
            return None
        if key not in self._sections:
            self._sections[key] = Section(node, self.child(key), self.faults)
        return self._sections[key]

    def sections(self, key: str) -> "list[Section]":
        """The mappings of a list; a fault is noted for what is none."""
        node = self.value(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.faults.note(node, self.child(key), "must be a list", "Write one item a line after a dash.")
            return []
        read = [Section(item, f"{self.child(key)}[{position}]", self.faults) for position, item in enumerate(node.value)]
        return [section for section in read if isinstance(section.node, yaml.MappingNode)]

    def scalar(self, key: str) -> Scalar | None:
        node = self.value(key)
        return None if node is None else read_scalar(node, self.child(key), self.faults)

    def scalar_text(self, key: str) -> str | None:
        """The value's text, unchecked, for comparing; None when absent or without a value. Notes no fault a second time."""
        count = len(self.faults.found)
        scalar = self.scalar(key)
        del self.faults.found[count:]
        return None if scalar is None else scalar.text.strip()

    def text(self, key: str, *, longest: int = 2000) -> str | None:
        """The value as text; None when absent or faulty."""
        return self._checked(key, lambda scalar: check_text(scalar, self.child(key), self.faults, longest=longest))

    def choice(self, key: str, names: Mapping[str, str]) -> str | None:
        """One of the names, which map spellings to the value meant."""

        def check(scalar: Scalar) -> str | None:
            chosen = names.get(scalar.text.lower().strip())
            if chosen is None:
                wanted = ", ".join(sorted(set(names.values())))
                near = nearest(scalar.text.lower(), names)
                fix = f"Did you mean {names[near]}? It must be one of {wanted}." if near else f"Use one of {wanted}."
                self.faults.note(scalar.node, self.child(key), f"{scalar.shown} is not known", fix)
            return chosen

        return self._checked(key, check)

    def integer(self, key: str, least: int, most: int) -> int | None:
        number = self.number(key, least, most, whole=True)
        return None if number is None else int(number)

    def number(self, key: str, least: float, most: float, *, whole: bool = False) -> float | None:
        def check(scalar: Scalar) -> float | None:
            kind = "a whole number" if whole else "a number"
            fix = f"Write {kind} from {least:,} to {most:,}, without quotes."
            try:
                number = float(int(scalar.text)) if whole else float(scalar.text)
            except ValueError:
                number = math.nan
            quoted = scalar.is_string and not isinstance(scalar.node, OverrideNode) and not has_reference(scalar.shown)
            if quoted or not re.fullmatch(r"[-+0-9.eE]+", scalar.text) or not math.isfinite(number):
                self.faults.note(scalar.node, self.child(key), f"must be {kind}, not {scalar.shown}", fix)
                return None
            if not least <= number <= most:
                self.faults.note(scalar.node, self.child(key), f"{scalar.shown} is outside {least:,} to {most:,}", fix)
                return None
            return number

        return self._checked(key, check)

    def flag(self, key: str) -> bool | None:
        def check(scalar: Scalar) -> bool | None:
            word = scalar.text.lower()
            if word in _TRUE | _FALSE:
                return word in _TRUE
            self.faults.note(scalar.node, self.child(key), f"must be true or false, not {scalar.shown}", "Write true or false.")
            return None

        return self._checked(key, check)

    def texts(self, key: str, *, strict: bool = True) -> tuple[str, ...]:
        """A list of texts; from the environment separated by commas. Not `strict`: numbers count as text."""
        node = self.value(key)
        if node is None:
            return ()
        if isinstance(node, OverrideNode):
            return tuple(word.strip() for word in node.value.split(",") if word.strip())
        if not isinstance(node, yaml.SequenceNode):
            self.faults.note(node, self.child(key), "must be a list", "Write [one, two], or one item a line after a dash.")
            return ()
        read: list[str] = []
        for position, item in enumerate(node.value):
            path = f"{self.child(key)}[{position}]"
            scalar = read_scalar(item, path, self.faults)
            text = None if scalar is None else check_text(scalar, path, self.faults, strict=strict)
            if text is not None:
                read.append(text)
        return tuple(read)

    def refuse_unknown_keys(self) -> None:
        for key, (key_node, _) in self.entries.items():
            if key in self._known:
                continue
            near = nearest(key, self._known)
            fix = f"Did you mean {near}?" if near else f"Known here: {', '.join(sorted(self._known))}."
            self.faults.note(key_node, self.child(key), "is not a known key", fix)

    def missing(self, key: str, fix: str) -> None:
        """Note that a needed key is absent, unless it is present and was faulty already."""
        if self.value(key) is None:
            entry = self.entries.get(key)
            self.faults.note(entry[0] if entry else self.node, self.child(key), "is missing", fix)

    def _checked(self, key: str, check: Callable[[Scalar], _T | None]) -> _T | None:
        scalar = self.scalar(key)
        return None if scalar is None else check(scalar)
