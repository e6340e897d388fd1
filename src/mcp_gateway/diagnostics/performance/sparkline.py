"""A small line of figures over time as SVG: no script, no outside reference, readable without colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from mcp_gateway.core.errors import Json

WIDTH, HEIGHT, MARGIN = 240, 48, 4
# More points than pixels show nothing more.
MAX_POINTS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Trend:
    """The way of one figure, oldest first: drawn here, and as numbers for faces that draw it themselves."""

    title: str
    unit: str
    points: tuple[tuple[datetime, float], ...]

    def picture(self) -> str:
        return sparkline([value for _, value in self.points], title=self.title, unit=self.unit)

    def to_dict(self) -> dict[str, Json]:
        points: list[Json] = [{"at": at.isoformat(), "value": float(f"{value:.6g}")} for at, value in self.points[-MAX_POINTS:]]
        return {"title": self.title, "unit": self.unit, "points": points}


def sparkline(values: Sequence[float], *, title: str, unit: str) -> str:
    """Oldest first. Fewer than two values: a picture that says so."""
    points = [value for value in values if value == value][-MAX_POINTS:]  # noqa: PLR0124  (a NaN is not itself)
    label = escape(f"{title}: {_told(points, unit)}")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{label}"><title>{label}</title>'
    )
    if len(points) < 2:
        return f'{head}<text x="{MARGIN}" y="{HEIGHT // 2}" font-size="11" fill="currentColor">too few figures yet</text></svg>'
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in _places(points))
    x, y = _places(points)[-1]
    return (
        f'{head}<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="currentColor"/></svg>'
    )


def _places(points: Sequence[float]) -> list[tuple[float, float]]:
    """From zero up, so that a small change does not look like a large one."""
    top = max(*points, 0.0) or 1.0
    low = min(*points, 0.0)
    step = (WIDTH - 2 * MARGIN) / (len(points) - 1)
    room = HEIGHT - 2 * MARGIN
    return [
        (MARGIN + index * step, HEIGHT - MARGIN - room * (value - low) / (top - low or 1.0)) for index, value in enumerate(points)
    ]


def _told(points: Sequence[float], unit: str) -> str:
    if not points:
        return "nothing was measured"
    return f"{len(points)} figures, lowest {min(points):.4g}, highest {max(points):.4g}, last {points[-1]:.4g} {unit}".rstrip()
