"""What the validator raises; faults of the checked code are findings, not errors."""

from mcp_gateway.core.errors import InvalidInput, NotFound, Unprocessable


class PatternPathNotFound(NotFound):
    """There is no such file or folder to validate."""

    code = "PATTERN_PATH_NOT_FOUND"
    hint = "Name a Python file, a folder, or the end of a router's path below the project's folder."


class PatternSettingsInvalid(InvalidInput):
    """The settings of the validator cannot be used."""

    code = "PATTERN_SETTINGS_INVALID"
    hint = (
        "Correct the named key under [tool.mcp-gateway.patterns] of pyproject.toml; docs/operations/patterns.md lists them all."
    )


class PatternBaselineInvalid(InvalidInput):
    """The baseline file cannot be read."""

    code = "PATTERN_BASELINE_INVALID"
    hint = "Write it anew with `mcp-gateway patterns --write-baseline FILE`."


class ApplicationNotImportable(Unprocessable):
    """The application could not be imported."""

    code = "PATTERN_APPLICATION_NOT_IMPORTABLE"
    hint = "Name it as `package.module:app` and start the validator where it can be imported, with all it needs."
