"""Values that are made for every call."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def call_value(cls: type[T]) -> type[T]:
    """A frozen, keyword-only dataclass with slots, as far as the type checker is concerned.

    Python itself does not hold it frozen: making one would take three times as long, and there are eight of them in a call.
    """
    return dataclass(kw_only=True, slots=True, unsafe_hash=True)(cls)
