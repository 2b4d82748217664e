"""Two clocks: one that only moves forward (for due times) and one for people (for what is shown).

Due times never use the wall clock: it is set back, jumps at daylight saving, and is wrong after a battery change.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """What the outbox and the courier know about time."""

    def boot(self) -> float:
        """Seconds since the machine started, also while it sleeps."""

    def wall(self) -> float:
        """Seconds since 1970 UTC, for people only."""

    def boot_id(self) -> str:
        """A name of this start of the machine: `boot` values of another one mean nothing now."""


class SystemClock:
    """The machine's own clocks."""

    def boot(self) -> float:
        """See `Clock.boot`."""
        if sys.platform == "linux":
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()  # on Windows this counts sleep as well

    def wall(self) -> float:
        """See `Clock.wall`."""
        return time.time()

    def boot_id(self) -> str:
        """See `Clock.boot_id`."""
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            # Without a boot id of its own the start time does, in steps that a drifting clock does not leave.
            return f"started-{round((time.time() - time.monotonic()) / 600)}"


SYSTEM_CLOCK = SystemClock()
