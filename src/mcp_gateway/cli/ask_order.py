"""What `mcp-gateway ask` is told to do. Light, so that its help is quick."""

from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path


class Form(Enum):
    """What is printed."""

    PEOPLE = "people"
    JSON = "json"
    CSV = "csv"
    SQL = "sql"


class Engine(StrEnum):
    """Who writes the SQL."""

    AUTO = "auto"
    ENGINE = "engine"
    MODEL = "model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """How to go on when the question can be read in several ways: `number` from 1, or the likeliest, or ask."""

    number: int | None
    likeliest: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """None leaves a setting as it is. `with_steps`: show each step with its time."""

    question: str
    data: str | None
    glossary: Path | None
    config: Path | None
    engine: Engine
    model: str | None
    max_rows: int | None
    form: Form
    choice: Choice
    with_steps: bool
