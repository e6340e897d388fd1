"""Runs that were done, one JSON line each, so that a benchmark of half an hour can be done in parts."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.faults.controls import Control
from bench.faults.runs import Run


class Kept:
    """Runs and controls, in a file that may hold those of earlier times too; None keeps them here alone."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.is_file() else []

    def add(self, one: Run | Control) -> None:
        """What was answered instead, with its evidence, is for the eye and is not kept."""
        fields = {name: value for name, value in asdict(one).items() if name not in {"others", "truth"}}
        self._lines.append(json.dumps({"kind": type(one).__name__, **fields}))
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(self._lines[-1] + "\n")

    def read(self) -> tuple[list[Run], list[Control]]:
        """The latest of each fault at each strength, and every control."""
        runs: dict[tuple[str, str], Run] = {}
        controls: list[Control] = []
        for line in self._lines:
            fields = json.loads(line)
            kind = fields.pop("kind")
            given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
            if kind == "Run":
                runs[given["fault"], given["strength"]] = Run(**given)
            else:
                controls.append(Control(**given))
        return list(runs.values()), controls
