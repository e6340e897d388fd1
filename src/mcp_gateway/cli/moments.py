"""Moments and lengths of time as people type them: 2026-11-21, 2026-11-21T14:00Z, 30m, 8h, 7d."""

import re
from datetime import UTC, datetime
from typing import Final

import typer

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_LENGTH: Final = re.compile(r"([0-9]{1,7})([smhd])", re.ASCII)


def read_length(text: str) -> float:
    """Seconds. A whole number and a unit."""
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter(f"{text[:40]!r} is no length of time; write 30m, 8h or 7d.")
    return int(found[1]) * _UNITS[found[2]]


def read_moment(text: str, now: datetime) -> float:
    """Seconds since 1970: so long ago, or a date with or without a time; without a zone it is UTC."""
    if _LENGTH.fullmatch(text.strip().lower()):
        return now.timestamp() - read_length(text)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(
            f"{text[:40]!r} is no moment; write 2026-11-21, 2026-11-21T14:00Z, or 7d for as long ago."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
