"""What the operations tools look at. Apart from what makes them, which commands load only when they run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A deployment, and a folder of code. Addresses are http://host:port; None: none is named, nothing may be read.

    Tokens are for the pages of the one they are named after, and for requests in the name of whoever tries it.
    """

    gateway_url: str | None = None
    engine_url: str | None = None
    gateway_token: str | None = field(default=None, repr=False)
    engine_token: str | None = field(default=None, repr=False)
    project: Path | None = None


NOTHING_NAMED: Final = Watched()
