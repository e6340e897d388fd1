"""`${VAR}` and `${VAR:-default}` in a configuration's values; `$$` stands for one dollar sign."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\{[^}]*\}?)")


class UnsetVariable(Exception):
    """A variable without a value and without a default; the argument is its name."""


class MalformedReference(Exception):
    """Something that begins like a reference and is none; the argument is its text."""


def substitute(text: str, environment: Mapping[str, str]) -> str:
    """The text with every reference replaced. As in a shell, `:-` also takes the default when the variable is empty.

    Raises `UnsetVariable` and `MalformedReference`.
    """

    def value_of(match: re.Match[str]) -> str:
        if match.group() == "$$":
            return "$"
        name, default = match["name"], match["default"]
        if name is None:
            raise MalformedReference(match.group())
        value = environment.get(name)
        if default is not None:
            return value or default
        if value is None:
            raise UnsetVariable(name)
        return value

    return _REFERENCE.sub(value_of, text)


def has_reference(text: str) -> bool:
    """Whether the text would be changed by `substitute`."""
    return "$$" in text or "${" in text
