"""Runs that were done, one JSON line each, so that a benchmark of half an hour can be done in parts."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.faults.controls import Control
from bench.faults.runs import Run


class Kept:
    """A file of runs and controls."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, one: Run | Control) -> None:
        """What was answered instead, with its evidence, is for the eye and is not kept."""
        fields = {name: value for name, value in asdict(one).items() if name not in {"others", "truth"}}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": type(one).__name__, **fields}) + "\n")

    def read(self) -> tuple[list[Run], list[Control]]:
        """The latest of each fault at each strength, and every control."""
        runs: dict[tuple[str, str], Run] = {}
        controls: list[Control] = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            fields = json.loads(line)
            given: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in fields.items() if name != "kind"
            }
            if fields["kind"] == "Run":
                runs[given["fault"], given["strength"]] = Run(**given)
            else:
                controls.append(Control(**given))
        return list(runs.values()), controls
