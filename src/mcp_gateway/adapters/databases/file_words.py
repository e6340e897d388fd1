"""What an engine says about a file, fit for callers who need not know where on this machine it lies."""

from pathlib import Path


def without_folder(words: str, path: Path) -> str:
    """The words with the file's name alone wherever its whole path stands."""
    for form in {str(path), str(path.absolute()), str(path.resolve())}:
        words = words.replace(form, path.name)
    return words
