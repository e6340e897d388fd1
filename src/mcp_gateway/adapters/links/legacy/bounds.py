"""How long and how many, for sessions and for calls that wait."""

from typing import Final

# A call that waits for its client's answer, and how many of them one caller may leave.
PARKED_SECONDS: Final = 300.0
PARKED_PER_CALLER: Final = 64
PARKED_IN_ALL: Final = 4_096
# Sessions nobody used for so long are ended.
IDLE_SECONDS: Final = 600.0
SESSIONS_PER_IDENTITY: Final = 16
SESSIONS_IN_ALL: Final = 1_024
CHILDREN_PER_IDENTITY: Final = 4
CHILDREN_IN_ALL: Final = 32
