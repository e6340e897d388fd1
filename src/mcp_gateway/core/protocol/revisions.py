"""The revisions of the protocol and their two eras.

Until 2025-11-25 a client opens a session with a handshake; since 2026-07-28 every request stands alone.
"""

from typing import Final, Literal, TypeAlias

Era: TypeAlias = Literal["modern", "legacy"]

MODERN: Final = "2026-07-28"
LATEST_LEGACY: Final = "2025-11-25"
# Newest first.
LEGACY_REVISIONS: Final = (LATEST_LEGACY, "2025-06-18", "2025-03-26", "2024-11-05")
REVISIONS: Final = (MODERN, *LEGACY_REVISIONS)
