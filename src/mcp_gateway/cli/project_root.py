"""Which folder is the project's, when nobody says."""

from pathlib import Path


def project_root(path: Path) -> Path:
    """The nearest folder above with a pyproject.toml or a repository; the path's own folder without one."""
    start = path if path.is_dir() else path.parent
    return next((one for one in (start, *start.parents) if (one / "pyproject.toml").is_file() or (one / ".git").exists()), start)
